//! SQL of operators' changes of provider accounts. Each notes itself in the operators' record.

use chrono::{DateTime, Utc};
use serde_json::json;

use super::note;
use crate::crypto::{MasterKeys, PlatformField};
use crate::db::{Db, Error};
use crate::ids::AccountId;
use crate::operators::accounts::{AccountRefusal, Held, Limits, Replaced};

/// Workers use an account for half a minute as they read it; a probe before that would use the old key.
const KEPT: &str = "35 seconds";

/// Lets an account dial again. Its tenants wait for it, and are looked at in fair order. Returns what it was held for.
///
/// # Errors
/// [`AccountRefusal`]; nothing was changed then.
pub async fn release(db: &Db, operator: &str, account: AccountId) -> Result<Held, AccountRefusal> {
    let mut tx = db.engine().await?;
    let held: Option<Held> =
        sqlx::query_as("select held_at, held_reason from accounts where id = $1 for update")
            .bind(account)
            .fetch_optional(tx.conn())
            .await
            .map_err(Error::from)?;
    let held = held.ok_or(AccountRefusal::Unknown(account))?;
    if held.held_at.is_some() {
        sqlx::query(
            "update accounts set held_at = null, held_reason = null, probe_at = null where id = $1",
        )
        .bind(account)
        .execute(tx.conn())
        .await
        .map_err(Error::from)?;
        let detail = json!({ "held_at": held.held_at, "held_reason": held.held_reason });
        note(&mut tx, operator, "account.release", Some(account.0), &detail).await?;
        tx.commit().await?;
    }
    Ok(held)
}

/// Gives an account another key, for asking and for webhooks; webhooks that the old one signed are taken for
/// `old_for_hours` more.
///
/// # Errors
/// [`AccountRefusal`]; nothing was changed then.
pub async fn replace_key(
    db: &Db,
    master: &MasterKeys,
    operator: &str,
    account: AccountId,
    key: &str,
    old_for_hours: i32,
) -> Result<Replaced, AccountRefusal> {
    let mut tx = db.engine().await?;
    let row: Option<(Vec<u8>, bool, bool)> = sqlx::query_as(
        "select key_sealed, held_at is not null, \
             webhook_key_old is not null and coalesce(webhook_key_old_until > app_clock(), true) \
         from accounts where id = $1 for update",
    )
    .bind(account)
    .fetch_optional(tx.conn())
    .await
    .map_err(Error::from)?;
    let (sealed, was_held, dropped_older) = row.ok_or(AccountRefusal::Unknown(account))?;
    let present = master.open_platform(PlatformField::ProviderApiKey, account.0, &sealed)?;
    if present.as_slice() == key.as_bytes() {
        return Err(AccountRefusal::SameKey);
    }
    let seal = |field| master.seal_platform(field, account.0, key.as_bytes());
    let (old_until,): (DateTime<Utc>,) = sqlx::query_as(
        "update accounts set key_sealed = $2, webhook_key_old = webhook_key_sealed, webhook_key_sealed = $3, \
             webhook_key_old_until = app_clock() + make_interval(hours => $4), \
             probe_at = case when held_at is not null then app_clock() + $5::interval else probe_at end \
         where id = $1 returning webhook_key_old_until",
    )
    .bind(account)
    .bind(seal(PlatformField::ProviderApiKey)?)
    .bind(seal(PlatformField::ProviderWebhookKey)?)
    .bind(old_for_hours)
    .bind(KEPT)
    .fetch_one(tx.conn())
    .await
    .map_err(Error::from)?;
    let detail = json!({ "old_key_until": old_until });
    note(&mut tx, operator, "account.replace_key", Some(account.0), &detail).await?;
    tx.commit().await?;
    Ok(Replaced { old_until, was_held, dropped_older })
}

/// Sets what is given of an account's limits. Returns them before and after.
///
/// # Errors
/// [`AccountRefusal`]; nothing was changed then.
pub async fn change_limits(
    db: &Db,
    operator: &str,
    account: AccountId,
    max_concurrent: Option<i32>,
    starts_per_second: Option<f64>,
) -> Result<(Limits, Limits), AccountRefusal> {
    let mut tx = db.engine().await?;
    let before: Option<Limits> = sqlx::query_as(
        "select max_concurrent, vendor_limit, starts_per_second from accounts where id = $1 for update",
    )
    .bind(account)
    .fetch_optional(tx.conn())
    .await
    .map_err(Error::from)?;
    let before = before.ok_or(AccountRefusal::Unknown(account))?;
    let after: Limits = sqlx::query_as(
        "update accounts set max_concurrent = coalesce($2, max_concurrent), \
             starts_per_second = coalesce($3, starts_per_second) \
         where id = $1 returning max_concurrent, vendor_limit, starts_per_second",
    )
    .bind(account)
    .bind(max_concurrent)
    .bind(starts_per_second)
    .fetch_one(tx.conn())
    .await
    .map_err(Error::from)?;
    if after != before {
        let detail = json!({ "before": before, "after": after });
        note(&mut tx, operator, "account.change_limits", Some(account.0), &detail).await?;
    }
    tx.commit().await?;
    Ok((before, after))
}
