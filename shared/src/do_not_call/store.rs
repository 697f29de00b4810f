//! SQL of the do-not-call list.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{Entry, Source};
use crate::audit::Actor;
use crate::contacts::phone::PhoneNumber;
use crate::crypto::{EqualityHashes, EqualityKind, TenantField, TenantKeys};
use crate::db::{Error, TenantTx};
use crate::ids::DoNotCallId;
use crate::paging::{Cursor, Page, Slice};
use crate::tenants::KeyError;

/// The hashes under which a number may be listed.
pub fn hashes(keys: &TenantKeys, number: &PhoneNumber) -> EqualityHashes {
    keys.equality(EqualityKind::Phone, number.as_str())
}

/// Puts a number on the list. The id is the entry's, and whether it is new: a number is listed once.
///
/// The tenant's lock must be held ([`crate::tenants::store::lock`]), so that no dial slips between.
///
/// # Errors
/// Any [`KeyError`].
pub async fn add(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    number: &PhoneNumber,
    source: Source,
    reason: Option<&str>,
    (by, now): (Actor, DateTime<Utc>),
) -> Result<(DoNotCallId, bool), KeyError> {
    let hashes = hashes(keys, number);
    if let Some(id) = listed(tx, &hashes).await? {
        return Ok((id, false));
    }
    let id = DoNotCallId::new();
    let sealed = keys.seal(TenantField::DoNotCallNumber, id.0, number.as_str().as_bytes())?;
    sqlx::query(
        "insert into do_not_call (tenant_id, id, number, number_eq, source, reason, added_by, added_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(tx.tenant())
    .bind(id)
    .bind(sealed)
    .bind(hashes.current)
    .bind(source.as_str())
    .bind(reason)
    .bind(by.to_string())
    .bind(now)
    .execute(tx.conn())
    .await
    .map_err(Error::from)?;
    Ok((id, true))
}

/// The entry that lists a number.
async fn listed(tx: &mut TenantTx, hashes: &EqualityHashes) -> Result<Option<DoNotCallId>, Error> {
    let hashes: Vec<Vec<u8>> = hashes.iter().map(|hash| hash.as_bytes().to_vec()).collect();
    Ok(sqlx::query_scalar(
        "select id from do_not_call where number_eq = any ($1) and removed_at is null limit 1",
    )
    .bind(hashes)
    .fetch_optional(tx.conn())
    .await?)
}

/// Takes an entry off the list. False if it is not on it.
///
/// # Errors
/// Any [`Error`].
pub async fn remove(
    tx: &mut TenantTx,
    id: DoNotCallId,
    by: Actor,
    now: DateTime<Utc>,
) -> Result<bool, Error> {
    let done = sqlx::query(
        "update do_not_call set removed_at = $2, removed_by = $3 where id = $1 and removed_at is null",
    )
    .bind(id)
    .bind(now)
    .bind(by.to_string())
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

type Row = (Uuid, Vec<u8>, String, Option<String>, String, DateTime<Utc>);

/// The list, newest first.
///
/// # Errors
/// Any [`KeyError`].
pub async fn list(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    slice: Slice,
) -> Result<Page<Entry>, KeyError> {
    let (at, id) = slice.bounds();
    let rows: Vec<Row> = sqlx::query_as(
        "select id, number, source, reason, added_by, added_at from do_not_call
         where removed_at is null and ($1::timestamptz is null or (added_at, id) < ($1, $2))
         order by added_at desc, id desc limit $3",
    )
    .bind(at)
    .bind(id)
    .bind(slice.ask())
    .fetch_all(tx.conn())
    .await
    .map_err(Error::from)?;
    let entries = rows.into_iter().map(|row| open(keys, row)).collect::<Result<_, _>>()?;
    Ok(Page::cut(entries, slice, |entry| Cursor { at: entry.added_at, id: entry.id.0 }))
}

/// One entry that is on the list.
///
/// # Errors
/// Any [`KeyError`].
pub async fn find(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    id: DoNotCallId,
) -> Result<Option<Entry>, KeyError> {
    let row: Option<Row> = sqlx::query_as(
        "select id, number, source, reason, added_by, added_at from do_not_call
         where id = $1 and removed_at is null",
    )
    .bind(id)
    .fetch_optional(tx.conn())
    .await
    .map_err(Error::from)?;
    row.map(|row| open(keys, row)).transpose()
}

fn open(keys: &TenantKeys, row: Row) -> Result<Entry, KeyError> {
    let (id, number, source, reason, added_by, added_at) = row;
    let number = keys.open_text(TenantField::DoNotCallNumber, id, &number)?;
    let number =
        PhoneNumber::from_e164(&number).map_err(|_| Error::Unreadable("do_not_call.number"))?;
    let source = Source::from_word(&source).ok_or(Error::Unreadable("do_not_call.source"))?;
    Ok(Entry { id: DoNotCallId(id), number, source, reason, added_by, added_at })
}
