//! After the database went back: the provider's record and the journal are adopted, then dialling goes on.

use shared::calls::store::accounts;
use shared::calls::store::recovery::{self as store, Forgotten};
use shared::ids::{AttemptId, CallId, TenantId};
use shared::telemetry::metrics;

use crate::app::App;
use crate::settle::apply::apply;
use crate::settle::told::{Occasion, Told};

/// One round, if the database went back.
///
/// # Errors
/// PostgreSQL or a provider is away: dialling stays held.
pub async fn sweep(app: &App) -> anyhow::Result<()> {
    let Some(recovery) = store::current(&app.db).await? else { return Ok(()) };
    let mut adopted = 0;
    for row in accounts::all(&app.db).await? {
        let account = app.accounts.of(&app.db, &app.keys, row.id).await?;
        // The provider's clock, not the demo's: its list is asked by its own times, and its times are read by ours.
        let ahead = (recovery.now
            - chrono::DateTime::<chrono::Utc>::from(std::time::SystemTime::now()))
        .max(chrono::Duration::zero());
        let since = recovery.recovering_from - ahead;
        for call in account.client.list_calls_since(since).await? {
            let Some(ids) = call.ids() else { continue };
            let (tenant, attempt) = (TenantId(ids.tenant_id), AttemptId(ids.attempt_id));
            let found = Forgotten {
                attempt,
                call: CallId(ids.session_id),
                account: row.id,
                provider_call_id: call.call_id.clone(),
                at: call.started_at().map_or(recovery.now, |at| at + ahead).min(recovery.now),
            };
            if store::adopt(&app.db, tenant, &found).await? {
                adopted += 1;
            }
            apply(app, tenant, attempt, Some(row.id), &Told::by_call(call, Occasion::List)).await?;
        }
    }
    app.journal.replay(&app.db).await?;
    if adopted > 0 {
        metrics::swept("forgotten_calls", adopted);
        tracing::warn!(adopted, "calls that the database had forgotten were adopted");
    }
    let held = (recovery.now - recovery.recovering_at).to_std();
    if held.is_ok_and(|held| held >= app.recovery_hold) && store::end(&app.db, &recovery).await? {
        tracing::warn!("the provider's record was read: dialling goes on");
    }
    Ok(())
}
