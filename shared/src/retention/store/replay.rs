//! SQL of what a journal brings back to a database that went back.

use chrono::{DateTime, Utc};

use super::{erase, shred};
use crate::book;
use crate::contacts::phone::PhoneNumber;
use crate::crypto::TenantField;
use crate::db::{Db, Error};
use crate::do_not_call::store::hashes;
use crate::ids::{ContactId, DoNotCallId, TenantId};
use crate::rotation::store::numbers;
use crate::tenants::{KeyError, KeyRing};

/// Erases a contact again. A hold doesn't spare it: it was erased once, and is gone.
///
/// # Errors
/// Any [`Error`].
pub async fn erase(db: &Db, tenant: TenantId, id: ContactId) -> Result<(), Error> {
    let mut tx = db.tenant(tenant).await?;
    let there: bool = sqlx::query_scalar(
        "select exists (select from contacts where id = $1 and erased_at is null)",
    )
    .bind(id)
    .fetch_one(tx.conn())
    .await?;
    if there {
        sqlx::query(
            "update calls set state = 'withdrawn', ended_reason = 'contact_deleted', settled_at = app_clock(),
                 updated_at = app_clock(), is_due = false, front = false where contact_id = $1 and state = 'planned'",
        )
        .bind(id)
        .execute(tx.conn())
        .await?;
        erase::destroy(&mut tx, id).await?;
        book::store::forget(&mut tx).await?;
    }
    tx.commit().await
}

/// Destroys a tenant's keys again.
///
/// # Errors
/// Any [`Error`].
pub async fn shred(db: &Db, tenant: TenantId) -> Result<(), Error> {
    let mut tx = db.tenant(tenant).await?;
    shred::destroy(&mut tx).await?;
    tx.commit().await
}

/// Puts a number on a tenant's list again, under the keys that the tenant has now.
///
/// # Errors
/// Any [`KeyError`].
pub async fn list(
    db: &Db,
    ring: &KeyRing,
    tenant: TenantId,
    (id, number, source, at): (DoNotCallId, &PhoneNumber, &str, DateTime<Utc>),
) -> Result<(), KeyError> {
    let mut tx = db.tenant(tenant).await?;
    let there: bool = sqlx::query_scalar(
        "select exists (select from do_not_call where id = $1) or not exists (select from tenants)",
    )
    .bind(id)
    .fetch_one(tx.conn())
    .await
    .map_err(Error::from)?;
    if there {
        return Ok(());
    }
    let keys = ring.of(&mut tx).await?;
    let hashes = hashes(&keys, number);
    numbers::settle_on(&mut tx, &keys, &[hashes]).await?;
    sqlx::query(
        "insert into do_not_call (tenant_id, id, number, number_eq, source, reason, added_by, added_at) \
         values (tid(), $1, $2, $3, $4, 'replayed from the journal', 'worker', $5) on conflict do nothing",
    )
    .bind(id)
    .bind(keys.seal(TenantField::DoNotCallNumber, id.0, number.as_str().as_bytes())?)
    .bind(hashes.current)
    .bind(source)
    .bind(at)
    .execute(tx.conn())
    .await
    .map_err(Error::from)?;
    Ok(tx.commit().await?)
}
