//! Settle: the provider's word, applied once, in whatever order it comes.

pub mod apply;
mod consequences;
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
use shared::ids::WebhookId;
use shared::queue::Signal;
use shared::retell::wire::Webhook;
use shared::telemetry::metrics;
use shared::telemetry::traces::{self, Trace};
use shared::webhooks::store::{self, Stored};

use crate::app::App;
use told::Told;
use tracing::field::{Empty, display};
use tracing::{Instrument, Span};

/// Applies stored webhooks, each by itself: whatever one of them does, its neighbours are applied. Those that fail stay
/// stored, and are sent again.
///
/// # Errors
/// PostgreSQL is away.
pub async fn settle(app: &App, webhooks: &[WebhookId]) -> anyhow::Result<()> {
    for webhook in store::unprocessed(&app.db, webhooks).await? {
        // Counted before it is tried: one that ends the process must not be tried for ever.
        let Some(tries) = try_webhook(&app.db, webhook.id).await? else { continue };
        let span = tracing::info_span!(
            target: traces::TARGET, parent: None, "settle", otel.kind = "consumer", webhook.id = %webhook.id,
            tenant.id = Empty, attempt.id = Empty,
        );
        traces::follow(&span, webhook.trace.as_deref().and_then(Trace::parse));
        match AssertUnwindSafe(one(app, &webhook).instrument(span)).catch_unwind().await {
            Ok(Ok(applied)) => {
                let (state, result, label) = match applied {
                    true => ("processed", "applied", metrics::WebhookResult::Processed),
                    false => ("ignored", "not_ours", metrics::WebhookResult::Ignored),
                };
                store::mark(&app.db, &[(webhook.id, state, result)]).await?;
                metrics::webhook(label);
            }
            Ok(Err(error)) if is_busy(&error) => {
                tracing::warn!(webhook.id = %webhook.id, error = %error, "a webhook could not be applied yet");
                webhook_not_tried(&app.db, webhook.id).await?;
            }
            Ok(Err(error)) => {
                tracing::warn!(webhook.id = %webhook.id, error = %error, tries, "a webhook could not be applied yet");
                give_up(app, &webhook, tries).await?;
            }
            Err(_) => {
                tracing::error!(webhook.id = %webhook.id, tries, "applying a webhook broke");
                give_up(app, &webhook, tries).await?;
            }
        }
    }
    app.signals.send(Signal::Dispatch);
    Ok(())
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

/// `false`: about no attempt of the account (or tenant) that it came from, or not to be read.
async fn one(app: &App, webhook: &Stored) -> anyhow::Result<bool> {
    let body =
        app.keys.master().open_platform(PlatformField::WebhookBody, webhook.id.0, &webhook.body)?;
    if let Some(tenant) = webhook.tenant_id {
        return outcome_format::apply(app, tenant, &body).await;
    }
    let Some(account) = webhook.account_id else { return Ok(false) };
    let Ok(event) = serde_json::from_slice::<Webhook>(&body) else { return Ok(false) };
    let Some(call) = &event.call else { return Ok(false) };
    let ids = match call.ids() {
        Some(ids) => {
            Some((shared::ids::TenantId(ids.tenant_id), shared::ids::AttemptId(ids.attempt_id)))
        }
        None => store::attempt_of(&app.db, account, &call.call_id).await?,
    };
    let Some((tenant, attempt)) = ids else { return Ok(false) };
    Span::current().record("tenant.id", display(tenant)).record("attempt.id", display(attempt));
    let told = Told::by_webhook(&event, call);
    Ok(apply::apply(app, tenant, attempt, Some(account), &told).await?)
}
