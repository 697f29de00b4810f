//! Settle: what is known of an attempt, read and written. What follows from it: [`super::consequences`].

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::types::Json;
use uuid::Uuid;

use crate::calls::rules::facts::Facts;
use crate::calls::rules::policy::Policy;
use crate::db::{Error, TenantTx};
use crate::ids::{AccountId, AppointmentId, AttemptId, CallId, CampaignId, ContactId};

/// An attempt with its call, locked, and all that deciding its outcome needs.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Settling {
    /// The instant.
    pub now: DateTime<Utc>,
    /// How far the demo clock is ahead of the provider's.
    pub ahead_seconds: f64,
    /// State of the attempt.
    pub attempt_state: String,
    /// Its account.
    pub account_id: AccountId,
    /// The provider's id, once known.
    pub provider_call_id: Option<String>,
    /// When its request was started.
    pub intent_at: Option<DateTime<Utc>>,
    /// When it was reserved.
    pub reserved_at: DateTime<Utc>,
    /// When the sender had its answer.
    pub answered_at: Option<DateTime<Utc>>,
    /// When it rang, by the provider's clock.
    pub started_at: Option<DateTime<Utc>>,
    /// What is known.
    pub facts: Option<Json<Facts>>,
    /// When the provider was asked last.
    pub asked_at: Option<DateTime<Utc>>,
    /// When it answered last.
    pub told_at: Option<DateTime<Utc>>,
    /// When the provider's list was silent.
    pub silent_looks: Vec<DateTime<Utc>>,
    /// Who dialled.
    pub claimed_by: Option<Uuid>,
    /// The sender will send nothing more.
    pub sender_done_at: Option<DateTime<Utc>>,
    /// The sender was proved dead.
    pub sender_dead_at: Option<DateTime<Utc>>,
    /// Silence of the account's list may be believed.
    pub list_trusted: bool,
    /// The number dialled, as a hash.
    pub number_eq: Vec<u8>,
    /// The latest known start.
    pub dialled_at: DateTime<Utc>,
    /// Its outcome is decided.
    pub attempt_settled: bool,
    /// The outcome, if it is decided.
    pub attempt_outcome: Option<String>,
    /// The call.
    pub call_id: CallId,
    /// State of the call.
    pub call_state: String,
    /// Who was called.
    pub contact_id: ContactId,
    /// What about.
    pub appointment_id: Option<AppointmentId>,
    /// The campaign.
    pub campaign_id: Option<CampaignId>,
    /// What for.
    pub purpose_key: String,
    /// The call's kind.
    pub kind: String,
    /// Not dialled at or after.
    pub deadline: DateTime<Utc>,
    /// Dials in a row that were definitely not placed.
    pub not_placed: i32,
    /// Counted dials for the purpose.
    pub attempts_used: i64,
    /// No other attempt of the call is under way: what comes of this one decides what comes of the call.
    pub alone: bool,
    /// Its provider slot is still taken.
    pub holds_slot: bool,
    /// The contact's zone.
    pub contact_zone: String,
    /// The contact's key, wrapped.
    pub key_wrapped: Option<Vec<u8>>,
    /// The contact's number, sealed.
    pub phone: Option<Vec<u8>>,
    /// The contact isn't deleted.
    pub contact_live: bool,
    /// When the appointment is.
    pub appointment_at: Option<DateTime<Utc>>,
    /// Its status.
    pub appointment_status: Option<String>,
    /// It was really moved since the call was planned: what was said was about another time.
    pub appointment_moved: bool,
    /// Its reminder's lead.
    pub call_before_hours: Option<i32>,
    /// The tenant's zone.
    pub tenant_zone: String,
    /// The tenant's policy.
    pub policy: Json<Policy>,
    /// The tenant's closed dates.
    pub closed_dates: Vec<NaiveDate>,
}

/// Locks a call and its attempt. `None`: the tenant has no such attempt.
///
/// # Errors
/// Any [`Error`].
pub async fn open(tx: &mut TenantTx, attempt: AttemptId) -> Result<Option<Settling>, Error> {
    Ok(sqlx::query_as("select * from settle_open($1)")
        .bind(attempt)
        .fetch_optional(tx.conn())
        .await?)
}

/// The attempt's row after facts were added.
#[derive(Debug, Clone)]
pub struct AttemptUpdate<'a> {
    /// Its new state.
    pub state: &'a str,
    /// The provider's id.
    pub provider_call_id: Option<&'a str>,
    /// All facts.
    pub facts: &'a Facts,
    /// When it rang, by the provider's clock.
    pub started_at: Option<DateTime<Utc>>,
    /// Silent looks at the provider's list.
    pub silent_looks: &'a [DateTime<Utc>],
    /// When the provider was asked last.
    pub asked_at: Option<DateTime<Utc>>,
    /// When it answered last.
    pub told_at: Option<DateTime<Utc>>,
    /// When the sweeper looks at it next.
    pub check_at: Option<DateTime<Utc>>,
    /// Its provider slot is still taken.
    pub holds_slot: bool,
    /// Its window token: still held, or back at.
    pub token_back_at: Option<DateTime<Utc>>,
    /// What came of it, once decided: outcome, fault, whether it counts.
    pub decided: Option<(&'a str, &'a str, bool)>,
    /// It was found without our having stored an answer.
    pub adopted: bool,
    /// It was thought not placed, and is found, so it counts again; or what was told since overturns what was decided.
    pub decided_anew: bool,
}

/// Writes an attempt.
///
/// # Errors
/// Any [`Error`].
pub async fn update_attempt(
    tx: &mut TenantTx,
    attempt: AttemptId,
    now: DateTime<Utc>,
    update: &AttemptUpdate<'_>,
) -> Result<(), Error> {
    let facts = update.facts;
    // The provider's word may come before its sender's: then the call is under way from here on.
    sqlx::query(
        "with it as (update attempts set state = $2, provider_call_id = coalesce(provider_call_id, $3), facts = $4, \
             placed_at = $5, connected_at = $6, ended_at = $7, ended_reason = $8, started_at = $9, \
             dialled_at = greatest(dialled_at, $9), silent_looks = $10, asked_at = $11, told_at = $12, \
             check_at = coalesce($13, '9999-12-31 00:00:00+00'), holds_slot = $14, token_held = $15::timestamptz is null, \
             token_back_at = coalesce($15, token_back_at), \
             outcome = case when $22 then $16 else coalesce(outcome, $16) end, fault = case when $22 then $17 else coalesce(fault, $17) end, \
             counts = coalesce($18, counts or $22), \
             settled_at = case when $16::text is null then case when not $22 then settled_at end \
                 when $22 then $19 else coalesce(settled_at, $19) end, \
             analysed_at = case when $20 then coalesce(analysed_at, $19) else analysed_at end, adopted = adopted or $21 \
         where id = $1 returning call_id) \
         update calls set state = 'in_progress', updated_at = $19 where state = 'dialling' and id = (select call_id from it)",
    )
    .bind(attempt)
    .bind(update.state)
    .bind(update.provider_call_id)
    .bind(Json(facts))
    .bind(facts.placed_at())
    .bind(facts.connected_at())
    .bind(facts.ended_at())
    .bind(facts.reason())
    .bind(update.started_at)
    .bind(update.silent_looks)
    .bind(update.asked_at)
    .bind(update.told_at)
    .bind(update.check_at)
    .bind(update.holds_slot)
    .bind(update.token_back_at)
    .bind(update.decided.map(|decided| decided.0))
    .bind(update.decided.map(|decided| decided.1))
    .bind(update.decided.map(|decided| decided.2))
    .bind(now)
    .bind(facts.analysis().is_some())
    .bind(update.adopted)
    .bind(update.decided_anew)
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Writes that the provider, or our own connection, says that no call was placed.
///
/// # Errors
/// Any [`Error`].
pub async fn refused(
    tx: &mut TenantTx,
    attempt: AttemptId,
    now: DateTime<Utc>,
    refusal: Refusal,
) -> Result<(), Error> {
    sqlx::query(
        "update attempts set state = 'not_placed', sender_done_at = $2, request_sent = $5, answered_at = $2, \
             answer = case when $5 then 'refused' else 'not_sent' end, status_code = $3, outcome = 'not_placed', fault = $4, \
             counts = false, holds_slot = false, token_held = false, \
             token_back_at = case when $5 then $2 + interval '901 seconds' else $2 end, \
             check_at = '9999-12-31 00:00:00+00', settled_at = $2 where id = $1",
    )
    .bind(attempt)
    .bind(now)
    .bind(refusal.status)
    .bind(refusal.fault)
    .bind(refusal.sent)
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// A definite refusal.
#[derive(Debug, Clone, Copy)]
pub struct Refusal {
    /// The HTTP status, if there was an answer.
    pub status: Option<i32>,
    /// Whose fault it was.
    pub fault: &'static str,
    /// A request was sent. If not, its token comes back at once, and no dial was made.
    pub sent: bool,
}

/// Writes that nothing is known of a request yet. `free`: its token and slot come back all the same.
///
/// # Errors
/// Any [`Error`].
pub async fn stays_unknown(
    tx: &mut TenantTx,
    attempt: AttemptId,
    now: DateTime<Utc>,
    looks: &[DateTime<Utc>],
    check_at: Option<DateTime<Utc>>,
    free: bool,
) -> Result<(), Error> {
    sqlx::query(
        "update attempts set state = 'unknown', silent_looks = $3, asked_at = $2, check_at = coalesce($4, '9999-12-31 00:00:00+00'), \
             holds_slot = holds_slot and not $5, token_held = token_held and not $5, \
             token_back_at = case when $5 then least(token_back_at, $2) else token_back_at end \
         where id = $1 and state in ('dialling', 'unknown', 'placed')",
    )
    .bind(attempt)
    .bind(now)
    .bind(looks)
    .bind(check_at)
    .bind(free)
    .execute(tx.conn())
    .await?;
    sqlx::query(
        "update calls set state = 'in_progress', updated_at = $2 where state = 'dialling' and id = (select call_id from attempts where id = $1)",
    )
    .bind(attempt)
    .bind(now)
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Looks again at this instant; nothing else is new.
///
/// # Errors
/// Any [`Error`].
pub async fn ask_again(
    tx: &mut TenantTx,
    attempt: AttemptId,
    now: DateTime<Utc>,
    check_at: DateTime<Utc>,
) -> Result<(), Error> {
    sqlx::query(
        "update attempts set asked_at = $2, check_at = $3 where id = $1 and settled_at is null",
    )
    .bind(attempt)
    .bind(now)
    .bind(check_at)
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// An attempt that is over: its provider slot comes back, and it isn't asked about any more.
///
/// # Errors
/// Any [`Error`].
pub async fn close(tx: &mut TenantTx, attempt: AttemptId) -> Result<(), Error> {
    sqlx::query(
        "update attempts set holds_slot = false, check_at = '9999-12-31 00:00:00+00' where id = $1 and settled_at is not null",
    )
    .bind(attempt)
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Younger attempts of a call that may still ring, with the provider's ids as far as they are known.
///
/// # Errors
/// Any [`Error`].
pub async fn younger_under_way(
    tx: &mut TenantTx,
    attempt: AttemptId,
) -> Result<Vec<(AttemptId, Option<String>)>, Error> {
    Ok(sqlx::query_as(
        "select y.id, y.provider_call_id from attempts y join attempts o on o.id = $1 and o.call_id = y.call_id \
         where y.reserved_at > o.reserved_at and y.state in ('dialling', 'unknown', 'placed')",
    )
    .bind(attempt)
    .fetch_all(tx.conn())
    .await?)
}

/// The latest dial of a call, and the provider's id of it.
///
/// # Errors
/// Any [`Error`].
pub async fn latest_attempt(
    tx: &mut TenantTx,
    call: CallId,
) -> Result<Option<(AttemptId, Option<String>)>, Error> {
    Ok(sqlx::query_as(
        "select id, provider_call_id from attempts where call_id = $1 and intent_at is not null order by intent_at desc limit 1",
    )
    .bind(call)
    .fetch_optional(tx.conn())
    .await?)
}
