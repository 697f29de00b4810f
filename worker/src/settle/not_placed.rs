//! Dials that were definitely not placed: by the provider's answer, or because its list stayed silent.

use chrono::{DateTime, Utc};
use shared::audit::{Actor, Changes};
use shared::calls::rules::after_dial::{Next, after_not_placed, after_unknown};
use shared::calls::rules::answer::AfterAnswer;
use shared::calls::rules::facts::Facts;
use shared::calls::store::consequences::flag;
use shared::calls::store::settle::{self as store, AttemptUpdate, Refusal, Settling};
use shared::db::{Error, TenantTx};
use shared::ids::AttemptId;

use super::apply::fault_word;
use super::consequences::{Hours, step_on};

/// Writes a definite refusal, and what follows for the call.
///
/// # Errors
/// Any [`Error`].
pub async fn after_answer(
    tx: &mut TenantTx,
    attempt: AttemptId,
    after: AfterAnswer,
    status: Option<u16>,
    sent: bool,
) -> Result<(), Error> {
    let Some(it) = store::open(tx, attempt).await? else { return Ok(()) };
    // Guarded: a webhook may have told already that the call was placed after all.
    if it.attempt_state != "dialling" && it.attempt_state != "unknown" {
        return Ok(());
    }
    let refusal = Refusal { status: status.map(i32::from), fault: fault_word(after.fault()), sent };
    store::refused(tx, attempt, it.now, refusal).await?;
    let hours = Hours::of(&it)?;
    let mut changes = Changes::by(Actor::Worker);
    let next = match after {
        AfterAnswer::NotPlaced => hours.ask(|dialled, _| after_not_placed(dialled), it.now, false),
        AfterAnswer::HoldAccount | AfterAnswer::HoldTenant => Next::HoldAccount,
        _ => Next::NeedsReview,
    };
    changes.entry("call.refused_by_provider", it.call_id.0, None);
    // Another attempt of the call that is under way decides what comes of it.
    if it.alone {
        step_on(tx, &it, &hours, next, "not_placed", &mut changes).await?;
    }
    changes.append(tx).await?;
    Ok(())
}

/// Settles an unknown attempt whose request was never heard of: the list was silent twice. A retry is planned.
///
/// # Errors
/// Any [`Error`].
pub async fn by_silence(
    tx: &mut TenantTx,
    attempt: AttemptId,
    it: &Settling,
    looks: &[DateTime<Utc>],
) -> Result<(), Error> {
    let facts = Facts::default();
    let update = AttemptUpdate {
        state: "not_placed",
        provider_call_id: None,
        facts: &facts,
        started_at: None,
        silent_looks: looks,
        asked_at: Some(it.now),
        told_at: it.told_at,
        check_at: None,
        holds_slot: false,
        token_back_at: Some(it.now),
        decided: Some(("not_placed", "provider", false)),
        adopted: false,
        decided_anew: false,
    };
    store::update_attempt(tx, attempt, it.now, &update).await?;
    let hours = Hours::of(it)?;
    let mut changes = Changes::by(Actor::Worker);
    changes.entry("call.not_placed", it.call_id.0, None);
    if it.alone {
        let next = hours.ask(|dialled, _| after_not_placed(dialled), it.now, false);
        step_on(tx, it, &hours, next, "not_placed", &mut changes).await?;
    }
    changes.append(tx).await?;
    Ok(())
}

/// An unknown attempt that can't be settled: after two hours its token and slot come back, it stays counted, and the
/// ordinary follow-up may come if an attempt is left; else staff are told. Nobody is stranded in silence.
///
/// # Errors
/// Any [`Error`].
pub async fn stays_unknown(
    tx: &mut TenantTx,
    attempt: AttemptId,
    it: &Settling,
    looks: &[DateTime<Utc>],
    check_at: Option<DateTime<Utc>>,
) -> Result<(), Error> {
    store::stays_unknown(tx, attempt, it.now, looks, check_at, true).await?;
    // As it was before the line above moved it on: after a long outage nobody has looked at it since it was claimed.
    if matches!(it.call_state.as_str(), "dialling" | "in_progress") && it.alone {
        let hours = Hours::of(it)?;
        let mut changes = Changes::by(Actor::Worker);
        changes.entry("call.unknown", it.call_id.0, None);
        let released =
            shared::calls::rules::unknown::released_at(it.intent_at.unwrap_or(it.reserved_at));
        let next = hours.ask(after_unknown, released.min(it.now), true);
        flag(tx, it.contact_id, it.appointment_id, Some(it.call_id), "outcome_unknown", it.now)
            .await?;
        step_on(tx, it, &hours, next, "unknown", &mut changes).await?;
        changes.append(tx).await?;
    }
    Ok(())
}
