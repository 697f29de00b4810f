//! Attempts that were unknown, were then thought not placed, and may have been placed after all.

use shared::calls::store::settle::{self as store, Settling};
use shared::ids::{AccountId, AttemptId, TenantId};

use super::apply::{SettleError, apply};
use super::told::{Occasion, Told};
use crate::accounts::Account;
use crate::app::App;
use crate::provider::ReadError;

/// Asks the provider's list once more, just before the retry is dialled. `false`: one of them was found, and adopted.
///
/// # Errors
/// The provider didn't answer, or PostgreSQL is away: nothing may be dialled then.
pub async fn are_settled(
    app: &App,
    tenant: TenantId,
    account: &Account,
    doubtful: &[AttemptId],
) -> anyhow::Result<bool> {
    let mut settled = true;
    for attempt in doubtful {
        for call in account.client.list_calls_of_attempt(attempt.0).await? {
            settled = false;
            apply(app, tenant, *attempt, Some(account.id), &Told::by_call(call, Occasion::List))
                .await?;
        }
    }
    Ok(settled)
}

/// A call was found that was thought absent. It counts again; a younger one that still rings is stopped, and
/// operators are told: this must not happen with a list that is to be trusted.
pub(super) async fn found_after_all(
    app: &App,
    tenant: TenantId,
    attempt: AttemptId,
    it: &Settling,
) -> Result<(), SettleError> {
    tracing::error!(
        tenant.id = %tenant, call.id = %it.call_id, attempt.id = %attempt, account.id = %it.account_id,
        "a call was found that the provider's list had not shown: check the account's list again"
    );
    let mut tx = app.db.tenant(tenant).await?;
    let younger = store::younger_under_way(&mut tx, attempt).await?;
    tx.rollback().await?;
    let Ok(account) = app.accounts.of(&app.db, &app.keys, it.account_id).await else {
        return Ok(());
    };
    for (younger, known) in younger {
        // One whose answer isn't stored yet is stopped by its sender, too: see `stop_second`.
        let calls = match known {
            Some(call) => Ok(vec![call]),
            None => account
                .client
                .list_calls_of_attempt(younger.0)
                .await
                .map(|calls| calls.into_iter().map(|call| call.call_id).collect()),
        };
        let stopped = async {
            for call in calls? {
                account.client.stop_call(&call).await?;
            }
            Ok::<(), ReadError>(())
        };
        if let Err(error) = stopped.await {
            tracing::error!(tenant.id = %tenant, call.id = %it.call_id, error = %error, "a second call could not be stopped");
        }
    }
    Ok(())
}

/// Stops a call that was just accepted: an older one of the same call was found meanwhile, and still rings.
pub async fn stop_second(
    app: &App,
    tenant: TenantId,
    attempt: AttemptId,
    account: AccountId,
    provider_call_id: &str,
) {
    tracing::error!(tenant.id = %tenant, attempt.id = %attempt, "an older call was found while this one was dialled: it is stopped");
    let Ok(account) = app.accounts.of(&app.db, &app.keys, account).await else { return };
    if let Err(error) = account.client.stop_call(provider_call_id).await {
        tracing::error!(tenant.id = %tenant, attempt.id = %attempt, error = %error, "a second call could not be stopped");
    }
}
