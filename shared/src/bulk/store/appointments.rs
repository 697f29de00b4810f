//! SQL of many appointments at once.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::appointments::ConfirmedBy;
use crate::bulk::{Chosen, Edit};
use crate::db::{Error, TenantTx};
use crate::ids::{AppointmentId, ContactId};

/// What a bulk change may change of an appointment.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
pub(in crate::bulk) struct Stands {
    pub(in crate::bulk) id: AppointmentId,
    pub(in crate::bulk) contact_id: ContactId,
    pub(in crate::bulk) status: String,
    pub(in crate::bulk) status_reason_sealed: Option<Vec<u8>>,
    pub(in crate::bulk) confirmed_by: Option<String>,
    pub(in crate::bulk) confirmed_at: Option<DateTime<Utc>>,
    pub(in crate::bulk) owner_name: Option<String>,
    pub(in crate::bulk) location: Option<String>,
    pub(in crate::bulk) call_before_hours: i32,
    pub(in crate::bulk) priority: i16,
    pub(in crate::bulk) version: i32,
}

/// Of each the appointment that is meant, in the order of `chosen`: the one that is named, or else the next open one, or else the
/// latest. Their contacts must be locked.
pub(in crate::bulk) async fn meant(
    tx: &mut TenantTx,
    chosen: &[Chosen],
    now: DateTime<Utc>,
) -> Result<Vec<Option<Stands>>, Error> {
    #[derive(sqlx::FromRow)]
    struct Row {
        n: i64,
        #[sqlx(flatten)]
        stands: Stands,
    }
    let rows: Vec<Row> = sqlx::query_as(
        "select w.n, p.id, p.contact_id, p.status, p.status_reason_sealed, p.confirmed_by, p.confirmed_at, p.owner_name, p.location,
             p.call_before_hours, p.priority, p.version
         from unnest($1::uuid[], $2::uuid[]) with ordinality w (contact, appointment, n),
         lateral (
             select * from appointments p where p.contact_id = w.contact and p.deleted_at is null
                 and (w.appointment is null or p.id = w.appointment)
             order by p.status <> 'cancelled' and p.at > $3 desc,
                 case when p.status <> 'cancelled' and p.at > $3 then p.at end, p.at desc, p.id desc limit 1
         ) p",
    )
    .bind(chosen.iter().map(|one| one.contact.0).collect::<Vec<_>>())
    .bind(chosen.iter().map(|one| one.appointment.map(|id| id.0)).collect::<Vec<Option<Uuid>>>())
    .bind(now)
    .fetch_all(tx.conn())
    .await?;
    let mut found = vec![None; chosen.len()];
    for Row { n, stands } in rows {
        if let Some(slot) = usize::try_from(n - 1).ok().and_then(|n| found.get_mut(n)) {
            *slot = Some(stands);
        }
    }
    Ok(found)
}

/// Sets the status of appointments, each with its own sealed reason.
pub(in crate::bulk) async fn set_status(
    tx: &mut TenantTx,
    reasons: &[(AppointmentId, Vec<u8>)],
    (status, confirmed_by): (&str, Option<ConfirmedBy>),
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let (ids, reasons): (Vec<Uuid>, Vec<&[u8]>) =
        reasons.iter().map(|(id, reason)| (id.0, reason.as_slice())).unzip();
    sqlx::query(
        "update appointments a set status = $3, status_reason_sealed = n.reason, status_reason = null, confirmed_by = $4,
             confirmed_at = case when $3 = 'confirmed' then $5 end, version = a.version + 1, updated_at = $5
         from unnest($1::uuid[], $2::bytea[]) n (id, reason) where a.id = n.id and a.tenant_id = tid()",
    )
    .bind(ids)
    .bind(reasons)
    .bind(status)
    .bind(confirmed_by.map(ConfirmedBy::as_str))
    .bind(now)
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Changes details of appointments.
pub(in crate::bulk) async fn edit(
    tx: &mut TenantTx,
    ids: &[AppointmentId],
    edit: &Edit,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    sqlx::query(
        "update appointments set owner_name = case when $2::text is null then owner_name else nullif($2, '') end,
             location = case when $3::text is null then location else nullif($3, '') end,
             call_before_hours = coalesce($4, call_before_hours), priority = coalesce($5, priority),
             version = version + 1, updated_at = $6
         where id = any ($1)",
    )
    .bind(ids)
    .bind(&edit.owner)
    .bind(&edit.location)
    .bind(edit.call_before_hours.map(i32::from))
    .bind(edit.priority.map(crate::appointments::Priority::rank))
    .bind(now)
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Puts back what appointments were, those of them that nobody has changed since. Which.
pub(in crate::bulk) async fn put_back(
    tx: &mut TenantTx,
    before: &[(Stands, i32)],
    now: DateTime<Utc>,
) -> Result<Vec<AppointmentId>, Error> {
    let all =
        |of: fn(&Stands) -> Option<String>| before.iter().map(|(b, _)| of(b)).collect::<Vec<_>>();
    Ok(sqlx::query_scalar(
        "update appointments a set status = n.status, status_reason_sealed = n.reason, status_reason = null,
             confirmed_by = n.confirmed_by, confirmed_at = n.confirmed_at, owner_name = n.owner, location = n.location,
             call_before_hours = n.hours, priority = n.priority, version = a.version + 1, updated_at = $11
         from unnest($1::uuid[], $2::int[], $3::text[], $4::bytea[], $5::text[], $6::timestamptz[], $7::text[], $8::text[], $9::int[],
             $10::smallint[]) n (id, version, status, reason, confirmed_by, confirmed_at, owner, location, hours, priority)
         where a.id = n.id and a.tenant_id = tid() and a.version = n.version and a.deleted_at is null returning a.id",
    )
    .bind(before.iter().map(|(b, _)| b.id.0).collect::<Vec<_>>())
    .bind(before.iter().map(|(_, version)| *version).collect::<Vec<_>>())
    .bind(all(|b| Some(b.status.clone())))
    .bind(before.iter().map(|(b, _)| b.status_reason_sealed.clone()).collect::<Vec<_>>())
    .bind(all(|b| b.confirmed_by.clone()))
    .bind(before.iter().map(|(b, _)| b.confirmed_at).collect::<Vec<_>>())
    .bind(all(|b| b.owner_name.clone()))
    .bind(all(|b| b.location.clone()))
    .bind(before.iter().map(|(b, _)| b.call_before_hours).collect::<Vec<_>>())
    .bind(before.iter().map(|(b, _)| b.priority).collect::<Vec<_>>())
    .bind(now)
    .fetch_all(tx.conn())
    .await?)
}
