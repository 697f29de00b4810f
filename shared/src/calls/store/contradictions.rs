//! SQL of outcomes that are overturned: what a settled attempt's later reports take back of what followed from it.

use chrono::{DateTime, Utc};

use super::consequences::call_is_under_way_after_all;
use crate::db::{Error, TenantTx};
use crate::ids::{AttemptId, CallId};

/// Takes back what followed from an outcome before another is decided: a number marked bad by this attempt, what staff were
/// told of its call's end, and the dial that was planned or reserved because of it. A call of which a younger attempt's request
/// was sent is that one's. The caller holds the call's lock.
///
/// # Errors
/// Any [`Error`].
pub async fn take_back(
    tx: &mut TenantTx,
    attempt: AttemptId,
    call: CallId,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    sqlx::query(
        "delete from bad_numbers b using attempts a where a.id = $1 and a.outcome = 'invalid_destination' \
         and b.number_eq = a.number_eq and b.reason = a.outcome and b.at = a.settled_at",
    )
    .bind(attempt)
    .execute(tx.conn())
    .await?;
    if is_anothers(tx, attempt, call).await? {
        return Ok(());
    }
    sqlx::query(
        "update flags set cleared_at = $2 where call_id = $1 and cleared_at is null \
         and reason in ('attempts_used', 'no_time_left', 'number_bad', 'needs_review')",
    )
    .bind(call)
    .bind(now)
    .execute(tx.conn())
    .await?;
    call_is_under_way_after_all(tx, call, now).await
}

/// A call that was over keeps its state, and is told under its attempt's new outcome.
///
/// # Errors
/// Any [`Error`].
pub async fn rename_settled(
    tx: &mut TenantTx,
    attempt: AttemptId,
    call: CallId,
    outcome: &str,
) -> Result<(), Error> {
    if is_anothers(tx, attempt, call).await? {
        return Ok(());
    }
    sqlx::query("update calls set outcome = $2 where id = $1 and state = 'settled'")
        .bind(call)
        .bind(outcome)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Whether a younger attempt of the call was dialled: what comes of the call is that one's matter.
async fn is_anothers(tx: &mut TenantTx, attempt: AttemptId, call: CallId) -> Result<bool, Error> {
    Ok(sqlx::query_scalar(
        "select exists (select from attempts y join attempts o on o.id = $1 \
         where y.call_id = $2 and y.intent_at > o.intent_at)",
    )
    .bind(attempt)
    .bind(call)
    .fetch_one(tx.conn())
    .await?)
}
