//! *Call now*: what it is about, what is open for that already, and going to the front.

use chrono::{DateTime, Utc};

use super::plan::NewCall;
use super::rows::CallRow;
use crate::db::{Error, TenantTx};
use crate::ids::{AppointmentId, CallId, ContactId};

/// A *call now*: the contact's open call for the purpose, taken to the front with its attempts, or a new one.
#[derive(Debug, Clone, Copy, sqlx::FromRow)]
pub struct Fronted {
    /// The call.
    pub id: CallId,
    /// It didn't exist before.
    pub new: bool,
    /// A dial of it is under way: that call is the answer.
    pub under_way: bool,
}

/// Puts a call to the front. Pressed twice it is one call. One that waits there until its deadline has the deadline of a
/// call now, and keeps it.
///
/// # Errors
/// Any [`Error`].
pub async fn front(
    tx: &mut TenantTx,
    now: DateTime<Utc>,
    call: &NewCall<'_>,
) -> Result<Fronted, Error> {
    Ok(sqlx::query_as(
        "insert into calls as k (tenant_id, id, contact_id, appointment_id, kind, purpose_key, state, earliest, due, deadline, \
             eligible_at, warn_at, priority, planned_at, updated_at, requested_at, front, front_until) \
         values (tid(), $1, $2, $3, $4, $5, 'planned', $6, $7, $8, $9, '9999-12-31 00:00:00+00', $10, $11, $11, $11, true, $12) \
         on conflict (tenant_id, contact_id, purpose_key) where state in ('planned', 'reserved', 'dialling', 'in_progress') \
         do update set front = k.state = 'planned' or k.front, \
             taken_over = k.taken_over or (k.state = 'planned' and not k.front), \
             front_until = case when k.state = 'planned' then greatest(k.front_until, excluded.front_until) else k.front_until end, \
             earliest = case when k.state = 'planned' then least(k.earliest, excluded.earliest) else k.earliest end, \
             eligible_at = case when k.state = 'planned' then excluded.eligible_at else k.eligible_at end, \
             deadline = case when k.state = 'planned' then greatest(k.deadline, excluded.front_until) else k.deadline end, \
             is_due = false, requested_at = case when k.front then k.requested_at else excluded.requested_at end, \
             updated_at = excluded.updated_at, version = k.version + 1 \
         returning id, id = $1 as new, state <> 'planned' as under_way",
    )
    .bind(call.id)
    .bind(call.contact)
    .bind(call.appointment)
    .bind(call.kind)
    .bind(call.purpose)
    .bind(call.times.earliest)
    .bind(call.times.due)
    .bind(call.times.deadline)
    .bind(call.times.eligible_at)
    .bind(call.priority)
    .bind(now)
    .bind(call.front_until)
    .fetch_one(tx.conn())
    .await?)
}

/// The contact's next open appointment: what a *call now* is about.
#[derive(Debug, Clone, Copy, sqlx::FromRow)]
pub struct OpenAppointment {
    /// The appointment.
    pub id: AppointmentId,
    /// When it is.
    pub at: DateTime<Utc>,
    /// How often it was really moved, plus one.
    pub round: i32,
    /// 0 normal, 1 high, 2 urgent.
    pub priority: i16,
}

/// The contact's next appointment that is ahead and not cancelled.
///
/// # Errors
/// Any [`Error`].
pub async fn open_appointment(
    tx: &mut TenantTx,
    contact: ContactId,
    now: DateTime<Utc>,
) -> Result<Option<OpenAppointment>, Error> {
    Ok(sqlx::query_as(
        "select id, at, round, priority from appointments where contact_id = $1 and at > $2 and deleted_at is null \
         and status <> 'cancelled' order by at limit 1",
    )
    .bind(contact)
    .bind(now)
    .fetch_optional(tx.conn())
    .await?)
}

/// A call that isn't planned, with what its checks would look at. `None`: there is no such contact.
///
/// # Errors
/// Any [`Error`].
pub async fn prospective(
    tx: &mut TenantTx,
    contact: ContactId,
    appointment: Option<AppointmentId>,
    purpose: &str,
    deadline: DateTime<Utc>,
    now: DateTime<Utc>,
    day_start: DateTime<Utc>,
) -> Result<Option<CallRow>, Error> {
    Ok(sqlx::query_as("select * from prospective_call($1, $2, $3, $4, $5, $6)")
        .bind(contact)
        .bind(appointment)
        .bind(purpose)
        .bind(deadline)
        .bind(now)
        .bind(day_start)
        .fetch_optional(tx.conn())
        .await?)
}

/// A contact's open call for a purpose.
#[derive(Debug, Clone, Copy, sqlx::FromRow)]
pub struct OpenCall {
    /// The call.
    pub id: CallId,
    /// It is being dialled.
    pub under_way: bool,
    /// It is in front already.
    pub front: bool,
    /// Not dialled at or after.
    pub deadline: DateTime<Utc>,
}

/// The contact's open call for a purpose, if there is one.
///
/// # Errors
/// Any [`Error`].
pub async fn open_call(
    tx: &mut TenantTx,
    contact: ContactId,
    purpose: &str,
) -> Result<Option<OpenCall>, Error> {
    Ok(sqlx::query_as(
        "select id, state <> 'planned' as under_way, front and state = 'planned' as front, deadline from calls \
         where contact_id = $1 and purpose_key = $2 and state in ('planned', 'reserved', 'dialling', 'in_progress')",
    )
    .bind(contact)
    .bind(purpose)
    .fetch_optional(tx.conn())
    .await?)
}

/// How many calls are in front of one that somebody presses *call now* for, or pressed for before.
///
/// # Errors
/// Any [`Error`].
pub async fn fronts_ahead(
    tx: &mut TenantTx,
    of: Option<CallId>,
    now: DateTime<Utc>,
) -> Result<u32, Error> {
    let count: i64 = sqlx::query_scalar(
        "select count(*) from calls o where o.state = 'planned' and o.front and o.eligible_at <= $2 and o.deadline > $2 \
           and o.id is distinct from $1 \
           and o.requested_at <= coalesce((select requested_at from calls where id = $1 and front), $2)",
    )
    .bind(of)
    .bind(now)
    .fetch_one(tx.conn())
    .await?;
    Ok(u32::try_from(count).unwrap_or(u32::MAX))
}
