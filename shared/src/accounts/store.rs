//! SQL of provider accounts.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{Account, NewAccount, SealedKeys};
use crate::crypto::{MasterKeys, PlatformField};
use crate::db::{Db, EngineTx, Error};
use crate::ids::{AccountId, TenantId};
use crate::tenants::KeyError;

/// Stores an account. `webhook_key` signs the provider's webhooks; Retell uses the API key for that too.
///
/// # Errors
/// [`Error::Refused`] for limits out of range; any other [`KeyError`].
pub async fn create(
    tx: &mut EngineTx,
    master: &MasterKeys,
    account: &NewAccount,
    api_key: &str,
    webhook_key: &str,
) -> Result<(), KeyError> {
    let seal = |field, key: &str| master.seal_platform(field, account.id.0, key.as_bytes());
    let api = seal(PlatformField::ProviderApiKey, api_key)?;
    let webhook = seal(PlatformField::ProviderWebhookKey, webhook_key)?;
    sqlx::query(
        "insert into accounts (id, tenant_id, name, base_url, simulator, key_sealed, webhook_key_sealed,
             max_concurrent, starts_per_second, list_trusted)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
    )
    .bind(account.id)
    .bind(account.tenant)
    .bind(&account.name)
    .bind(&account.base_url)
    .bind(account.simulator)
    .bind(api)
    .bind(webhook)
    .bind(i32::try_from(account.max_concurrent).unwrap_or(i32::MAX))
    .bind(account.starts_per_second)
    .bind(account.list_trusted)
    .execute(tx.conn())
    .await
    .map_err(Error::from)?;
    Ok(())
}

/// Gives an account another address and key.
///
/// # Errors
/// Any [`KeyError`].
pub async fn move_to(
    tx: &mut EngineTx,
    master: &MasterKeys,
    account: AccountId,
    base_url: &str,
    key: &str,
) -> Result<(), KeyError> {
    let seal = |field| master.seal_platform(field, account.0, key.as_bytes());
    sqlx::query(
        "update accounts set base_url = $2, key_sealed = $3, webhook_key_sealed = $4 where id = $1",
    )
    .bind(account)
    .bind(base_url)
    .bind(seal(PlatformField::ProviderApiKey)?)
    .bind(seal(PlatformField::ProviderWebhookKey)?)
    .execute(tx.conn())
    .await
    .map_err(Error::from)?;
    Ok(())
}

type Row = (Uuid, Option<Uuid>, String, String, bool, i32, f64, bool, Option<DateTime<Utc>>, bool);

/// All accounts, oldest first.
///
/// # Errors
/// Any [`Error`].
pub async fn list(db: &Db) -> Result<Vec<Account>, Error> {
    let rows: Vec<Row> = sqlx::query_as(
        "select id, tenant_id, name, base_url, simulator, max_concurrent, starts_per_second, list_trusted, held_at,
             breaker_open
         from accounts order by created_at, id",
    )
    .fetch_all(db.engine_pool())
    .await?;
    rows.into_iter().map(account).collect()
}

fn account(row: Row) -> Result<Account, Error> {
    let (id, tenant, name, base_url, simulator, most, starts, list_trusted, held_at, open) = row;
    Ok(Account {
        id: AccountId(id),
        tenant: tenant.map(TenantId),
        name,
        base_url,
        simulator,
        max_concurrent: most
            .try_into()
            .map_err(|_| Error::Unreadable("accounts.max_concurrent"))?,
        starts_per_second: starts,
        list_trusted,
        held_at,
        breaker_open: open,
    })
}

/// The sealed keys of an account, and where its API is.
///
/// # Errors
/// Any [`Error`].
pub async fn sealed_keys(db: &Db, id: AccountId) -> Result<Option<(String, SealedKeys)>, Error> {
    type Row = (String, Vec<u8>, Vec<u8>, Option<Vec<u8>>);
    let row: Option<Row> = sqlx::query_as(
        "select base_url, key_sealed, webhook_key_sealed,
             case when coalesce(webhook_key_old_until > app_clock(), true) then webhook_key_old end
         from accounts where id = $1",
    )
    .bind(id)
    .fetch_optional(db.engine_pool())
    .await?;
    Ok(row.map(|(base_url, api, webhook, webhook_before)| {
        (base_url, SealedKeys { account: id, api, webhook, webhook_before })
    }))
}
