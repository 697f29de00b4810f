//! SQL of uploaded files.

use chrono::{DateTime, Utc};
use zeroize::Zeroizing;

use crate::crypto::{TenantField, TenantKeys};
use crate::db::{Db, Error, TenantTx};
use crate::ids::{ImportId, JobId, TenantId};
use crate::imports::{Import, KEPT_UNUSED, KEPT_USED};
use crate::intake::MOST_BYTES;
use crate::tenants::KeyError;

type Row = (ImportId, i64, i32, String, DateTime<Utc>, Option<JobId>);

fn open((id, bytes, rows, uploaded_by, created_at, job): Row) -> Import {
    let (bytes, rows) = (bytes.unsigned_abs(), rows.unsigned_abs().into());
    Import { id, bytes, rows, uploaded_by, created_at, job }
}

/// Stores a file: compressed, and sealed under a key of its own.
///
/// # Errors
/// Any [`KeyError`].
pub async fn insert(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    import: &Import,
    content: &[u8],
) -> Result<(), KeyError> {
    let (key, wrapped) = keys.generate_file_key(TenantField::ImportFile, import.id.0)?;
    let mut sealed = lz4_flex::compress_prepend_size(content);
    key.seal_chunk(0, true, &mut sealed)?;
    sqlx::query(
        "insert into imports (tenant_id, id, key_wrapped, content, bytes, rows, uploaded_by, created_at)
         values (tid(), $1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(import.id)
    .bind(wrapped)
    .bind(sealed)
    .bind(i64::try_from(import.bytes).unwrap_or(i64::MAX))
    .bind(i32::try_from(import.rows).unwrap_or(i32::MAX))
    .bind(&import.uploaded_by)
    .bind(import.created_at)
    .execute(tx.conn())
    .await
    .map_err(Error::from)?;
    Ok(())
}

/// A file of the tenant, without what is in it.
///
/// # Errors
/// Any [`Error`].
pub async fn find(tx: &mut TenantTx, id: ImportId) -> Result<Option<Import>, Error> {
    let row: Option<Row> = sqlx::query_as(
        "select id, bytes, rows, uploaded_by, created_at, job_id from imports where id = $1",
    )
    .bind(id)
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(open))
}

/// As [`find`], kept from being changed by others until the transaction ends.
///
/// # Errors
/// Any [`Error`].
pub async fn lock(tx: &mut TenantTx, id: ImportId) -> Result<Option<Import>, Error> {
    let row: Option<Row> = sqlx::query_as(
        "select id, bytes, rows, uploaded_by, created_at, job_id from imports where id = $1 for no key update",
    )
    .bind(id)
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(open))
}

/// What is in a file. `None`: it is forgotten.
///
/// # Errors
/// Any [`KeyError`].
pub async fn content(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    id: ImportId,
) -> Result<Option<Zeroizing<Vec<u8>>>, KeyError> {
    let row: Option<(Vec<u8>, Vec<u8>)> =
        sqlx::query_as("select key_wrapped, content from imports where id = $1")
            .bind(id)
            .fetch_optional(tx.conn())
            .await
            .map_err(Error::from)?;
    let Some((wrapped, mut sealed)) = row else { return Ok(None) };
    let key = keys.unwrap_file_key(TenantField::ImportFile, id.0, &wrapped)?;
    let packed = key.open_chunk(0, true, &mut sealed)?;
    let unreadable = Error::Unreadable("imports.content");
    // What is sealed is ours; the length is looked at all the same before it is believed.
    let (length, packed) = lz4_flex::block::uncompressed_size(packed)
        .map_err(|_| Error::Unreadable("imports.content"))?;
    if length > MOST_BYTES {
        return Err(unreadable.into());
    }
    let content = lz4_flex::decompress(packed, length).map_err(|_| unreadable)?;
    Ok(Some(Zeroizing::new(content)))
}

/// That this job runs the file.
///
/// # Errors
/// Any [`Error`].
pub async fn run_by(tx: &mut TenantTx, id: ImportId, job: JobId) -> Result<(), Error> {
    sqlx::query("update imports set job_id = $2 where id = $1")
        .bind(id)
        .bind(job)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Forgets a file.
///
/// # Errors
/// Any [`Error`].
pub async fn delete(tx: &mut TenantTx, id: ImportId) -> Result<(), Error> {
    sqlx::query("delete from imports where id = $1").bind(id).execute(tx.conn()).await?;
    Ok(())
}

/// Tenants that may have files that are too old.
///
/// # Errors
/// Any [`Error`].
pub async fn with_old(db: &Db) -> Result<Vec<TenantId>, Error> {
    Ok(sqlx::query_scalar(
        "select distinct tenant_id from imports where created_at < app_clock() - make_interval(hours => $1)
             and job_id is null or created_at < app_clock() - make_interval(hours => $2)",
    )
    .bind(hours(KEPT_UNUSED))
    .bind(hours(KEPT_USED))
    .fetch_all(db.engine_pool())
    .await?)
}

/// Forgets files that nobody ran, and those whose jobs ended long ago, or are forgotten themselves. How many.
///
/// # Errors
/// Any [`Error`].
pub async fn prune(tx: &mut TenantTx) -> Result<u64, Error> {
    let done = sqlx::query(
        "delete from imports i where i.job_id is null and i.created_at < app_clock() - make_interval(hours => $1)
             or i.job_id is not null and i.created_at < app_clock() - make_interval(hours => $2)
                 and not exists (select from jobs j where j.id = i.job_id
                     and (j.ended_at is null or j.ended_at >= app_clock() - make_interval(hours => $2)))",
    )
    .bind(hours(KEPT_UNUSED))
    .bind(hours(KEPT_USED))
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected())
}

fn hours(of: chrono::TimeDelta) -> i32 {
    i32::try_from(of.num_hours()).unwrap_or(i32::MAX)
}
