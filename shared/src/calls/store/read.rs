//! Reading calls and attempts, as clients see them.

use chrono::{DateTime, Utc};
use sqlx::types::Json;

use crate::calls::rules::facts::Facts;
use crate::db::{Error, TenantTx};
use crate::ids::{AppointmentId, AttemptId, CallId, ContactId};
use crate::paging::{Cursor, Page, Slice};

/// A call.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Call {
    /// Its id.
    pub id: CallId,
    /// Who.
    pub contact_id: ContactId,
    /// What about.
    pub appointment_id: Option<AppointmentId>,
    /// `reminder`, `call_now` or `campaign`.
    pub kind: String,
    /// Its state.
    pub state: String,
    /// Not dialled before.
    pub earliest: DateTime<Utc>,
    /// Wanted at.
    pub due: DateTime<Utc>,
    /// Not dialled at or after.
    pub deadline: DateTime<Utc>,
    /// 0 normal, 1 high, 2 urgent.
    pub priority: i16,
    /// Somebody pressed *call now*.
    pub front: bool,
    /// What the last attempt, or all of it, came to.
    pub outcome: Option<String>,
    /// Why it was refused or withdrawn.
    pub ended_reason: Option<String>,
    /// When it was planned.
    pub planned_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
    /// When it was over.
    pub settled_at: Option<DateTime<Utc>>,
    /// Counts changes.
    pub version: i32,
}

/// One dial of a call.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Attempt {
    /// Its id.
    pub id: AttemptId,
    /// Its state.
    pub state: String,
    /// When it was reserved.
    pub reserved_at: DateTime<Utc>,
    /// When the provider was asked.
    pub intent_at: Option<DateTime<Utc>>,
    /// When the answer was there.
    pub answered_at: Option<DateTime<Utc>>,
    /// The provider's id.
    pub provider_call_id: Option<String>,
    /// When it rang.
    pub started_at: Option<DateTime<Utc>>,
    /// When somebody answered.
    pub connected_at: Option<DateTime<Utc>>,
    /// When it was over.
    pub ended_at: Option<DateTime<Utc>>,
    /// The provider's reason.
    pub ended_reason: Option<String>,
    /// What it came to.
    pub outcome: Option<String>,
    /// It counts for gap and attempts.
    pub counts: bool,
    /// What is known.
    pub facts: Option<Json<Facts>>,
}

/// Which calls are listed.
#[derive(Debug, Clone, Copy, Default)]
pub struct Filter<'a> {
    /// Of this contact only.
    pub contact: Option<ContactId>,
    /// In this state only.
    pub state: Option<&'a str>,
}

/// One call.
///
/// # Errors
/// Any [`Error`].
pub async fn find(tx: &mut TenantTx, id: CallId) -> Result<Option<Call>, Error> {
    Ok(sqlx::query_as(
        "select id, contact_id, appointment_id, kind, state, earliest, due, deadline, priority, front, outcome, ended_reason, \
         planned_at, updated_at, settled_at, version from calls where id = $1",
    )
    .bind(id)
    .fetch_optional(tx.conn())
    .await?)
}

/// Calls, newest first.
///
/// # Errors
/// Any [`Error`].
pub async fn list(
    tx: &mut TenantTx,
    filter: Filter<'_>,
    slice: Slice,
) -> Result<Page<Call>, Error> {
    let (at, id) = slice.bounds();
    let calls: Vec<Call> = sqlx::query_as(
        "select id, contact_id, appointment_id, kind, state, earliest, due, deadline, priority, front, outcome, ended_reason, \
         planned_at, updated_at, settled_at, version from calls \
         where ($1::uuid is null or contact_id = $1) and ($2::text is null or state = $2) \
           and ($3::timestamptz is null or (planned_at, id) < ($3, $4)) \
         order by planned_at desc, id desc limit $5",
    )
    .bind(filter.contact)
    .bind(filter.state)
    .bind(at)
    .bind(id)
    .bind(slice.ask())
    .fetch_all(tx.conn())
    .await?;
    Ok(Page::cut(calls, slice, |call| Cursor { at: call.planned_at, id: call.id.0 }))
}

/// The dials of a call, oldest first.
///
/// # Errors
/// Any [`Error`].
pub async fn attempts(tx: &mut TenantTx, call: CallId) -> Result<Vec<Attempt>, Error> {
    Ok(sqlx::query_as(
        "select id, state, reserved_at, intent_at, answered_at, provider_call_id, started_at, connected_at, ended_at, \
         ended_reason, outcome, counts, facts from attempts where call_id = $1 order by reserved_at",
    )
    .bind(call)
    .fetch_all(tx.conn())
    .await?)
}
