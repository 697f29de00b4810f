//! SQL of wrapping keys anew: a tenant or an account at a time, each in a transaction of its own.

use std::time::Duration;

use serde_json::json;
use uuid::Uuid;

use super::note;
use crate::crypto::{CryptoError, MasterKeys, PlatformField};
use crate::db::{Db, Error};
use crate::ids::TenantId;
use crate::operators::keys::{RewrapError, Rewrapped};
use crate::tenants::store::{key_rows, platform_keys};

/// So many tenants between two pauses.
const BATCH: i64 = 50;

/// Wraps with the current master key whatever an older one wraps, pausing after every 50 tenants. What is current is left
/// alone, so that it can be stopped and run again.
///
/// # Errors
/// [`RewrapError`].
pub async fn rewrap(
    db: &Db,
    master: &MasterKeys,
    operator: &str,
    pause: Duration,
) -> Result<Rewrapped, RewrapError> {
    let mut done = Rewrapped::default();
    let mut after = Uuid::nil();
    loop {
        let tenants: Vec<TenantId> =
            sqlx::query_scalar("select id from tenants where id > $1 order by id limit $2")
                .bind(after)
                .bind(BATCH)
                .fetch_all(db.engine_pool())
                .await
                .map_err(Error::from)?;
        let Some(last) = tenants.last() else { break };
        after = last.0;
        for tenant in tenants {
            done.tenant_keys += of_tenant(db, master, tenant).await?;
        }
        tokio::time::sleep(pause).await;
    }
    let accounts: Vec<Uuid> = sqlx::query_scalar("select id from accounts order by id")
        .fetch_all(db.engine_pool())
        .await
        .map_err(Error::from)?;
    for account in accounts {
        done.account_keys += of_account(db, master, account).await?;
    }
    done.platform_keys = platform_keys::rewrap(db, master).await?;
    done.webhooks = of_webhooks(db, master).await?;
    if done != Rewrapped::default() {
        let mut tx = db.engine().await?;
        let detail = json!({ "master_key": master.current_id(), "rewrapped": done });
        note(&mut tx, operator, "platform.rewrap_keys", None, &detail).await?;
        tx.commit().await?;
    }
    Ok(done)
}

async fn of_tenant(db: &Db, master: &MasterKeys, tenant: TenantId) -> Result<u64, RewrapError> {
    let broken = |cause: CryptoError| RewrapError::Crypto { of: format!("tenant {tenant}"), cause };
    let mut tx = db.tenant(tenant).await?;
    let mut done = 0;
    for row in key_rows(&mut tx).await? {
        if master.is_current(&row.wrapped).map_err(broken)? {
            continue;
        }
        let key = master
            .unwrap_tenant_key(tenant.0, row.purpose, row.id, &row.wrapped)
            .map_err(broken)?;
        let changed = sqlx::query(
            "update tenant_keys set wrapped = $4, master_key_id = $5 where purpose = $1 and key_id = $2 and wrapped = $3",
        )
        .bind(row.purpose.as_str())
        .bind(i32::try_from(row.id).unwrap_or(i32::MAX))
        .bind(&row.wrapped)
        .bind(master.wrap(&key).map_err(broken)?)
        .bind(i32::try_from(master.current_id()).unwrap_or(i32::MAX))
        .execute(tx.conn())
        .await
        .map_err(Error::from)?;
        done += changed.rows_affected();
    }
    tx.commit().await?;
    Ok(done)
}

/// Webhooks that wait, or that were given up and are kept for a while. One that doesn't open is left as it is: nobody else opens
/// it either.
async fn of_webhooks(db: &Db, master: &MasterKeys) -> Result<u64, RewrapError> {
    let (mut done, mut after) = (0, Uuid::nil());
    loop {
        let mut tx = db.engine().await?;
        let rows: Vec<(Uuid, Vec<u8>)> = sqlx::query_as(
            "select id, body from webhooks where id > $1 and body is not null and substring(body from 2 for 4) <> int4send($2)
             order by id limit $3 for no key update skip locked",
        )
        .bind(after)
        .bind(i32::try_from(master.current_id()).unwrap_or(i32::MAX))
        .bind(BATCH)
        .fetch_all(tx.conn())
        .await
        .map_err(Error::from)?;
        let Some((last, _)) = rows.last() else { return Ok(done) };
        after = *last;
        for (id, sealed) in rows {
            let anew = master
                .open_platform(PlatformField::WebhookBody, id, &sealed)
                .and_then(|body| master.seal_platform(PlatformField::WebhookBody, id, &body));
            let Ok(anew) = anew else { continue };
            sqlx::query("update webhooks set body = $2 where id = $1")
                .bind(id)
                .bind(anew)
                .execute(tx.conn())
                .await
                .map_err(Error::from)?;
            done += 1;
        }
        tx.commit().await?;
    }
}

/// Which master key wraps how much: tenants' keys and the platform's own, by key id.
///
/// # Errors
/// Any [`Error`].
pub async fn wrapped_by(db: &Db) -> Result<Vec<(i32, i64)>, Error> {
    let tenants: Vec<TenantId> = sqlx::query_scalar("select id from tenants order by id")
        .fetch_all(db.engine_pool())
        .await?;
    let mut counts = std::collections::BTreeMap::<i32, i64>::new();
    let platform: Vec<i32> = sqlx::query_scalar("select master_key_id from platform_keys")
        .fetch_all(db.engine_pool())
        .await?;
    for id in platform {
        *counts.entry(id).or_default() += 1;
    }
    for tenant in tenants {
        let mut tx = db.tenant(tenant).await?;
        let rows: Vec<i32> = sqlx::query_scalar("select master_key_id from tenant_keys")
            .fetch_all(tx.conn())
            .await?;
        tx.commit().await?;
        for id in rows {
            *counts.entry(id).or_default() += 1;
        }
    }
    Ok(counts.into_iter().collect())
}

type Sealed = (Vec<u8>, Vec<u8>, Option<Vec<u8>>);

async fn of_account(db: &Db, master: &MasterKeys, account: Uuid) -> Result<u64, RewrapError> {
    let broken =
        |cause: CryptoError| RewrapError::Crypto { of: format!("account {account}"), cause };
    let mut tx = db.engine().await?;
    let row: Option<Sealed> = sqlx::query_as(
        "select key_sealed, webhook_key_sealed, webhook_key_old from accounts where id = $1 for update",
    )
    .bind(account)
    .fetch_optional(tx.conn())
    .await
    .map_err(Error::from)?;
    let Some((api, webhook, old)) = row else { return Ok(0) };
    let mut done = 0;
    let mut anew = |field, sealed: Vec<u8>| -> Result<Vec<u8>, CryptoError> {
        if master.is_current(&sealed)? {
            return Ok(sealed);
        }
        done += 1;
        let plain = master.open_platform(field, account, &sealed)?;
        Ok(master.seal_platform(field, account, &plain)?.into_bytes())
    };
    let api = anew(PlatformField::ProviderApiKey, api).map_err(broken)?;
    let webhook = anew(PlatformField::ProviderWebhookKey, webhook).map_err(broken)?;
    let old =
        old.map(|old| anew(PlatformField::ProviderWebhookKey, old)).transpose().map_err(broken)?;
    if done > 0 {
        sqlx::query(
            "update accounts set key_sealed = $2, webhook_key_sealed = $3, webhook_key_old = $4 where id = $1",
        )
        .bind(account)
        .bind(api)
        .bind(webhook)
        .bind(old)
        .execute(tx.conn())
        .await
        .map_err(Error::from)?;
    }
    tx.commit().await?;
    Ok(done)
}
