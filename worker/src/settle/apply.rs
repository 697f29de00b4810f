//! Adding facts to an attempt, and deciding its outcome when they suffice.

use chrono::{DateTime, Duration, Utc};
use shared::audit::{Actor, Changes};
use shared::calls::rules::contradiction::overturns;
use shared::calls::rules::disconnection::Fault;
use shared::calls::rules::facts::{Changed, Fact, Facts};
use shared::calls::rules::policy::WINDOW;
use shared::calls::rules::unknown::released_at;
use shared::calls::store::consequences as aftermath;
use shared::calls::store::settle::{self as store, AttemptUpdate, Settling};
use shared::crypto::ContactField;
use shared::db::{Error, TenantTx};
use shared::ids::{AccountId, AttemptId, TenantId};
use shared::telemetry::metrics;

use super::told::{Occasion, Told};
use super::{consequences, contradictions, pause};
use crate::app::App;

/// A token comes back so long after the provider's answer or its own start time.
pub(super) fn token_back(from: DateTime<Utc>) -> DateTime<Utc> {
    from.checked_add_signed(WINDOW + Duration::seconds(1)).unwrap_or(from)
}

/// Applies what the provider said about an attempt. `false`: the tenant has no such attempt, or it isn't the account's.
///
/// # Errors
/// Any [`Error`]; nothing was changed then.
pub async fn apply(
    app: &App,
    tenant: TenantId,
    attempt: AttemptId,
    account: Option<AccountId>,
    told: &Told,
) -> Result<bool, SettleError> {
    apply_all(app, tenant, attempt, account, std::slice::from_ref(told)).await
}

/// Applies all that was said about one call of the provider's, in one transaction.
///
/// # Errors
/// Any [`Error`]; nothing was changed then.
pub async fn apply_all(
    app: &App,
    tenant: TenantId,
    attempt: AttemptId,
    account: Option<AccountId>,
    all: &[Told],
) -> Result<bool, SettleError> {
    let Some(first) = all.first() else { return Ok(false) };
    let call_id = &first.call().call_id;
    let mut tx = app.db.tenant(tenant).await?;
    let Some(it) = store::open(&mut tx, attempt).await? else { return Ok(false) };
    let foreign = account.is_some_and(|account| account != it.account_id)
        || all.iter().any(|told| told.call().call_id != *call_id)
        || it.provider_call_id.as_ref().is_some_and(|id| id != call_id)
        // Never claimed: nobody asked for this call, so the message isn't about it.
        || it.intent_at.is_none();
    if foreign {
        return Ok(false);
    }
    let zone = it.contact_zone.parse().map_err(|_| Error::Unreadable("contacts.zone"))?;
    let ahead = Duration::milliseconds((it.ahead_seconds * 1000.0) as i64);
    let mut facts = it.facts.as_ref().map(|json| json.0.clone()).unwrap_or_default();
    let mut changes = Changes::by(Actor::Provider);
    let mut changed = false;
    for fact in all.iter().flat_map(|told| told.facts(it.now, ahead, zone)) {
        let kind = match &fact {
            Fact::Connected { .. } => Some("call.connected"),
            Fact::Ended { .. } => Some("call.ended"),
            _ => None,
        };
        match (facts.apply(fact), kind) {
            (Changed::First, Some(kind)) => {
                changes.event(kind, it.call_id.0, Some(it.contact_id));
                changed = true;
            }
            (Changed::Nothing, _) => {}
            (Changed::First | Changed::Corrected, _) => changed = true,
        }
    }
    let told_starts = all.iter().filter_map(|told| told.started_at(it.now, ahead));
    let started_at = it.started_at.into_iter().chain(told_starts).max();
    changed |= started_at != it.started_at || it.provider_call_id.is_none();
    // The provider's word frees the slot, also when the tenant's own report came first and nothing else is new.
    let over = all.iter().any(Told::over_by_provider);
    changed |= it.holds_slot && over;
    let answered = all.iter().any(|told| told.occasion() == Occasion::Answer);
    let asked = answered || all.iter().any(|told| told.occasion() == Occasion::List);
    if !changed && !asked {
        return Ok(true);
    }
    let seen = Seen {
        facts: &facts,
        started_at,
        provider_call_id: Some(call_id),
        asked_at: if asked { Some(it.now) } else { it.asked_at },
        // Only the call itself tells that there is no analysis; lists leave much out.
        told_at: if answered { Some(it.now) } else { it.told_at },
        over,
    };
    for told in all {
        keep_conversation(app, &mut tx, attempt, &it, told).await?;
    }
    let decided = write(app, &mut tx, attempt, &it, &seen, &mut changes).await?;
    if !changes.is_empty() {
        changes.append(&mut tx).await?;
    }
    tx.commit().await?;
    follow_through(app, tenant, &it, decided).await?;
    if was_thought_absent(&it) {
        super::doubts::found_after_all(app, tenant, attempt, &it).await?;
    }
    Ok(true)
}

/// The provider was asked about an attempt that ended, and has forgotten it: no analysis will come any more.
///
/// # Errors
/// [`SettleError`]; nothing was changed then.
pub async fn decide_by_end_alone(
    app: &App,
    tenant: TenantId,
    attempt: AttemptId,
) -> Result<(), SettleError> {
    let mut tx = app.db.tenant(tenant).await?;
    let Some(it) = store::open(&mut tx, attempt).await? else { return Ok(()) };
    let Some(facts) = it.facts.as_ref().filter(|_| !it.attempt_settled) else { return Ok(()) };
    let seen = Seen {
        facts: &facts.0,
        started_at: it.started_at,
        provider_call_id: None,
        asked_at: Some(it.now),
        told_at: Some(it.now),
        over: true,
    };
    let mut changes = Changes::by(Actor::Provider);
    let decided = write(app, &mut tx, attempt, &it, &seen, &mut changes).await?;
    if !changes.is_empty() {
        changes.append(&mut tx).await?;
    }
    tx.commit().await?;
    follow_through(app, tenant, &it, decided).await
}

/// The list was silent, the answer was a refusal, or nothing was sent: so no call was ever seen. Not to be confused with
/// one that the provider accepted and then didn't place.
fn was_thought_absent(it: &Settling) -> bool {
    matches!(it.attempt_state.as_str(), "not_placed" | "released") && it.provider_call_id.is_none()
}

/// What follows outside of the attempt's transaction.
async fn follow_through(
    app: &App,
    tenant: TenantId,
    it: &Settling,
    decided: Option<Decided>,
) -> Result<(), SettleError> {
    if let Some(decided) = decided {
        metrics::settled(decided.outcome);
        if matches!(decided.fault, Fault::Tenant | Fault::Number) || decided.outcome == "opted_out"
        {
            pause::consider(app, tenant).await?;
        }
        if decided.hold_account
            && shared::calls::store::accounts::hold(&app.db, it.account_id, "no_valid_payment")
                .await?
        {
            tracing::error!(account.id = %it.account_id, "the provider account isn't paid for: it is held");
        }
    }
    Ok(())
}

/// Why a message could not be applied yet.
#[derive(Debug, thiserror::Error)]
pub enum SettleError {
    /// PostgreSQL.
    #[error("{}", .0.cause())]
    Db(#[from] Error),
    /// The tenant's keys.
    #[error(transparent)]
    Keys(#[from] shared::tenants::KeyError),
    /// A value can't be sealed or opened.
    #[error(transparent)]
    Crypto(#[from] shared::crypto::CryptoError),
}

/// What is known of an attempt after a message.
pub(super) struct Seen<'a> {
    pub(super) facts: &'a Facts,
    pub(super) started_at: Option<DateTime<Utc>>,
    pub(super) provider_call_id: Option<&'a str>,
    pub(super) asked_at: Option<DateTime<Utc>>,
    pub(super) told_at: Option<DateTime<Utc>>,
    /// The provider itself says that the call is over.
    pub(super) over: bool,
}

/// What was decided.
pub(super) struct Decided {
    pub(super) outcome: &'static str,
    pub(super) fault: Fault,
    pub(super) hold_account: bool,
}

/// Writes the attempt, and once its outcome can be decided, what follows.
async fn write(
    app: &App,
    tx: &mut TenantTx,
    attempt: AttemptId,
    it: &Settling,
    seen: &Seen<'_>,
    changes: &mut Changes,
) -> Result<Option<Decided>, SettleError> {
    let facts = seen.facts;
    let basis = facts.basis(seen.told_at);
    let absent = was_thought_absent(it);
    let all_told = facts.decision().filter(|_| basis.is_some());
    let overturned = it.attempt_settled
        && !absent
        && all_told
            .zip(it.attempt_outcome.as_deref())
            .is_some_and(|(now, was)| overturns(now, was));
    let open = !it.attempt_settled || absent || overturned;
    let decision = all_told.filter(|_| open);
    if absent {
        aftermath::call_is_under_way_after_all(tx, it.call_id, it.now).await?;
    }
    let intent_at = it.intent_at.unwrap_or(it.reserved_at);
    // A tenant may report the end of a call that the provider still carries.
    let holds_slot = !seen.over && it.now < released_at(intent_at) && (it.holds_slot || absent);
    let started = seen.started_at.or_else(|| facts.ended_at());
    let answered = it.answered_at.or(facts.placed_at());
    let update = AttemptUpdate {
        state: match decision {
            Some(decision) if !decision.counts && !decision.rang => "not_placed",
            Some(_) => "settled",
            None if !open => &it.attempt_state,
            None if facts.ended_at().is_some() => "ended",
            None => "placed",
        },
        provider_call_id: seen.provider_call_id,
        facts,
        started_at: seen.started_at,
        silent_looks: &it.silent_looks,
        asked_at: seen.asked_at,
        told_at: seen.told_at,
        check_at: match basis {
            Some(_) if holds_slot => Facts::default().ask_at(intent_at, seen.asked_at),
            Some(_) => None,
            None => facts.ask_at(intent_at, seen.asked_at),
        }
        .map(|at| at.max(it.now + Duration::seconds(5))),
        holds_slot,
        token_back_at: started
            .map(|started| token_back(answered.map_or(started, |answered| answered.max(started)))),
        decided: decision
            .map(|decision| (decision.outcome.name(), fault_word(decision.fault), decision.counts)),
        adopted: it.answered_at.is_none() || absent,
        decided_anew: absent || overturned,
    };
    if overturned {
        contradictions::take_back(tx, attempt, it).await?;
    }
    store::update_attempt(tx, attempt, it.now, &update).await?;
    let Some(decision) = decision else {
        // Said only after the outcome was decided: it is heeded all the same.
        if it.attempt_settled
            && facts.opted_out()
            && it.attempt_outcome.as_deref() != Some("opted_out")
        {
            consequences::opt_out(app, tx, it, changes).await?;
        }
        return Ok(None);
    };
    let ended_at = facts.ended_at().unwrap_or(it.now);
    if overturned {
        contradictions::follow_anew(app, tx, attempt, decision, ended_at, changes).await?;
    } else {
        consequences::follow(app, tx, it, decision, ended_at, changes).await?;
    }
    Ok(Some(Decided {
        outcome: decision.outcome.name(),
        fault: decision.fault,
        hold_account: decision.outcome == shared::calls::rules::outcome::Outcome::AccountHeld,
    }))
}

/// The word for a fault, as stored.
pub(super) fn fault_word(fault: Fault) -> &'static str {
    match fault {
        Fault::Provider => "provider",
        Fault::Tenant => "tenant",
        Fault::Number => "number",
        Fault::Nobody => "nobody",
    }
}

/// Keeps transcript and recording link where the policy does; elsewhere they are dropped here.
async fn keep_conversation(
    app: &App,
    tx: &mut TenantTx,
    attempt: AttemptId,
    it: &Settling,
    told: &Told,
) -> Result<(), SettleError> {
    let policy = &it.policy.0;
    let transcript = told.call().transcript.as_deref().filter(|_| policy.keep_transcripts);
    let recording = told.call().recording_url.as_deref().filter(|_| policy.keep_recordings);
    let Some(wrapped) = it.key_wrapped.as_deref() else { return Ok(()) };
    if transcript.is_none() && recording.is_none() {
        return Ok(());
    }
    let keys = app.keys.of(tx).await?;
    let key = keys.unwrap_contact_key(it.contact_id.0, wrapped)?;
    let field = ContactField::Conversation { attempt: attempt.0 };
    let seal = |text: Option<&str>| text.map(|text| key.seal(field, text.as_bytes())).transpose();
    let (transcript, recording) = (seal(transcript)?, seal(recording)?);
    aftermath::keep_conversation(
        tx,
        attempt,
        transcript.as_ref().map(shared::crypto::Sealed::as_bytes),
        recording.as_ref().map(shared::crypto::Sealed::as_bytes),
        it.now,
    )
    .await?;
    Ok(())
}
