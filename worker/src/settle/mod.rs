//! Settle: the provider's word, applied once, in whatever order it comes.

pub mod apply;
mod consequences;
pub mod doubts;
pub mod not_placed;
mod outcome_format;
pub mod pause;
pub mod told;

use shared::calls::store::sweep::webhook_failed;
use shared::crypto::PlatformField;
use shared::ids::WebhookId;
use shared::queue::Signal;
use shared::retell::wire::Webhook;
use shared::telemetry::metrics;
use shared::webhooks::store::{self, Stored};

use crate::app::App;
use told::Told;

/// A webhook that failed so often is dead: kept, counted, and not tried again.
const MOST_TRIES: i32 = 10;

/// Applies stored webhooks. Those that fail stay stored, and are sent again.
///
/// # Errors
/// PostgreSQL is away.
pub async fn settle(app: &App, webhooks: &[WebhookId]) -> anyhow::Result<()> {
    let stored = store::unprocessed(&app.db, webhooks).await?;
    let mut done = Vec::with_capacity(stored.len());
    for webhook in stored {
        match one(app, &webhook).await {
            Ok(applied) => {
                let (state, label) = match applied {
                    true => ("processed", metrics::WebhookResult::Processed),
                    false => ("ignored", metrics::WebhookResult::Ignored),
                };
                metrics::webhook(label);
                done.push((webhook.id, state, if applied { "applied" } else { "not_ours" }));
            }
            Err(error) => {
                tracing::warn!(webhook.id = %webhook.id, error = %error, "a webhook could not be applied yet");
                webhook_failed(&app.db, webhook.id, MOST_TRIES, app.db.now().await?).await?;
            }
        }
    }
    store::mark(&app.db, &done).await?;
    app.signals.send(Signal::Dispatch);
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
    let told = Told::by_webhook(&event, call);
    Ok(apply::apply(app, tenant, attempt, Some(account), &told).await?)
}
