//! Attempts whose time limit has passed: not claimed, not answered, unknown, not ended, not analysed.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use chrono::{DateTime, Duration, Utc};
use futures::StreamExt;
use shared::audit::{Actor, Changes};
use shared::calls::rules::facts::ASK_EVERY;
use shared::calls::rules::unknown::{UnknownAttempt, Verdict, judge, released_at};
use shared::calls::store::dial::release;
use shared::calls::store::settle::{self as store, Settling};
use shared::calls::store::sweep::{ToCheck, expired, take_checks};
use shared::ids::{AccountId, AttemptId, TenantId};
use shared::queue::Signal;
use shared::telemetry::metrics;

use crate::app::App;
use crate::provider::ReadError;
use crate::settle::apply::{apply, decide_by_end_alone};
use crate::settle::not_placed;
use crate::settle::told::{Occasion, Told};

/// Attempts of one sweep.
const BATCH: i64 = 64;
/// Questions about one account's attempts at the same time; its client paces them besides.
const AT_ONCE: usize = 2;
/// Accounts at the same time.
const ACCOUNTS_AT_ONCE: usize = 8;
/// The client repeats what failed in passing; all of that together takes no longer than this.
const ANSWER_WITHIN: std::time::Duration = std::time::Duration::from_secs(15);
/// An unknown attempt is looked for so often once its token and slot came back,
const LATE_LOOKS: Duration = Duration::minutes(30);
/// and for so long. Then it stays unknown for good; staff were told long before.
const LOOKED_FOR: Duration = Duration::hours(24);

/// Reservations that nobody claimed in 60 s go back to planned.
///
/// # Errors
/// PostgreSQL is away.
pub async fn expire(app: &App) -> anyhow::Result<()> {
    let stale = expired(&app.db, BATCH).await?;
    give_back(app, &stale).await;
    if !stale.is_empty() {
        metrics::swept("reserved_expired", stale.len() as u64);
        app.signals.send(Signal::Dispatch);
    }
    Ok(())
}

/// Gives reservations back, each by itself: one that can't be given back keeps no other.
pub(super) async fn give_back(app: &App, reserved: &[ToCheck]) {
    for attempt in reserved {
        let given_back = async {
            let mut tx = app.db.tenant(attempt.tenant_id).await?;
            let now = app.db.now().await?;
            release(&mut tx, attempt.id, now).await?;
            tx.commit().await
        };
        if let Err(error) = given_back.await {
            tracing::warn!(
                tenant.id = %attempt.tenant_id, attempt.id = %attempt.id, error = %error.cause(),
                "a reservation could not be given back yet"
            );
        }
    }
}

/// Asks about attempts whose time has come.
///
/// Each account by itself, so that a provider that answers slowly keeps nobody else's attempts waiting.
///
/// # Errors
/// PostgreSQL is away.
pub async fn check(app: &App) -> anyhow::Result<()> {
    let mut of_account: HashMap<AccountId, Vec<ToCheck>> = HashMap::new();
    for attempt in take_checks(&app.db, BATCH).await? {
        of_account.entry(attempt.account_id).or_default().push(attempt);
    }
    futures::stream::iter(of_account.into_values())
        .for_each_concurrent(ACCOUNTS_AT_ONCE, |attempts| async move {
            let silent = &AtomicUsize::new(0);
            futures::stream::iter(attempts)
                .for_each_concurrent(AT_ONCE, |attempt| async move {
                    if let Err(error) = check_one(app, &attempt, silent).await {
                        tracing::warn!(
                            tenant.id = %attempt.tenant_id, attempt.id = %attempt.id, error = %error,
                            "an attempt could not be asked about yet"
                        );
                        metrics::failed(metrics::Dependency::Provider, metrics::Failure::Busy);
                    }
                })
                .await;
        })
        .await;
    Ok(())
}

async fn check_one(app: &App, attempt: &ToCheck, silent: &AtomicUsize) -> anyhow::Result<()> {
    let (tenant, id) = (attempt.tenant_id, attempt.id);
    let Some(it) = read(app, tenant, id).await? else { return Ok(()) };
    let asked = match it.attempt_state.as_str() {
        "dialling" | "unknown" => {
            metrics::swept("unknown", 1);
            look_for(app, tenant, id, &it, silent).await
        }
        "placed" | "ended" => {
            metrics::swept(if attempt.state == "placed" { "not_ended" } else { "not_analysed" }, 1);
            ask_about(app, tenant, id, &it, silent).await
        }
        // Its outcome is known by the tenant's word, and the provider's is awaited for its slot.
        _ if it.holds_slot && it.now < released_at(it.intent_at.unwrap_or(it.reserved_at)) => {
            ask_about(app, tenant, id, &it, silent).await
        }
        _ => {
            let mut tx = app.db.tenant(tenant).await?;
            store::close(&mut tx, id).await?;
            tx.commit().await?;
            return Ok(());
        }
    };
    // Whatever the provider said, or didn't: no state lasts for ever.
    overdue(app, tenant, id).await?;
    asked
}

/// A question to the provider, within its time. After two that took too long the account's others wait for the next
/// sweep.
async fn in_time<T>(
    silent: &AtomicUsize,
    question: impl Future<Output = Result<T, ReadError>>,
) -> Result<T, ReadError> {
    if silent.load(Ordering::Relaxed) >= AT_ONCE {
        return Err(ReadError::TimedOut);
    }
    let answer =
        tokio::time::timeout(ANSWER_WITHIN, question).await.unwrap_or(Err(ReadError::TimedOut));
    if matches!(answer, Err(ReadError::TimedOut)) {
        silent.fetch_add(1, Ordering::Relaxed);
    }
    answer
}

/// An attempt that the provider calls under way, or says nothing of, two hours after its request: its token and slot come
/// back, and the call goes on as after any attempt whose fate is unknown. One that ended is decided by its end alone.
async fn overdue(app: &App, tenant: TenantId, attempt: AttemptId) -> anyhow::Result<()> {
    let mut tx = app.db.tenant(tenant).await?;
    let Some(it) = store::open(&mut tx, attempt).await? else { return Ok(()) };
    let started = it.intent_at.unwrap_or(it.reserved_at);
    match it.attempt_state.as_str() {
        "placed" if it.now >= released_at(started) => {
            let again = (it.now < started + LOOKED_FOR).then(|| it.now + LATE_LOOKS);
            let looks = &it.silent_looks;
            not_placed::stays_unknown(&mut tx, attempt, &it, looks, again).await?;
            tx.commit().await?;
            app.signals.send(Signal::Dispatch);
        }
        "ended" => {
            let ended_at = it.facts.as_ref().and_then(|facts| facts.0.ended_at());
            tx.rollback().await?;
            if ended_at.is_some_and(|at| it.now >= released_at(at)) {
                decide_by_end_alone(app, tenant, attempt).await?;
                app.signals.send(Signal::Dispatch);
            }
        }
        // At once, and not when the connection is next used: the next sweep passes over what is locked.
        _ => tx.rollback().await?,
    }
    Ok(())
}

/// Reads without keeping the locks: no transaction is open while the provider is asked.
async fn read(app: &App, tenant: TenantId, attempt: AttemptId) -> anyhow::Result<Option<Settling>> {
    let mut tx = app.db.tenant(tenant).await?;
    let it = store::open(&mut tx, attempt).await?;
    tx.rollback().await?;
    Ok(it)
}

/// Looks for an unknown attempt in the provider's list.
async fn look_for(
    app: &App,
    tenant: TenantId,
    attempt: AttemptId,
    it: &Settling,
    silent: &AtomicUsize,
) -> anyhow::Result<()> {
    let listed = async {
        let account = app.accounts.of(&app.db, &app.keys, it.account_id).await?;
        Ok::<_, anyhow::Error>(
            in_time(silent, account.client.list_calls_of_attempt(attempt.0)).await?,
        )
    };
    let calls = match listed.await {
        Ok(calls) => calls,
        Err(error) => {
            // Not an answer, and so not a silence. It becomes unknown all the same if its sender is overdue.
            mark(app, tenant, attempt, &it.silent_looks).await?;
            return Err(error);
        }
    };
    if !calls.is_empty() {
        for call in calls {
            apply(app, tenant, attempt, Some(it.account_id), &Told::by_call(call, Occasion::List))
                .await?;
        }
        return Ok(());
    }
    let mut looks = it.silent_looks.clone();
    looks.push(it.now);
    // Two decide; the first and the latest say all that the others would.
    if looks.len() > 8 {
        looks.remove(1);
    }
    mark(app, tenant, attempt, &looks).await
}

/// Writes what the looks so far come to.
async fn mark(
    app: &App,
    tenant: TenantId,
    attempt: AttemptId,
    looks: &[DateTime<Utc>],
) -> anyhow::Result<()> {
    let mut tx = app.db.tenant(tenant).await?;
    let Some(it) = store::open(&mut tx, attempt).await? else { return Ok(()) };
    if it.attempt_state != "dialling" && it.attempt_state != "unknown" {
        return Ok(());
    }
    let known = UnknownAttempt {
        sender_done_at: it.sender_done_at,
        sender_dead_at: it.sender_dead_at,
        silent_looks: looks,
        // Accepted, and then forgotten: the provider gave its word that it would ring.
        list_trusted: it.list_trusted && it.provider_call_id.is_none(),
    };
    let started = it.intent_at.unwrap_or(it.reserved_at);
    let released = released_at(started);
    match judge(&known, it.now) {
        Verdict::NotPlaced => not_placed::by_silence(&mut tx, attempt, &it, looks).await?,
        verdict if it.now >= released => {
            let again = (it.now < started + LOOKED_FOR).then(|| match verdict {
                Verdict::LookAt(at) => at.max(it.now + ASK_EVERY),
                _ => it.now + LATE_LOOKS,
            });
            not_placed::stays_unknown(&mut tx, attempt, &it, looks, again).await?;
        }
        verdict => {
            let at = match verdict {
                Verdict::LookAt(at) => at.max(it.now + Duration::seconds(30)),
                _ => it.now + ASK_EVERY,
            };
            store::stays_unknown(&mut tx, attempt, it.now, looks, Some(at.min(released)), false)
                .await?;
            if it.attempt_state == "dialling" {
                let mut changes = Changes::by(Actor::Worker);
                changes.event("call.unknown", it.call_id.0, Some(it.contact_id));
                changes.append(&mut tx).await?;
            }
        }
    }
    tx.commit().await?;
    app.signals.send(Signal::Dispatch);
    Ok(())
}

/// Asks the provider about a call that it accepted.
async fn ask_about(
    app: &App,
    tenant: TenantId,
    attempt: AttemptId,
    it: &Settling,
    silent: &AtomicUsize,
) -> anyhow::Result<()> {
    let account = app.accounts.of(&app.db, &app.keys, it.account_id).await?;
    let found = match &it.provider_call_id {
        Some(id) => in_time(silent, account.client.find_call(id)).await?,
        None => in_time(silent, account.client.list_calls_of_attempt(attempt.0))
            .await?
            .into_iter()
            .next(),
    };
    match found {
        Some(call) => {
            apply(
                app,
                tenant,
                attempt,
                Some(it.account_id),
                &Told::by_call(call, Occasion::Answer),
            )
            .await?;
            app.signals.send(Signal::Dispatch);
        }
        None if it.attempt_state == "ended" => decide_by_end_alone(app, tenant, attempt).await?,
        None => {
            let mut tx = app.db.tenant(tenant).await?;
            let Some(it) = store::open(&mut tx, attempt).await? else { return Ok(()) };
            if it.attempt_settled {
                store::close(&mut tx, attempt).await?;
            } else {
                store::ask_again(&mut tx, attempt, it.now, it.now + ASK_EVERY).await?;
            }
            tx.commit().await?;
        }
    }
    Ok(())
}
