//! Storing what became of a request, and what follows from it.

use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use shared::audit::{Actor, Changes};
use shared::calls::rules::answer::{AfterAnswer, Answer, after_answer};
use shared::calls::rules::breaker::Heard;
use shared::calls::rules::facts::{Fact, Facts};
use shared::calls::store::dial::{self as store, Opened, Reply};
use shared::calls::store::{accounts, tenancy};
use shared::db::Error;
use shared::ids::{AttemptId, TenantId};
use shared::queue::Signal;
use shared::telemetry::metrics;

use crate::app::App;
use crate::provider::{DialAnswer, NotSent, RefusedStatus, UnknownWhy};
use crate::settle::{doubts, not_placed};

/// Stores an answer, trying again for a while if PostgreSQL is away: the provider won't repeat it.
///
/// What can't be stored in time is found by the sweep: the attempt becomes unknown, and the provider's list settles it.
pub(super) async fn store(
    app: &App,
    tenant: TenantId,
    attempt: AttemptId,
    opened: &Opened,
    answer: DialAnswer,
    took: Duration,
) {
    let stored = (|| store_once(app, tenant, attempt, opened, &answer))
        .retry(ExponentialBuilder::default().with_max_times(6).with_jitter())
        .when(|error: &Error| matches!(error, Error::Busy(_)))
        .await;
    metrics::dialled(label(&answer), took);
    // An accepted call frees nothing: its end will, and tells.
    let frees = stored.is_err() || !matches!(answer, DialAnswer::Accepted { .. });
    match stored {
        Ok(()) => {}
        Err(error) => tracing::error!(
            tenant.id = %tenant, call.id = %opened.call, attempt.id = %attempt, error = %error.cause(),
            "an answer could not be stored; the attempt will be settled by the provider's list"
        ),
    }
    if frees {
        app.signals.send(Signal::Dispatch);
    }
}

/// Takes back an intent whose request was never sent, trying again for a while if PostgreSQL is away.
pub(super) async fn release_unsent(
    app: &App,
    tenant: TenantId,
    attempt: AttemptId,
    opened: &Opened,
) {
    let release = || async {
        let mut tx = app.db.tenant(tenant).await?;
        store::release_unsent(&mut tx, attempt, opened.now).await?;
        tx.commit().await
    };
    let released = release
        .retry(ExponentialBuilder::default().with_max_times(6).with_jitter())
        .when(|error: &Error| matches!(error, Error::Busy(_)))
        .await;
    if let Err(error) = released {
        tracing::error!(
            tenant.id = %tenant, call.id = %opened.call, attempt.id = %attempt, error = %error.cause(),
            "an unsent request could not be taken back; it counts as unknown for now"
        );
    }
    app.signals.send(Signal::Dispatch);
}

fn label(answer: &DialAnswer) -> metrics::DialAnswer {
    match answer {
        DialAnswer::Accepted { .. } => metrics::DialAnswer::Accepted,
        DialAnswer::Refused { status: RefusedStatus::TooManyRequests, .. } => {
            metrics::DialAnswer::TooMany
        }
        DialAnswer::Refused { .. } => metrics::DialAnswer::Refused,
        DialAnswer::NotSent { .. } => metrics::DialAnswer::NotSent,
        DialAnswer::Unknown { .. } => metrics::DialAnswer::Unknown,
    }
}

async fn store_once(
    app: &App,
    tenant: TenantId,
    attempt: AttemptId,
    opened: &Opened,
    answer: &DialAnswer,
) -> Result<(), Error> {
    let (heard, status) = match answer {
        DialAnswer::Accepted { call } => {
            let mut facts = Facts::default();
            let _first = facts.apply(Fact::Placed { at: opened.now });
            let reply = Reply {
                answer: "accepted",
                status: Some(201),
                provider_call_id: Some(&call.call_id),
            };
            let second =
                store::accepted(&app.db, tenant, attempt, app.sender, &reply, &facts).await?;
            if second {
                doubts::stop_second(app, tenant, attempt, opened.account, &call.call_id).await;
            }
            return told(app, opened, Heard::Placed).await;
        }
        DialAnswer::Refused { status, .. } => (Answer::Status(status.code()), Some(status.code())),
        DialAnswer::NotSent { .. } => (Answer::NeverSent, None),
        DialAnswer::Unknown { why } => {
            let status = match why {
                UnknownWhy::ServerError(status) | UnknownWhy::UnexpectedStatus(status) => {
                    Some(*status)
                }
                UnknownWhy::UnreadableAcceptance => Some(201),
                UnknownWhy::TimedOut | UnknownWhy::ConnectionBroken => None,
            };
            let now = app.db.now().await?;
            let mut tx = app.db.tenant(tenant).await?;
            store::unknown(&mut tx, attempt, app.sender, status, now).await?;
            let mut changes = Changes::by(Actor::Worker);
            changes.event("call.unknown", opened.call.0, Some(opened.contact));
            changes.append(&mut tx).await?;
            tx.commit().await?;
            return told(app, opened, Heard::ProviderFailed).await;
        }
    };

    let mut tx = app.db.tenant(tenant).await?;
    let before = store::rejected_in_a_row(&mut tx, attempt).await?;
    let after = match answer {
        // Nothing about the number will change by itself: a person has to look.
        DialAnswer::NotSent { why: NotSent::TestNumber | NotSent::NotANumber } => {
            AfterAnswer::ReviewCall { hold_tenant: false }
        }
        _ => after_answer(heard, before),
    };
    let sent = !matches!(answer, DialAnswer::NotSent { .. });
    not_placed::after_answer(&mut tx, attempt, after, status, sent).await?;
    tx.commit().await?;

    match after {
        AfterAnswer::HoldAccount => {
            let reason =
                status.map_or_else(|| "refused".to_owned(), |status| format!("status_{status}"));
            if accounts::hold(&app.db, opened.account, &reason).await? {
                tracing::error!(account.id = %opened.account, status, "the provider refuses the account: it is held");
            }
        }
        AfterAnswer::HoldTenant | AfterAnswer::ReviewCall { hold_tenant: true } => {
            tenancy::hold_unconfigured(&app.db, tenant, status.unwrap_or(0)).await?;
            tracing::warn!(tenant.id = %tenant, status, "the provider refuses the tenant's configuration");
        }
        _ => {}
    }
    told(app, opened, after.told_to_breaker()).await
}

/// A provider that works is told to its breaker only while that is not closed: see [`accounts::tell_breaker`].
async fn told(app: &App, opened: &Opened, heard: Heard) -> Result<(), Error> {
    if heard == Heard::ProviderFailed || opened.breaker_stirs {
        let was_open = accounts::tell_breaker(&app.db, opened.account, heard, opened.now).await?;
        if was_open.is_open() && !opened.breaker_stirs {
            tracing::error!(account.id = %opened.account, "the provider fails: its breaker is open");
        }
    }
    Ok(())
}
