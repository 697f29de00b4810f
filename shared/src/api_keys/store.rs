//! SQL of API keys. They are looked up before a tenant is known, so as the engine.

use uuid::Uuid;

use super::{ApiKey, Role};
use crate::db::{Db, EngineTx, Error};
use crate::ids::{ApiKeyId, TenantId};

/// Whom a key stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holder {
    /// The key.
    pub key: ApiKeyId,
    /// For which tenant it speaks.
    pub tenant: TenantId,
    /// What it may do.
    pub role: Role,
    /// The tenant is not suspended.
    pub tenant_active: bool,
}

/// Whom `key` stands for; `None` if it is unknown or revoked, which take the same statement and the same time.
///
/// Notes that the key was used, at most once in five minutes.
///
/// # Errors
/// Any [`Error`].
pub async fn find(db: &Db, key: &ApiKey) -> Result<Option<Holder>, Error> {
    let row: Option<(Uuid, Uuid, String, bool, bool)> = sqlx::query_as(
        "select k.id, k.tenant_id, k.role, t.active,
             k.last_used is null or k.last_used < app_clock() - interval '5 minutes'
         from api_keys k join tenants t on t.id = k.tenant_id
         where k.hash = $1 and k.revoked_at is null",
    )
    .bind(key.hash().to_vec())
    .fetch_optional(db.engine_pool())
    .await?;
    let Some((id, tenant, role, tenant_active, stale)) = row else { return Ok(None) };
    if stale {
        sqlx::query("update api_keys set last_used = app_clock() where id = $1")
            .bind(id)
            .execute(db.engine_pool())
            .await?;
    }
    let role = role.parse().map_err(|_| Error::Unreadable("api_keys.role"))?;
    Ok(Some(Holder { key: ApiKeyId(id), tenant: TenantId(tenant), role, tenant_active }))
}

/// Which of these keys still hold: not revoked, and their tenant not suspended.
///
/// # Errors
/// Any [`Error`].
pub async fn holding(db: &Db, keys: &[ApiKeyId]) -> Result<Vec<ApiKeyId>, Error> {
    Ok(sqlx::query_scalar(
        "select k.id from api_keys k join tenants t on t.id = k.tenant_id
         where k.id = any($1) and k.revoked_at is null and t.active",
    )
    .bind(keys)
    .fetch_all(db.engine_pool())
    .await?)
}

/// Stores the hash of a key.
///
/// # Errors
/// Any [`Error`].
pub async fn create(
    tx: &mut EngineTx,
    tenant: TenantId,
    name: &str,
    role: Role,
    key: &ApiKey,
) -> Result<ApiKeyId, Error> {
    let id = ApiKeyId::new();
    sqlx::query(
        "insert into api_keys (id, tenant_id, name, hash, role) values ($1, $2, $3, $4, $5)",
    )
    .bind(id)
    .bind(tenant)
    .bind(name)
    .bind(key.hash().to_vec())
    .bind(role.as_str())
    .execute(tx.conn())
    .await?;
    Ok(id)
}

/// Revokes a key of the tenant. False if it has no such key, or it was revoked before.
///
/// # Errors
/// Any [`Error`].
pub async fn revoke(db: &Db, tenant: TenantId, id: ApiKeyId) -> Result<bool, Error> {
    let done = sqlx::query(
        "update api_keys set revoked_at = app_clock() where id = $1 and tenant_id = $2 and revoked_at is null",
    )
    .bind(id)
    .bind(tenant)
    .execute(db.engine_pool())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Whether the tenant has a key of this name that is in use.
///
/// # Errors
/// Any [`Error`].
pub async fn exists(tx: &mut EngineTx, tenant: TenantId, name: &str) -> Result<bool, Error> {
    Ok(sqlx::query_scalar(
        "select exists (select from api_keys where tenant_id = $1 and name = $2 and revoked_at is null)",
    )
    .bind(tenant)
    .bind(name)
    .fetch_one(tx.conn())
    .await?)
}
