//! SQL of appointments. The voice text and the reason of a status are sealed under the contact's key.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{Appointment, ConfirmedBy, Label, Priority, status_of, status_word};
use crate::crypto::{ContactField, ContactKey, TenantKeys};
use crate::db::{Error, TenantTx};
use crate::ids::{AppointmentId, ContactId};
use crate::tenants::KeyError;

/// Most appointments of one contact that are listed.
pub const MOST_LISTED: i64 = 200;

#[derive(sqlx::FromRow)]
struct Row {
    id: AppointmentId,
    contact_id: ContactId,
    at: DateTime<Utc>,
    call_before_hours: i32,
    duration_minutes: Option<i32>,
    r#type: Option<String>,
    owner_name: Option<String>,
    company_name: Option<String>,
    location: Option<String>,
    voice_text: Option<Vec<u8>>,
    priority: i16,
    status: String,
    /// Only the release before writes one in the open, and it doesn't know the other.
    status_reason: Option<String>,
    status_reason_sealed: Option<Vec<u8>>,
    confirmed_by: Option<String>,
    confirmed_at: Option<DateTime<Utc>>,
    last_contact_at: Option<DateTime<Utc>>,
    booked_at: DateTime<Utc>,
    round: i32,
    version: i32,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

/// Stores a new appointment. `source` says who brought it: `manual`, `api`, `import`.
///
/// # Errors
/// [`Error::Refused`] if there is no such contact; any other [`KeyError`].
pub async fn insert(
    tx: &mut TenantTx,
    key: &ContactKey,
    appointment: &Appointment,
    source: &'static str,
) -> Result<(), KeyError> {
    let voice_text = sealed_voice_text(key, appointment)?;
    let reason = sealed_reason(key, appointment.id, appointment.status_reason.as_deref())?;
    sqlx::query(
        "insert into appointments (tenant_id, id, contact_id, at, call_before_hours, duration_minutes, type, owner_name,
             company_name, location, voice_text, priority, status, status_reason_sealed, confirmed_by, confirmed_at, booked_at,
             round, source, version, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22)",
    )
    .bind(tx.tenant())
    .bind(appointment.id)
    .bind(appointment.contact)
    .bind(appointment.at)
    .bind(i32::from(appointment.call_before_hours))
    .bind(appointment.duration_minutes.map(i32::from))
    .bind(text(&appointment.kind))
    .bind(text(&appointment.owner_name))
    .bind(text(&appointment.company_name))
    .bind(text(&appointment.location))
    .bind(voice_text)
    .bind(appointment.priority.rank())
    .bind(status_word(appointment.status))
    .bind(reason)
    .bind(appointment.confirmed_by.map(ConfirmedBy::as_str))
    .bind(appointment.confirmed_at)
    .bind(appointment.booked_at)
    .bind(appointment.round)
    .bind(source)
    .bind(appointment.version)
    .bind(appointment.created_at)
    .bind(appointment.updated_at)
    .execute(tx.conn())
    .await
    .map_err(Error::from)?;
    Ok(())
}

/// Stores a changed appointment. Its contact must be locked.
///
/// # Errors
/// Any [`KeyError`].
pub async fn update(
    tx: &mut TenantTx,
    key: &ContactKey,
    appointment: &Appointment,
) -> Result<(), KeyError> {
    let voice_text = sealed_voice_text(key, appointment)?;
    let reason = sealed_reason(key, appointment.id, appointment.status_reason.as_deref())?;
    sqlx::query(
        "update appointments set at = $2, call_before_hours = $3, duration_minutes = $4, type = $5, owner_name = $6,
             company_name = $7, location = $8, voice_text = $9, priority = $10, status = $11, status_reason_sealed = $12,
             status_reason = null, confirmed_by = $13, confirmed_at = $14, booked_at = $15, round = $16, version = $17, updated_at = $18
         where id = $1",
    )
    .bind(appointment.id)
    .bind(appointment.at)
    .bind(i32::from(appointment.call_before_hours))
    .bind(appointment.duration_minutes.map(i32::from))
    .bind(text(&appointment.kind))
    .bind(text(&appointment.owner_name))
    .bind(text(&appointment.company_name))
    .bind(text(&appointment.location))
    .bind(voice_text)
    .bind(appointment.priority.rank())
    .bind(status_word(appointment.status))
    .bind(reason)
    .bind(appointment.confirmed_by.map(ConfirmedBy::as_str))
    .bind(appointment.confirmed_at)
    .bind(appointment.booked_at)
    .bind(appointment.round)
    .bind(appointment.version)
    .bind(appointment.updated_at)
    .execute(tx.conn())
    .await
    .map_err(Error::from)?;
    Ok(())
}

/// Marks an appointment as deleted.
///
/// # Errors
/// Any [`Error`].
pub async fn delete(tx: &mut TenantTx, id: AppointmentId, now: DateTime<Utc>) -> Result<(), Error> {
    sqlx::query(
        "update appointments set deleted_at = $2, updated_at = $2, version = version + 1 where id = $1",
    )
    .bind(id)
    .bind(now)
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// One appointment of a contact; `None` if the contact has no such one, or it is deleted.
///
/// # Errors
/// Any [`KeyError`].
pub async fn find(
    tx: &mut TenantTx,
    key: &ContactKey,
    id: AppointmentId,
) -> Result<Option<Appointment>, KeyError> {
    let row: Option<Row> = sqlx::query_as(
        "select * from appointments where id = $1 and contact_id = $2 and deleted_at is null",
    )
    .bind(id)
    .bind(key.contact())
    .fetch_optional(tx.conn())
    .await
    .map_err(Error::from)?;
    row.map(|row| open(key, row)).transpose()
}

/// A contact's appointments, the latest first; at most [`MOST_LISTED`].
///
/// # Errors
/// Any [`KeyError`].
pub async fn list(tx: &mut TenantTx, key: &ContactKey) -> Result<Vec<Appointment>, KeyError> {
    let rows: Vec<Row> = sqlx::query_as(
        "select * from appointments where contact_id = $1 and deleted_at is null order by at desc, id desc limit $2",
    )
    .bind(key.contact())
    .bind(MOST_LISTED)
    .fetch_all(tx.conn())
    .await
    .map_err(Error::from)?;
    rows.into_iter().map(|row| open(key, row)).collect()
}

/// The next open appointment of each of these contacts that has one.
///
/// # Errors
/// Any [`KeyError`].
pub async fn next_open(
    tx: &mut TenantTx,
    keys: &[&ContactKey],
    now: DateTime<Utc>,
) -> Result<Vec<Appointment>, KeyError> {
    let ids: Vec<Uuid> = keys.iter().map(|key| key.contact()).collect();
    let rows: Vec<Row> = sqlx::query_as(
        "select distinct on (contact_id) * from appointments
         where contact_id = any ($1) and deleted_at is null and status <> 'cancelled' and at > $2
         order by contact_id, at",
    )
    .bind(ids)
    .bind(now)
    .fetch_all(tx.conn())
    .await
    .map_err(Error::from)?;
    let of = |contact: ContactId| keys.iter().find(|key| key.contact() == contact.0);
    rows.into_iter().filter_map(|row| of(row.contact_id).map(|key| open(key, row))).collect()
}

/// The appointments of `ids` that there are and whose contact's key `key` has, in any order.
///
/// # Errors
/// Any [`KeyError`].
pub async fn some<'k>(
    tx: &mut TenantTx,
    ids: &[AppointmentId],
    key: impl Fn(ContactId) -> Option<&'k ContactKey>,
) -> Result<Vec<Appointment>, KeyError> {
    let rows: Vec<Row> =
        sqlx::query_as("select * from appointments where id = any ($1) and deleted_at is null")
            .bind(ids)
            .fetch_all(tx.conn())
            .await
            .map_err(Error::from)?;
    rows.into_iter().filter_map(|row| key(row.contact_id).map(|key| open(key, row))).collect()
}

fn text(label: &Option<Label>) -> Option<&str> {
    label.as_ref().map(Label::as_str)
}

fn sealed_voice_text(
    key: &ContactKey,
    appointment: &Appointment,
) -> Result<Option<Vec<u8>>, KeyError> {
    let Some(text) = &appointment.voice_text else { return Ok(None) };
    Ok(Some(key.seal(ContactField::VoiceText, text.as_str().as_bytes())?.into_bytes()))
}

fn sealed_reason(
    key: &ContactKey,
    id: AppointmentId,
    reason: Option<&str>,
) -> Result<Option<Vec<u8>>, KeyError> {
    let Some(reason) = reason else { return Ok(None) };
    let field = ContactField::StatusReason { appointment: id.0 };
    Ok(Some(key.seal(field, reason.as_bytes())?.into_bytes()))
}

/// Appointments of the transaction's tenant whose reason the release before left open, with their contacts: the next `most` of
/// them after one.
///
/// # Errors
/// Any [`Error`].
pub async fn with_open_reasons(
    tx: &mut TenantTx,
    after: AppointmentId,
    most: i64,
) -> Result<Vec<(AppointmentId, ContactId)>, Error> {
    Ok(sqlx::query_as(
        "select id, contact_id from appointments where status_reason is not null and id > $1 order by id limit $2",
    )
    .bind(after)
    .bind(most)
    .fetch_all(tx.conn())
    .await?)
}

/// Seals the reason that the release before left open; of a contact whose key was destroyed it is taken away. False if there
/// is none any more.
///
/// # Errors
/// Any [`KeyError`].
pub async fn seal_open_reason(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    (id, contact): (AppointmentId, ContactId),
) -> Result<bool, KeyError> {
    // The contact before the appointment, as everybody locks them.
    let wrapped: Option<Vec<u8>> =
        sqlx::query_scalar("select key_wrapped from contacts where id = $1 for no key update")
            .bind(contact)
            .fetch_optional(tx.conn())
            .await
            .map_err(Error::from)?
            .flatten();
    let reason: Option<String> =
        sqlx::query_scalar("select status_reason from appointments where id = $1 for update")
            .bind(id)
            .fetch_optional(tx.conn())
            .await
            .map_err(Error::from)?
            .flatten();
    let Some(reason) = reason else { return Ok(false) };
    let sealed = match wrapped {
        Some(wrapped) => {
            let key = keys.unwrap_contact_key(contact.0, &wrapped)?;
            sealed_reason(&key, id, Some(&reason))?
        }
        None => None,
    };
    sqlx::query(
        "update appointments set status_reason_sealed = $2, status_reason = null where id = $1",
    )
    .bind(id)
    .bind(sealed)
    .execute(tx.conn())
    .await
    .map_err(Error::from)?;
    Ok(true)
}

fn open(key: &ContactKey, row: Row) -> Result<Appointment, KeyError> {
    let broken = |column| Error::Unreadable(column);
    let voice_text = match &row.voice_text {
        Some(sealed) => {
            let text = key.open_text(ContactField::VoiceText, sealed)?;
            Some(text.parse().map_err(|_| broken("appointments.voice_text"))?)
        }
        None => None,
    };
    let status_reason = match (row.status_reason, &row.status_reason_sealed) {
        (Some(reason), _) => Some(reason),
        (None, Some(sealed)) => {
            let field = ContactField::StatusReason { appointment: row.id.0 };
            Some(key.open_text(field, sealed)?.as_str().to_owned())
        }
        (None, None) => None,
    };
    let confirmed_by = match &row.confirmed_by {
        Some(word) => {
            Some(ConfirmedBy::from_word(word).ok_or(broken("appointments.confirmed_by"))?)
        }
        None => None,
    };
    let hours = u16::try_from(row.call_before_hours);
    let minutes = row.duration_minutes.map(u16::try_from).transpose();
    Ok(Appointment {
        id: row.id,
        contact: row.contact_id,
        at: row.at,
        call_before_hours: hours.map_err(|_| broken("appointments.call_before_hours"))?,
        duration_minutes: minutes.map_err(|_| broken("appointments.duration_minutes"))?,
        kind: row.r#type.map(Label::stored),
        owner_name: row.owner_name.map(Label::stored),
        company_name: row.company_name.map(Label::stored),
        location: row.location.map(Label::stored),
        voice_text,
        priority: Priority::of_rank(row.priority).ok_or(broken("appointments.priority"))?,
        status: status_of(&row.status).ok_or(broken("appointments.status"))?,
        status_reason,
        confirmed_by,
        confirmed_at: row.confirmed_at,
        last_contact_at: row.last_contact_at,
        booked_at: row.booked_at,
        round: row.round,
        version: row.version,
        created_at: row.created_at,
        updated_at: row.updated_at,
    })
}
