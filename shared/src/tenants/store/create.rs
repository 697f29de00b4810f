//! SQL of making tenants, and of stopping them all.

use sqlx::types::Json;

use crate::crypto::{MasterKeys, TenantKey, TenantKeyPurpose};
use crate::db::{EngineTx, Error};
use crate::ids::TenantId;
use crate::tenants::KeyError;
use crate::tenants::create::NewTenant;

/// Stores a tenant with new keys.
///
/// # Errors
/// [`Error::Refused`] by a check; any other [`KeyError`].
pub async fn create(
    tx: &mut EngineTx,
    master: &MasterKeys,
    tenant: &NewTenant,
) -> Result<(), KeyError> {
    let (policy, added) = super::added::split(&tenant.policy)?;
    sqlx::query(
        "insert into tenants (id, name, zone, account_id, agent_id, caller_number, policy, allowance, policy_added)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(tenant.id)
    .bind(&tenant.name)
    .bind(tenant.zone.name())
    .bind(tenant.account)
    .bind(&tenant.agent_id)
    .bind(&tenant.caller_number)
    .bind(Json(policy))
    .bind(Json(&tenant.allowance))
    .bind(Json(added))
    .execute(tx.conn())
    .await
    .map_err(Error::from)?;
    for purpose in [TenantKeyPurpose::Field, TenantKeyPurpose::Equality] {
        let key = TenantKey::generate(tenant.id.0, purpose, 1)?;
        sqlx::query(
            "insert into tenant_keys (tenant_id, purpose, key_id, wrapped, master_key_id) values ($1, $2, 1, $3, $4)",
        )
        .bind(tenant.id)
        .bind(purpose.as_str())
        .bind(master.wrap(&key)?)
        .bind(i32::try_from(master.current_id()).unwrap_or(i32::MAX))
        .execute(tx.conn())
        .await
        .map_err(Error::from)?;
    }
    for statement in [
        "insert into dispatch_state (tenant_id) values ($1)",
        "insert into tenant_heads (tenant_id) values ($1)",
    ] {
        sqlx::query(statement).bind(tenant.id).execute(tx.conn()).await.map_err(Error::from)?;
    }
    Ok(())
}

/// Whether there is a tenant of this id.
///
/// # Errors
/// Any [`Error`].
pub async fn exists(tx: &mut EngineTx, id: TenantId) -> Result<bool, Error> {
    Ok(sqlx::query_scalar("select exists (select from tenants where id = $1)")
        .bind(id)
        .fetch_one(tx.conn())
        .await?)
}

/// Stops all dialling on the platform, or lets it go on. False if it was so before.
///
/// # Errors
/// Any [`Error`].
pub async fn stop_all(tx: &mut EngineTx, reason: Option<&str>) -> Result<bool, Error> {
    let done = sqlx::query(
        "update platform_state set stop_all_at = case when $1::text is null then null else app_clock() end,
             stop_all_reason = $1
         where (stop_all_at is null) <> ($1 is null)",
    )
    .bind(reason)
    .execute(tx.conn())
    .await?;
    // Every tenant looks at the platform's state; none has a trigger on it.
    sqlx::query("insert into dispatch_wakes (tenant_id) select id from tenants")
        .execute(tx.conn())
        .await?;
    Ok(done.rows_affected() == 1)
}
