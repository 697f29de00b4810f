//! SQL of acknowledgements: added and read, nothing else.

use super::{Entry, NewEntry};
use crate::db::{Error, TenantTx};
use crate::ids::ContactId;
use crate::paging::{Cursor, Page, Slice};

/// Adds an entry.
///
/// # Errors
/// [`Error::Refused`] if there is no such contact; any other [`Error`].
pub async fn insert(tx: &mut TenantTx, entry: &NewEntry) -> Result<(), Error> {
    let (kind, how) = entry.what.words();
    sqlx::query(
        "insert into acknowledgements (tenant_id, id, contact_id, kind, how, text_version, recorded_by, at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(tx.tenant())
    .bind(entry.id)
    .bind(entry.contact)
    .bind(kind)
    .bind(how)
    .bind(&entry.text_version)
    .bind(&entry.by)
    .bind(entry.at)
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// A contact's entries, newest first.
///
/// # Errors
/// Any [`Error`].
pub async fn list(
    tx: &mut TenantTx,
    contact: ContactId,
    slice: Slice,
) -> Result<Page<Entry>, Error> {
    let (at, id) = slice.bounds();
    let rows: Vec<Entry> = sqlx::query_as(
        "select id, kind, how, text_version, recorded_by, at from acknowledgements
         where contact_id = $1 and ($2::timestamptz is null or (at, id) < ($2, $3))
         order by at desc, id desc limit $4",
    )
    .bind(contact)
    .bind(at)
    .bind(id)
    .bind(slice.ask())
    .fetch_all(tx.conn())
    .await?;
    Ok(Page::cut(rows, slice, |entry: &Entry| Cursor { at: entry.at, id: entry.id.0 }))
}
