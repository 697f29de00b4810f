//! SQL of views. Whoever asks sees their own, and everybody's.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::View;
use crate::crypto::{CryptoError, Sealed, TenantField, TenantKeys};
use crate::db::{Error, TenantTx};
use crate::ids::ViewId;
use crate::tenants::KeyError;

/// What is sealed of a view.
#[derive(Serialize, Deserialize)]
struct Words {
    name: String,
    search: serde_json::Value,
}

type Row = (
    ViewId,
    Option<String>,
    Vec<u8>,
    i32,
    i64,
    Option<DateTime<Utc>>,
    String,
    DateTime<Utc>,
    DateTime<Utc>,
);

fn open(keys: &TenantKeys, row: Row) -> Result<View, KeyError> {
    let (id, owner, sealed, version, used, used_at, created_by, created_at, updated_at) = row;
    let words = keys.open(TenantField::SavedView, id.0, &sealed)?;
    let Words { name, search } =
        serde_json::from_slice(&words).map_err(|_| Error::Unreadable("contact_views.sealed"))?;
    Ok(View { id, owner, name, search, version, used, used_at, created_by, created_at, updated_at })
}

fn seal(keys: &TenantKeys, view: &View) -> Result<Sealed, CryptoError> {
    let words = serde_json::json!({ "name": view.name, "search": view.search });
    let words = zeroize::Zeroizing::new(words.to_string());
    keys.seal(TenantField::SavedView, view.id.0, words.as_bytes())
}

/// Stores a new view, unless its owner, or everybody, has `most` already: then nothing is stored, and it is false.
///
/// # Errors
/// Any [`KeyError`].
pub async fn insert(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    view: &View,
    most: i64,
) -> Result<bool, KeyError> {
    // Two at once would each see room for one.
    sqlx::query("select pg_advisory_xact_lock(hashtextextended(tid() || '/views/' || coalesce($1, ''), 11))")
        .bind(&view.owner)
        .execute(tx.conn())
        .await
        .map_err(Error::from)?;
    let done = sqlx::query(
        "insert into contact_views (tenant_id, id, owner, sealed, version, created_by, created_at, updated_at)
         select $1, $2, $3, $4, $5, $6, $7, $8
         where (select count(*) from contact_views where owner is not distinct from $3) < $9",
    )
    .bind(tx.tenant())
    .bind(view.id)
    .bind(&view.owner)
    .bind(seal(keys, view)?)
    .bind(view.version)
    .bind(&view.created_by)
    .bind(view.created_at)
    .bind(view.updated_at)
    .bind(most)
    .execute(tx.conn())
    .await
    .map_err(Error::from)?;
    Ok(done.rows_affected() == 1)
}

/// Stores a changed view; its row must be locked.
///
/// # Errors
/// Any [`KeyError`].
pub async fn update(tx: &mut TenantTx, keys: &TenantKeys, view: &View) -> Result<(), KeyError> {
    sqlx::query(
        "update contact_views set sealed = $2, version = $3, updated_at = $4 where id = $1",
    )
    .bind(view.id)
    .bind(seal(keys, view)?)
    .bind(view.version)
    .bind(view.updated_at)
    .execute(tx.conn())
    .await
    .map_err(Error::from)?;
    Ok(())
}

/// Deletes a view.
///
/// # Errors
/// Any [`Error`].
pub async fn delete(tx: &mut TenantTx, id: ViewId) -> Result<(), Error> {
    sqlx::query("delete from contact_views where id = $1").bind(id).execute(tx.conn()).await?;
    Ok(())
}

/// One view that is `asker`'s or everybody's. `None`: there is none, or it is somebody else's: the two look alike.
///
/// # Errors
/// Any [`KeyError`].
pub async fn find(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    id: ViewId,
    asker: &str,
) -> Result<Option<View>, KeyError> {
    let row: Option<Row> = sqlx::query_as(
        "select id, owner, sealed, version, used, used_at, created_by, created_at, updated_at from contact_views
         where id = $1 and (owner is null or owner = $2)",
    )
    .bind(id)
    .bind(asker)
    .fetch_optional(tx.conn())
    .await
    .map_err(Error::from)?;
    row.map(|row| open(keys, row)).transpose()
}

/// As [`find`], kept from being changed by others until the transaction ends.
///
/// # Errors
/// Any [`KeyError`].
pub async fn lock(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    id: ViewId,
    asker: &str,
) -> Result<Option<View>, KeyError> {
    sqlx::query("select from contact_views where id = $1 for update")
        .bind(id)
        .execute(tx.conn())
        .await
        .map_err(Error::from)?;
    find(tx, keys, id, asker).await
}

/// The views that are `asker`'s or everybody's: what is used most comes first, then what was used last, then what is newest.
///
/// # Errors
/// Any [`KeyError`].
pub async fn list(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    asker: &str,
) -> Result<Vec<View>, KeyError> {
    let rows: Vec<Row> = sqlx::query_as(
        "select id, owner, sealed, version, used, used_at, created_by, created_at, updated_at from contact_views
         where owner is null or owner = $1
         order by used desc, used_at desc nulls last, created_at desc, id desc",
    )
    .bind(asker)
    .fetch_all(tx.conn())
    .await
    .map_err(Error::from)?;
    rows.into_iter().map(|row| open(keys, row)).collect()
}

/// Counts that a view was searched by. Its version stays: nothing that anybody edits changed.
///
/// # Errors
/// Any [`Error`].
pub async fn used(tx: &mut TenantTx, id: ViewId) -> Result<(), Error> {
    sqlx::query("update contact_views set used = used + 1, used_at = app_clock() where id = $1")
        .bind(id)
        .execute(tx.conn())
        .await?;
    Ok(())
}
