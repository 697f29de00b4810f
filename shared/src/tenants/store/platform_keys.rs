//! SQL of the platform's own keys.

use uuid::Uuid;

use super::read_keys;
use crate::crypto::{MasterKeys, TenantKey, TenantKeyPurpose, TenantKeyRow};
use crate::db::{Db, Error};
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

async fn rows(db: &Db) -> Result<Vec<TenantKeyRow>, KeyError> {
    let rows = sqlx::query_as("select purpose, key_id, wrapped from platform_keys")
        .fetch_all(db.engine_pool())
        .await
        .map_err(Error::from)?;
    Ok(read_keys(rows)?)
}
