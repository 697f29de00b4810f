//! Reading calls and attempts, as clients see them.

use chrono::{DateTime, Utc};
use sqlx::types::Json;
use sqlx::{FromRow, Row};

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
    #[sqlx(rename = "attempt_id")]
    pub id: AttemptId,
    /// Its state.
    #[sqlx(rename = "attempt_state")]
    pub state: String,
    /// When it was reserved.
    #[sqlx(rename = "attempt_reserved_at")]
    pub reserved_at: DateTime<Utc>,
    /// When the provider was asked.
    #[sqlx(rename = "attempt_intent_at")]
    pub intent_at: Option<DateTime<Utc>>,
    /// When the answer was there.
    #[sqlx(rename = "attempt_answered_at")]
    pub answered_at: Option<DateTime<Utc>>,
    /// The provider's id.
    #[sqlx(rename = "attempt_provider_call_id")]
    pub provider_call_id: Option<String>,
    /// When it rang.
    #[sqlx(rename = "attempt_started_at")]
    pub started_at: Option<DateTime<Utc>>,
    /// When somebody answered.
    #[sqlx(rename = "attempt_connected_at")]
    pub connected_at: Option<DateTime<Utc>>,
    /// When it was over.
    #[sqlx(rename = "attempt_ended_at")]
    pub ended_at: Option<DateTime<Utc>>,
    /// The provider's reason.
    #[sqlx(rename = "attempt_ended_reason")]
    pub ended_reason: Option<String>,
    /// What it came to.
    #[sqlx(rename = "attempt_outcome")]
    pub outcome: Option<String>,
    /// It counts for gap and attempts.
    #[sqlx(rename = "attempt_counts")]
    pub counts: bool,
    /// What is known.
    #[sqlx(rename = "attempt_facts")]
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

/// One call with its dials, oldest first, in one statement: clients that poll ask for it more often than for anything else.
///
/// # Errors
/// Any [`Error`].
pub async fn find_with_attempts(
    tx: &mut TenantTx,
    id: CallId,
) -> Result<Option<(Call, Vec<Attempt>)>, Error> {
    // A row for each dial, or one without: the call is in all of them.
    let rows = sqlx::query(
        "select c.id, c.contact_id, c.appointment_id, c.kind, c.state, c.earliest, c.due, c.deadline, c.priority, c.front, \
         c.outcome, c.ended_reason, c.planned_at, c.updated_at, c.settled_at, c.version, \
         a.id as attempt_id, a.state as attempt_state, a.reserved_at as attempt_reserved_at, \
         a.intent_at as attempt_intent_at, a.answered_at as attempt_answered_at, \
         a.provider_call_id as attempt_provider_call_id, a.started_at as attempt_started_at, \
         a.connected_at as attempt_connected_at, a.ended_at as attempt_ended_at, \
         a.ended_reason as attempt_ended_reason, a.outcome as attempt_outcome, a.counts as attempt_counts, \
         a.facts as attempt_facts \
         from calls c left join attempts a on a.call_id = c.id where c.id = $1 order by a.reserved_at",
    )
    .bind(id)
    .fetch_all(tx.conn())
    .await?;
    let Some(first) = rows.first() else { return Ok(None) };
    let call = Call::from_row(first)?;
    let mut attempts = Vec::with_capacity(rows.len());
    for row in &rows {
        if row.try_get::<Option<AttemptId>, _>("attempt_id")?.is_some() {
            attempts.push(Attempt::from_row(row)?);
        }
    }
    Ok(Some((call, attempts)))
}
