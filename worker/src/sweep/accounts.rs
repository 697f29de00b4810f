//! Provider accounts: probes of those that are held or whose breaker is open, and the vendor's limits.

use shared::calls::rules::breaker::Heard;
use shared::calls::store::accounts::{self as store, AccountRow};
use shared::telemetry::metrics;

use crate::accounts::Account;
use crate::app::App;
use crate::dispatch::look::{Purpose, look};
use crate::relay::Reserved;

/// One round: probes that are due, and limits that are old.
///
/// # Errors
/// PostgreSQL is away.
pub async fn sweep(app: &App) -> anyhow::Result<()> {
    for row in store::all(&app.db).await? {
        let account = match app.accounts.of(&app.db, &app.keys, row.id).await {
            Ok(account) => account,
            Err(error) => {
                tracing::error!(account.id = %row.id, error = %error, "a provider account can't be used");
                continue;
            }
        };
        // One account's trouble is no other's.
        if let Err(error) = look_after(app, &account, &row).await {
            tracing::warn!(account.id = %row.id, error = %error, "a provider account could not be looked after");
        }
    }
    Ok(())
}

async fn look_after(app: &App, account: &Account, row: &AccountRow) -> anyhow::Result<()> {
    if row.held_at.is_some() {
        return probe_held(app, account).await;
    }
    probe_open(app, account, row).await?;
    refresh_limits(app, account).await
}

/// A held account is released when the vendor takes its key again.
async fn probe_held(app: &App, account: &Account) -> anyhow::Result<()> {
    if !store::take_hold_probe(&app.db, account.id).await? {
        return Ok(());
    }
    metrics::swept("held_accounts", 1);
    if account.client.concurrency().await.is_ok() {
        store::release(&app.db, account.id).await?;
        tracing::warn!(account.id = %account.id, "the provider takes the account again: it is released");
    }
    Ok(())
}

/// While a breaker is open one worker a minute asks the vendor, and if that answers dials the call that can best bear it.
async fn probe_open(app: &App, account: &Account, row: &AccountRow) -> anyhow::Result<()> {
    if !row.breaker.as_ref().is_some_and(|breaker| breaker.0.is_open()) {
        return Ok(());
    }
    let Some(taken_at) = store::take_probe(&app.db, account.id).await? else { return Ok(()) };
    metrics::swept("open_breakers", 1);
    if account.client.concurrency().await.is_err() {
        store::tell_breaker(&app.db, account.id, Heard::ProviderFailed, taken_at).await?;
        return Ok(());
    }
    for (tenant, call) in store::probe_candidates(&app.db, account.id).await? {
        // One tenant's trouble is no other's: the account would stay closed for all of them.
        let reserved = match look(app, tenant, Purpose::Probe { call }).await {
            Ok(reserved) => reserved,
            Err(error) => {
                tracing::warn!(tenant.id = %tenant, call.id = %call, error = %error, "a tenant's call can't be a probe");
                continue;
            }
        };
        if let Some(attempt) = reserved.first() {
            let _full = app.reserved.try_send(Reserved { tenant, attempt: *attempt });
            return Ok(());
        }
    }
    Ok(())
}

async fn refresh_limits(app: &App, account: &Account) -> anyhow::Result<()> {
    if !store::take_limits_turn(&app.db, account.id).await? {
        return Ok(());
    }
    match account.client.concurrency().await {
        Ok(limits) => {
            let limit = i32::try_from(limits.outbound_limit()).unwrap_or(i32::MAX);
            store::store_limits(&app.db, account.id, limit).await?;
        }
        Err(error) => {
            tracing::warn!(account.id = %account.id, error = %error, "the provider did not tell its limits")
        }
    }
    Ok(())
}
