//! SQL of the do-not-call list.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{Entry, Source};
use crate::audit::Actor;
use crate::contacts::phone::PhoneNumber;
use crate::crypto::{EqualityHashes, EqualityKind, MasterKeys, TenantField, TenantKeys};
use crate::db::{Error, TenantTx};
use crate::ids::DoNotCallId;
use crate::journal;
use crate::paging::{Cursor, Page, Slice};
use crate::rotation::store::numbers;
use crate::tenants::KeyError;

/// From so many numbers on, statements of the transaction that compare with all of them are planned for them.
const MANY: usize = 100;

/// The hashes under which a number may be listed.
pub fn hashes(keys: &TenantKeys, number: &PhoneNumber) -> EqualityHashes {
    keys.equality(EqualityKind::Phone, number.as_str())
}

/// A number to be listed, and why.
#[derive(Debug, Clone)]
pub struct Wish {
    /// The number.
    pub number: PhoneNumber,
    /// Why, in the words of whoever lists it; at most 500 characters.
    pub reason: Option<String>,
}

/// Where a number stands after [`add`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listed {
    /// Its entry.
    pub id: DoNotCallId,
    /// It was not on the list before.
    pub new: bool,
}

/// What [`add`] did.
#[derive(Debug, Default)]
pub struct Added {
    /// Where each number stands, in the order of the wishes.
    pub listed: Vec<Listed>,
    /// Those that were not listed before, for the journal.
    pub noted: Vec<journal::Entry>,
}

/// Puts numbers on the list. A number is listed once.
///
/// The tenant's lock must be held ([`crate::tenants::store::lock`]), so that no dial slips between.
///
/// # Errors
/// Any [`KeyError`].
pub async fn add(
    tx: &mut TenantTx,
    (keys, master): (&TenantKeys, &MasterKeys),
    wishes: &[Wish],
    source: Source,
    (by, now): (Actor, DateTime<Utc>),
) -> Result<Added, KeyError> {
    let hashes: Vec<EqualityHashes> =
        wishes.iter().map(|wish| hashes(keys, &wish.number)).collect();
    if wishes.len() > MANY {
        tx.plan_for_values().await?;
    }
    numbers::settle_on(tx, keys, &hashes).await?;
    let mut known = listed(tx, &hashes).await?;
    let (mut ids, mut numbers, mut equal, mut reasons) = (vec![], vec![], vec![], vec![]);
    let mut added = Added::default();
    for (wish, hashes) in wishes.iter().zip(&hashes) {
        if let Some(id) = hashes.iter().find_map(|hash| known.get(hash.as_bytes())) {
            added.listed.push(Listed { id: *id, new: false });
            continue;
        }
        let id = DoNotCallId::new();
        let number = wish.number.as_str().as_bytes();
        let sealed = keys.seal(TenantField::DoNotCallNumber, id.0, number)?.into_bytes();
        let hash = hashes.current.as_bytes();
        let noted = journal::Entry::opt_out(tx.tenant(), id, (hash, &sealed), source, now);
        added.noted.push(noted.carried_by(master, &wish.number)?);
        numbers.push(sealed);
        ids.push(id.0);
        equal.push(hash.to_vec());
        reasons.push(sealed_reason(keys, id, wish.reason.as_deref())?);
        known.insert(*hashes.current.as_bytes(), id);
        added.listed.push(Listed { id, new: true });
    }
    sqlx::query(
        "insert into do_not_call (tenant_id, id, number, number_eq, source, reason_sealed, added_by, added_at)
         select $1, id, number, number_eq, $6, reason, $7, $8
         from unnest($2::uuid[], $3::bytea[], $4::bytea[], $5::bytea[]) as n (id, number, number_eq, reason)",
    )
    .bind(tx.tenant())
    .bind(ids)
    .bind(numbers)
    .bind(equal)
    .bind(reasons)
    .bind(source.as_str())
    .bind(by.to_string())
    .bind(now)
    .execute(tx.conn())
    .await
    .map_err(Error::from)?;
    Ok(added)
}

/// Which of the numbers are listed, by the hash that their entry carries.
async fn listed(
    tx: &mut TenantTx,
    hashes: &[EqualityHashes],
) -> Result<HashMap<[u8; 16], DoNotCallId>, Error> {
    let wanted = hashes.iter().flat_map(EqualityHashes::iter);
    let wanted: Vec<Vec<u8>> = wanted.map(|hash| hash.as_bytes().to_vec()).collect();
    let rows: Vec<(Uuid, Vec<u8>)> = sqlx::query_as(
        "select id, number_eq from do_not_call where number_eq = any ($1) and removed_at is null",
    )
    .bind(wanted)
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter()
        .map(|(id, hash)| {
            let hash = hash.try_into().map_err(|_| Error::Unreadable("do_not_call.number_eq"))?;
            Ok((hash, DoNotCallId(id)))
        })
        .collect()
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

type Row = (Uuid, Vec<u8>, String, Option<String>, Option<Vec<u8>>, String, DateTime<Utc>);

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
        "select id, number, source, reason, reason_sealed, added_by, added_at from do_not_call
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
        "select id, number, source, reason, reason_sealed, added_by, added_at from do_not_call
         where id = $1 and removed_at is null",
    )
    .bind(id)
    .fetch_optional(tx.conn())
    .await
    .map_err(Error::from)?;
    row.map(|row| open(keys, row)).transpose()
}

fn open(keys: &TenantKeys, row: Row) -> Result<Entry, KeyError> {
    let (id, number, source, open, sealed, added_by, added_at) = row;
    let number = keys.open_text(TenantField::DoNotCallNumber, id, &number)?;
    let number =
        PhoneNumber::from_e164(&number).map_err(|_| Error::Unreadable("do_not_call.number"))?;
    let source = Source::from_word(&source).ok_or(Error::Unreadable("do_not_call.source"))?;
    let reason = match (open, sealed) {
        // Staff's words are in the open only from the release before; a worker's (`opted out in a call`) are ours, and always.
        (Some(reason), _) => Some(reason),
        (None, Some(sealed)) => {
            let reason = keys.open_text(TenantField::DoNotCallReason, id, &sealed)?;
            Some(reason.as_str().to_owned())
        }
        (None, None) => None,
    };
    Ok(Entry { id: DoNotCallId(id), number, source, reason, added_by, added_at })
}

fn sealed_reason(
    keys: &TenantKeys,
    id: DoNotCallId,
    reason: Option<&str>,
) -> Result<Option<Vec<u8>>, KeyError> {
    let Some(reason) = reason else { return Ok(None) };
    let sealed = keys.seal(TenantField::DoNotCallReason, id.0, reason.as_bytes())?;
    Ok(Some(sealed.into_bytes()))
}

/// Seals at most `most` reasons of the transaction's tenant that the release before left open. Gives how many there were. What
/// a worker wrote is no free text, and stays.
///
/// # Errors
/// Any [`KeyError`].
pub async fn seal_open_reasons(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    most: i64,
) -> Result<usize, KeyError> {
    let open: Vec<(Uuid, String)> = sqlx::query_as(
        "select id, reason from do_not_call where reason is not null and added_by not in ('provider', 'worker')
         order by id limit $1 for update",
    )
    .bind(most)
    .fetch_all(tx.conn())
    .await
    .map_err(Error::from)?;
    for (id, reason) in &open {
        sqlx::query("update do_not_call set reason_sealed = $2, reason = null where id = $1")
            .bind(id)
            .bind(sealed_reason(keys, DoNotCallId(*id), Some(reason))?)
            .execute(tx.conn())
            .await
            .map_err(Error::from)?;
    }
    Ok(open.len())
}
