//! Settle: the provider's word, applied once, in whatever order it comes.

pub mod apply;
mod consequences;
mod contradictions;
pub mod doubts;
pub mod not_placed;
mod outcome_format;
pub mod pause;
pub mod told;

use std::panic::AssertUnwindSafe;

use futures::FutureExt;
use shared::calls::store::sweep::{MOST_TRIES, bury_webhook, try_webhook, webhook_not_tried};
use shared::crypto::PlatformField;
use shared::db;
use shared::ids::{AccountId, AttemptId, TenantId, WebhookId};
use shared::queue::Signal;
use shared::retell::wire::Webhook;
use shared::telemetry::metrics;
use shared::telemetry::traces::{self, Trace};
use shared::webhooks::store::{self, Stored};
use zeroize::Zeroizing;

use crate::app::App;
use told::Told;
use tracing::field::{Empty, display};
use tracing::{Instrument, Span};

/// What one call of the provider's was told of, by webhooks that came together.
struct Said {
    tenant: TenantId,
    attempt: AttemptId,
    account: AccountId,
    told: Vec<Told>,
    webhooks: Vec<Stored>,
}

/// What became of a webhook that needs no further try.
type Done = (WebhookId, &'static str, &'static str);

/// Applies stored webhooks. What one call was told of is applied together; whatever that does, its neighbours are
/// applied. Those that fail stay stored, and are sent again.
///
/// # Errors
/// PostgreSQL is away.
pub async fn settle(app: &App, webhooks: &[WebhookId]) -> anyhow::Result<()> {
    let mut calls: Vec<Said> = Vec::new();
    let mut others = Vec::new();
    for webhook in store::take(&app.db, webhooks).await? {
        match unbroken(read(app, &webhook)).await {
            Ok(Ok(Word::OfCall { tenant, attempt, account, told })) if webhook.first_try => {
                let same = |said: &&mut Said| {
                    (said.tenant, said.attempt, said.account) == (tenant, attempt, account)
                        && said.told.iter().all(|other| other.call().call_id == told.call().call_id)
                };
                match calls.iter_mut().find(same) {
                    Some(said) => {
                        said.told.push(*told);
                        said.webhooks.push(webhook);
                    }
                    None => calls.push(Said {
                        tenant,
                        attempt,
                        account,
                        told: vec![*told],
                        webhooks: vec![webhook],
                    }),
                }
            }
            _ => others.push(webhook),
        }
    }
    let mut done = Vec::new();
    for said in calls {
        let span = span_of(&said.webhooks);
        span.record("tenant.id", display(said.tenant)).record("attempt.id", display(said.attempt));
        let applying =
            apply::apply_all(app, said.tenant, said.attempt, Some(said.account), &said.told);
        match unbroken(applying.instrument(span)).await {
            Ok(Ok(applied)) => {
                done.extend(said.webhooks.iter().map(|webhook| verdict(webhook, applied)));
            }
            // Each by itself then: perhaps one of them only can't be applied.
            _ => others.extend(said.webhooks),
        }
    }
    for webhook in others {
        done.extend(try_alone(app, &webhook).await?);
    }
    if !done.is_empty() {
        store::mark(&app.db, &done).await?;
    }
    for (_, state, _) in done {
        metrics::webhook(match state {
            "processed" => metrics::WebhookResult::Processed,
            _ => metrics::WebhookResult::Ignored,
        });
    }
    app.signals.send(Signal::Dispatch);
    Ok(())
}

/// A span in the trace of the first of `webhooks`, which points to where the others came from.
fn span_of(webhooks: &[Stored]) -> Span {
    let span = tracing::info_span!(
        target: traces::TARGET, parent: None, "settle", otel.kind = "consumer",
        webhook.id = Empty, tenant.id = Empty, attempt.id = Empty,
    );
    let mut told =
        webhooks.iter().filter_map(|webhook| webhook.trace.as_deref().and_then(Trace::parse));
    traces::follow(&span, told.next());
    told.for_each(|other| traces::link(&span, Some(other)));
    if let Some(webhook) = webhooks.first() {
        span.record("webhook.id", display(webhook.id));
    }
    span
}

fn verdict(webhook: &Stored, applied: bool) -> Done {
    match applied {
        true => (webhook.id, "processed", "applied"),
        false => (webhook.id, "ignored", "not_ours"),
    }
}

/// Runs to its end whatever breaks inside.
async fn unbroken<T>(work: impl Future<Output = T>) -> std::thread::Result<T> {
    AssertUnwindSafe(work).catch_unwind().await
}

/// Applies one webhook. `None`: it is to be tried again, or given up.
async fn try_alone(app: &App, webhook: &Stored) -> anyhow::Result<Option<Done>> {
    let tries = match webhook.first_try {
        true => 1,
        // Counted before it is tried: one that ends the process must not be tried for ever.
        false => match try_webhook(&app.db, webhook.id).await? {
            Some(tries) => tries,
            None => return Ok(None),
        },
    };
    match unbroken(one(app, webhook).instrument(span_of(std::slice::from_ref(webhook)))).await {
        Ok(Ok(applied)) => return Ok(Some(verdict(webhook, applied))),
        Ok(Err(error)) if is_busy(&error) => {
            tracing::warn!(webhook.id = %webhook.id, error = %error, "a webhook could not be applied yet");
            webhook_not_tried(&app.db, webhook.id).await?;
        }
        Ok(Err(error)) => {
            tracing::warn!(webhook.id = %webhook.id, error = %error, tries, "a webhook could not be applied yet");
            give_up(app, webhook, tries).await?;
        }
        Err(_) => {
            tracing::error!(webhook.id = %webhook.id, tries, "applying a webhook broke");
            give_up(app, webhook, tries).await?;
        }
    }
    Ok(None)
}

/// PostgreSQL's trouble says nothing about the webhook.
fn is_busy(error: &anyhow::Error) -> bool {
    let settling = match error.downcast_ref::<apply::SettleError>() {
        Some(apply::SettleError::Db(error)) => Some(error),
        _ => None,
    };
    matches!(settling.or(error.downcast_ref()), Some(db::Error::Busy(_)))
}

/// After its last try a webhook is dead: kept, counted, and not tried again.
async fn give_up(app: &App, webhook: &Stored, tries: i32) -> anyhow::Result<()> {
    if tries >= MOST_TRIES && bury_webhook(&app.db, webhook.id).await? {
        tracing::error!(webhook.id = %webhook.id, "a webhook failed too often: it is given up");
        metrics::webhook(metrics::WebhookResult::Dead);
    }
    Ok(())
}

/// What a webhook says.
enum Word {
    /// The provider's own, about an attempt.
    OfCall { tenant: TenantId, attempt: AttemptId, account: AccountId, told: Box<Told> },
    /// A tenant's report, to be read against its calls.
    OfTenant { tenant: TenantId, body: Zeroizing<Vec<u8>> },
    /// Not to be read, or about no call of ours.
    Nothing,
}

async fn read(app: &App, webhook: &Stored) -> anyhow::Result<Word> {
    let body =
        app.keys.master().open_platform(PlatformField::WebhookBody, webhook.id.0, &webhook.body)?;
    if let Some(tenant) = webhook.tenant_id {
        return Ok(Word::OfTenant { tenant, body });
    }
    let Some(account) = webhook.account_id else { return Ok(Word::Nothing) };
    let Ok(event) = serde_json::from_slice::<Webhook>(&body) else { return Ok(Word::Nothing) };
    let Some(call) = &event.call else { return Ok(Word::Nothing) };
    let ids = match call.ids() {
        Some(ids) => Some((TenantId(ids.tenant_id), AttemptId(ids.attempt_id))),
        None => store::attempt_of(&app.db, account, &call.call_id).await?,
    };
    let Some((tenant, attempt)) = ids else { return Ok(Word::Nothing) };
    let told = Box::new(Told::by_webhook(&event, call));
    Ok(Word::OfCall { tenant, attempt, account, told })
}

/// `false`: about no attempt of the account (or tenant) that it came from, or not to be read.
async fn one(app: &App, webhook: &Stored) -> anyhow::Result<bool> {
    Ok(match read(app, webhook).await? {
        Word::OfCall { tenant, attempt, account, told } => {
            apply::apply(app, tenant, attempt, Some(account), &told).await?
        }
        Word::OfTenant { tenant, body } => outcome_format::apply(app, tenant, &body).await?,
        Word::Nothing => false,
    })
}
