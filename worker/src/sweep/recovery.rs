//! After the database went back: the provider's record and the journal are adopted, then dialling goes on.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use shared::calls::store::accounts::{self, AccountRow};
use shared::calls::store::recovery::{self as store, Forgotten, Recovery};
use shared::calls::store::unheard_of;
use shared::contacts::phone::PhoneNumber;
use shared::crypto::EqualityKind;
use shared::db::Error;
use shared::ids::{AccountId, AttemptId, CallId, TenantId};
use shared::retell::wire::Call;
use shared::rotation::store::numbers;
use shared::telemetry::metrics;

use super::attempts;
use crate::app::App;
use crate::settle::apply::{SettleError, apply};
use crate::settle::told::{Occasion, Told};

/// Accounts whose record was read since the database went back, and when it did.
#[derive(Debug, Default)]
pub struct Read {
    of: Option<DateTime<Utc>>,
    accounts: HashSet<AccountId>,
}

/// One round, if the database went back. An account that can't be read keeps the others waiting until the hold is over;
/// then it alone is held.
///
/// # Errors
/// PostgreSQL is away: dialling stays held.
pub async fn sweep(app: &App, read: &mut Read) -> anyhow::Result<()> {
    let Some(recovery) = store::current(&app.db).await? else { return Ok(()) };
    if read.of != Some(recovery.recovering_at) {
        *read = Read { of: Some(recovery.recovering_at), accounts: HashSet::new() };
    }
    let mut adopted = 0;
    let mut unread = Vec::new();
    for row in accounts::all(&app.db).await? {
        match adopt_all(app, &row, &recovery).await {
            Ok(found) => {
                adopted += found;
                read.accounts.insert(row.id);
            }
            Err(error) => {
                tracing::error!(account.id = %row.id, error = %error, "an account's record can't be read after the database went back");
                if !read.accounts.contains(&row.id) {
                    unread.push(row.id);
                }
            }
        }
    }
    app.journal.replay(&app.db, &app.keys).await?;
    // What the record says may forbid it. Dialling is held for as long as anything of it is left.
    attempts::give_back(app, &store::reserved(&app.db).await?).await;
    if adopted > 0 {
        metrics::swept("forgotten_calls", adopted);
        tracing::warn!(adopted, "calls that the database had forgotten were adopted");
    }
    let held = (recovery.now - recovery.recovering_at).to_std();
    if !held.is_ok_and(|held| held >= app.recovery_hold) {
        return Ok(());
    }
    for account in unread {
        store::hold_unread(&app.db, account).await?;
        tracing::error!(account.id = %account, "dialling goes on without this account: it is held until somebody releases it");
    }
    if store::end(&app.db, &recovery).await? {
        tracing::warn!("the provider's record was read: dialling goes on");
    }
    Ok(())
}

/// Adopts what one account's record has and the database doesn't. Returns how many calls.
async fn adopt_all(app: &App, row: &AccountRow, recovery: &Recovery) -> anyhow::Result<u64> {
    let account = app.accounts.of(&app.db, &app.keys, row.id).await?;
    // The provider's clock, not the demo's: its list is asked by its own times, and its times are read by ours.
    let ahead = (recovery.now - DateTime::<Utc>::from(std::time::SystemTime::now()))
        .max(chrono::Duration::zero());
    let calls = account.client.list_calls_since(recovery.recovering_from - ahead).await?;
    let mut adopted = 0;
    for call in calls {
        let Some(ids) = call.ids() else { continue };
        let (tenant, attempt) = (TenantId(ids.tenant_id), AttemptId(ids.attempt_id));
        // The metadata is the provider's word. A tenant's own account speaks for that tenant alone.
        if row.tenant_id.is_some_and(|owner| owner != tenant) {
            tracing::warn!(account.id = %row.id, "an account's record names another tenant's call: it is passed over");
            continue;
        }
        let found = Forgotten {
            attempt,
            call: CallId(ids.session_id),
            account: row.id,
            provider_call_id: call.call_id.clone(),
            at: call
                .started_at()
                .and_then(|at| at.checked_add_signed(ahead))
                .filter(|at| *at >= recovery.recovering_from)
                .unwrap_or(recovery.now)
                .min(recovery.now),
        };
        match adopt_one(app, tenant, &found, call).await {
            Ok(forgotten) => adopted += u64::from(forgotten),
            // PostgreSQL's trouble passes: the whole record is read again.
            Err(SettleError::Db(error @ Error::Busy(_))) => return Err(error.into()),
            Err(error) => tracing::error!(
                tenant.id = %tenant, attempt.id = %attempt, error = %error,
                "a call of the provider's record could not be adopted: it is passed over"
            ),
        }
    }
    Ok(adopted)
}

async fn adopt_one(
    app: &App,
    tenant: TenantId,
    found: &Forgotten,
    call: Call,
) -> Result<bool, SettleError> {
    let mut tx = app.db.tenant(tenant).await?;
    let number = call.to_number.as_deref().and_then(|told| PhoneNumber::from_e164(told).ok());
    let keys = app.keys.of(&mut tx).await?;
    if let Some(number) = &number {
        let hashes = keys.equality(EqualityKind::Phone, number.as_str());
        numbers::settle_on(&mut tx, &keys, &[hashes]).await?;
    }
    let unheard_of = !unheard_of::is_known(&mut tx, found.call).await?;
    if unheard_of && let Some(number) = &number {
        unheard_of::enter(&mut tx, &keys, found, number).await?;
    }
    let hash = number.map(|number| keys.equality(EqualityKind::Phone, number.as_str()).current);
    let forgotten = store::adopt(&mut tx, found, hash).await?;
    if unheard_of && forgotten {
        unheard_of::flag(&mut tx, found.call).await?;
    }
    tx.commit().await?;
    if unheard_of && !forgotten {
        tracing::error!(
            tenant.id = %tenant, attempt.id = %found.attempt,
            "a call of the provider's record names no number and is unknown here: it counts for nobody"
        );
    }
    let told = Told::by_call(call, Occasion::List);
    apply(app, tenant, found.attempt, Some(found.account), &told).await?;
    Ok(forgotten)
}
