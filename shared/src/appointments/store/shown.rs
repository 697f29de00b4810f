//! The appointment that is shown of each of many contacts.

use std::collections::HashMap;

use chrono::{DateTime, Utc};

use super::Row;
use crate::appointments::Appointment;
use crate::crypto::ContactKey;
use crate::db::{Error, TenantTx};
use crate::ids::{AppointmentId, ContactId};
use crate::tenants::KeyError;

/// The appointment that is shown of a contact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// The appointment.
    pub appointment: Appointment,
    /// Dials that count, since it was last really moved.
    pub attempts: i64,
}

#[derive(sqlx::FromRow)]
struct WithAttempts {
    #[sqlx(flatten)]
    row: Row,
    attempts: i64,
}

/// Of each of these contacts the appointment that is asked for; where none is, the next open one, or else the latest.
/// Contacts without such an appointment are not in the map.
///
/// # Errors
/// Any [`KeyError`].
pub async fn shown(
    tx: &mut TenantTx,
    wanted: &[(&ContactKey, Option<AppointmentId>)],
    now: DateTime<Utc>,
) -> Result<HashMap<ContactId, Shown>, KeyError> {
    let contacts: Vec<ContactId> = wanted.iter().map(|(key, _)| ContactId(key.contact())).collect();
    let appointments: Vec<Option<AppointmentId>> = wanted.iter().map(|(_, id)| *id).collect();
    let rows: Vec<WithAttempts> = sqlx::query_as(
        "select s.*, (select count(*) from attempts a
                      where a.purpose_key = 'appointment:' || s.id || ':' || s.round and a.counts) as attempts
         from (
             select distinct on (p.contact_id) p.* from unnest($1::uuid[], $2::uuid[]) w (contact, appointment)
             join appointments p on p.contact_id = w.contact and p.deleted_at is null
                 and (w.appointment is null or p.id = w.appointment)
             order by p.contact_id, p.status <> 'cancelled' and p.at > $3 desc,
                 case when p.status <> 'cancelled' and p.at > $3 then p.at end, p.at desc, p.id desc
         ) s",
    )
    .bind(&contacts)
    .bind(&appointments)
    .bind(now)
    .fetch_all(tx.conn())
    .await
    .map_err(Error::from)?;
    let keys: HashMap<ContactId, &ContactKey> =
        wanted.iter().map(|(key, _)| (ContactId(key.contact()), *key)).collect();
    let mut found = HashMap::with_capacity(rows.len());
    for WithAttempts { row, attempts } in rows {
        if let Some(key) = keys.get(&row.contact_id) {
            let (contact, appointment) = (row.contact_id, super::open(key, row)?);
            found.insert(contact, Shown { appointment, attempts });
        }
    }
    Ok(found)
}
