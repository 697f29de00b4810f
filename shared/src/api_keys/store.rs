//! SQL of API keys. They are looked up before a tenant is known, so as the engine; made, listed and revoked by the tenant.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{ApiKey, Role, Scopes};
use crate::audit::Actor;
use crate::db::{Db, EngineTx, Error, TenantTx};
use crate::ids::{ApiKeyId, TenantId, UserId};
use crate::paging::{Cursor, Page, Slice};

/// Whom a key stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// The key.
    pub key: ApiKeyId,
    /// For which tenant it speaks.
    pub tenant: TenantId,
    /// What it may do.
    pub role: Role,
    /// What of that.
    pub scopes: Scopes,
    /// The tenant is not suspended.
    pub tenant_active: bool,
}

type Found = (Uuid, Uuid, String, Option<Vec<String>>, bool, bool);

/// Whom `key` stands for; `None` if it is unknown or revoked, which take the same statement and the same time.
///
/// Notes that the key was used, at most once in five minutes.
///
/// # Errors
/// Any [`Error`].
pub async fn find(db: &Db, key: &ApiKey) -> Result<Option<Holder>, Error> {
    let row: Option<Found> = sqlx::query_as(
        "select k.id, k.tenant_id, k.role, k.scopes, t.active,
             k.last_used is null or k.last_used < app_clock() - interval '5 minutes'
         from api_keys k join tenants t on t.id = k.tenant_id
         where k.hash = $1 and k.revoked_at is null",
    )
    .bind(key.hash().to_vec())
    .fetch_optional(db.engine_pool())
    .await?;
    let Some((id, tenant, role, scopes, tenant_active, stale)) = row else { return Ok(None) };
    if stale {
        sqlx::query("update api_keys set last_used = app_clock() where id = $1")
            .bind(id)
            .execute(db.engine_pool())
            .await?;
    }
    let role = role.parse().map_err(|_| Error::Unreadable("api_keys.role"))?;
    Ok(Some(Holder {
        key: ApiKeyId(id),
        tenant: TenantId(tenant),
        role,
        scopes: Scopes::from(scopes),
        tenant_active,
    }))
}

/// Stores the hash of a key that may do whatever its role may. For operators, and for what is made with a tenant.
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
        "insert into api_keys (id, tenant_id, name, hash, role, made_by) values ($1, $2, $3, $4, $5, $6)",
    )
    .bind(id)
    .bind(tenant)
    .bind(name)
    .bind(key.hash().to_vec())
    .bind(role.as_str())
    .bind(Actor::Platform.to_string())
    .execute(tx.conn())
    .await?;
    Ok(id)
}

/// A key to be made for the transaction's tenant.
#[derive(Debug, Clone)]
pub struct NewKey {
    /// Its id.
    pub id: ApiKeyId,
    /// For people.
    pub name: String,
    /// As what it acts.
    pub role: Role,
    /// What of that it may do.
    pub scopes: Scopes,
}

/// Stores the hash of a key.
///
/// # Errors
/// Any [`Error`].
pub async fn insert(
    tx: &mut TenantTx,
    new: &NewKey,
    key: &ApiKey,
    by: Actor,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    sqlx::query(
        "insert into api_keys (id, tenant_id, name, hash, role, scopes, made_by, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(new.id)
    .bind(tx.tenant())
    .bind(&new.name)
    .bind(key.hash().to_vec())
    .bind(new.role.as_str())
    .bind(new.scopes.words().map(<[String]>::to_vec))
    .bind(by.to_string())
    .bind(now)
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// A key as its tenant's administrators see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Which.
    pub id: ApiKeyId,
    /// For people.
    pub name: String,
    /// As what it acts.
    pub role: Role,
    /// What of that it may do.
    pub scopes: Scopes,
    /// Who made it.
    pub made_by: Option<String>,
    /// When.
    pub created_at: DateTime<Utc>,
    /// When it was last used, to five minutes.
    pub last_used: Option<DateTime<Utc>>,
    /// Who made it could make none now, and may have kept a copy.
    pub maker_left: bool,
}

type Row = (
    Uuid,
    String,
    String,
    Option<Vec<String>>,
    Option<String>,
    DateTime<Utc>,
    Option<DateTime<Utc>>,
    bool,
);

/// A key's columns, followed by which keys.
macro_rules! keys {
    ($rest:literal) => {
        concat!(
            "select k.id, k.name, k.role, k.scopes, k.made_by, k.created_at, k.last_used, \
                 exists (select from users u where k.made_by = 'user:' || u.id \
                     and (u.state = 'deactivated' or u.role <> 'client_admin')) \
             from api_keys k where k.revoked_at is null and ",
            $rest
        )
    };
}

fn read(row: Row) -> Result<Listed, Error> {
    let (id, name, role, scopes, made_by, created_at, last_used, maker_left) = row;
    let role = role.parse().map_err(|_| Error::Unreadable("api_keys.role"))?;
    let scopes = Scopes::from(scopes);
    let id = ApiKeyId(id);
    Ok(Listed { id, name, role, scopes, made_by, created_at, last_used, maker_left })
}

/// The tenant's keys that are in use, newest first.
///
/// # Errors
/// Any [`Error`].
pub async fn list(tx: &mut TenantTx, slice: Slice) -> Result<Page<Listed>, Error> {
    let (at, id) = slice.bounds();
    let rows: Vec<Row> = sqlx::query_as(keys!(
        "($1::timestamptz is null or (k.created_at, k.id) < ($1, $2)) order by k.created_at desc, k.id desc limit $3"
    ))
    .bind(at)
    .bind(id)
    .bind(slice.ask())
    .fetch_all(tx.conn())
    .await?;
    let keys = rows.into_iter().map(read).collect::<Result<_, _>>()?;
    Ok(Page::cut(keys, slice, |key: &Listed| Cursor { at: key.created_at, id: key.id.0 }))
}

/// One key of the tenant that is in use.
///
/// # Errors
/// Any [`Error`].
pub async fn listed(tx: &mut TenantTx, id: ApiKeyId) -> Result<Option<Listed>, Error> {
    let row: Option<Row> =
        sqlx::query_as(keys!("k.id = $1")).bind(id).fetch_optional(tx.conn()).await?;
    row.map(read).transpose()
}

/// The keys of the tenant that somebody of it made and that are in use.
///
/// # Errors
/// Any [`Error`].
pub async fn made_by(tx: &mut TenantTx, user: UserId) -> Result<Vec<ApiKeyId>, Error> {
    Ok(sqlx::query_scalar(
        "select id from api_keys where made_by = $1 and revoked_at is null order by created_at, id",
    )
    .bind(Actor::User(user).to_string())
    .fetch_all(tx.conn())
    .await?)
}

/// Revokes a key of the transaction's tenant. False if it has no such key, or it was revoked before.
///
/// # Errors
/// Any [`Error`].
pub async fn withdraw(tx: &mut TenantTx, id: ApiKeyId, now: DateTime<Utc>) -> Result<bool, Error> {
    let done =
        sqlx::query("update api_keys set revoked_at = $2 where id = $1 and revoked_at is null")
            .bind(id)
            .bind(now)
            .execute(tx.conn())
            .await?;
    Ok(done.rows_affected() == 1)
}

/// Revokes a key of the tenant. False if it has no such key, or it was revoked before.
///
/// # Errors
/// Any [`Error`].
pub async fn revoke(tx: &mut EngineTx, tenant: TenantId, id: ApiKeyId) -> Result<bool, Error> {
    let done = sqlx::query(
        "update api_keys set revoked_at = app_clock() where id = $1 and tenant_id = $2 and revoked_at is null",
    )
    .bind(id)
    .bind(tenant)
    .execute(tx.conn())
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
