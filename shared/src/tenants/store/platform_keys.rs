//! SQL of the platform's own keys.

use uuid::Uuid;

use super::read_keys;
use crate::crypto::{MasterKeys, TenantKey, TenantKeyPurpose, TenantKeyRow};
use crate::db::{Db, Error};
use crate::operators::keys::RewrapError;
use crate::tenants::KeyError;

/// The platform's wrapped keys, made if there are none. Of two processes that make them at a time, one wins.
pub(in crate::tenants) async fn of_platform(
    db: &Db,
    master: &MasterKeys,
    platform: Uuid,
) -> Result<Vec<TenantKeyRow>, KeyError> {
    let found = rows(db).await?;
    if !found.is_empty() {
        return Ok(found);
    }
    let mut tx = db.engine().await?;
    for purpose in [TenantKeyPurpose::Field, TenantKeyPurpose::Equality] {
        let key = TenantKey::generate(platform, purpose, 1)?;
        sqlx::query(
            "insert into platform_keys (purpose, key_id, wrapped, master_key_id) values ($1, 1, $2, $3)
             on conflict do nothing",
        )
        .bind(purpose.as_str())
        .bind(master.wrap(&key)?)
        .bind(i32::try_from(master.current_id()).unwrap_or(i32::MAX))
        .execute(tx.conn())
        .await
        .map_err(Error::from)?;
    }
    tx.commit().await?;
    rows(db).await
}

/// Wraps with the current master key whatever an older one wraps. Gives how many keys.
pub(crate) async fn rewrap(db: &Db, master: &MasterKeys) -> Result<u64, RewrapError> {
    let broken = |cause| RewrapError::Crypto { of: "the platform".to_owned(), cause };
    let mut tx = db.engine().await?;
    let found =
        sqlx::query_as("select purpose, key_id, wrapped, true from platform_keys for update")
            .fetch_all(tx.conn())
            .await
            .map_err(Error::from)?;
    let mut done = 0;
    for row in read_keys(found)? {
        if master.is_current(&row.wrapped).map_err(broken)? {
            continue;
        }
        let key = master
            .unwrap_tenant_key(Uuid::nil(), row.purpose, row.id, &row.wrapped)
            .map_err(broken)?;
        sqlx::query(
            "update platform_keys set wrapped = $3, master_key_id = $4 where purpose = $1 and key_id = $2",
        )
        .bind(row.purpose.as_str())
        .bind(i32::try_from(row.id).unwrap_or(i32::MAX))
        .bind(master.wrap(&key).map_err(broken)?)
        .bind(i32::try_from(master.current_id()).unwrap_or(i32::MAX))
        .execute(tx.conn())
        .await
        .map_err(Error::from)?;
        done += 1;
    }
    tx.commit().await?;
    Ok(done)
}

async fn rows(db: &Db) -> Result<Vec<TenantKeyRow>, KeyError> {
    let rows = sqlx::query_as("select purpose, key_id, wrapped, true from platform_keys")
        .fetch_all(db.engine_pool())
        .await
        .map_err(Error::from)?;
    Ok(read_keys(rows)?)
}
