//! All rows of one number carry one hash: they change it together.
//!
//! The engine compares hashes of rows with each other, in SQL: a contact's with those of its dials, of the do-not-call list, of
//! bad numbers. None of that knows of two keys, nor has to: whoever brings a number to another hash holds the tenant's lock, and
//! the calls of its dials, and changes every row of the number in one transaction. Looking, dialling and settling hold one of
//! these locks, so that each sees a number before or after, never half.

use crate::crypto::{EqualityHashes, TenantKeys};
use crate::db::{Error, TenantTx};
use crate::tenants::store::lock;

/// A hash, and the one that takes its place.
pub(super) type Pair = (Vec<u8>, Vec<u8>);

/// Before a hash of these numbers is written: brings whatever carries the other key's hash to the one that is written. Does
/// nothing while there is one key. While there are two it takes the tenant's lock: call it before locking calls or contacts.
///
/// # Errors
/// Any [`Error`].
pub async fn settle_on(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    hashes: &[EqualityHashes],
) -> Result<(), Error> {
    if !keys.equality_rotates() {
        return Ok(());
    }
    let pairs: Vec<Pair> = hashes
        .iter()
        .filter_map(|both| {
            Some((both.other?.as_bytes().to_vec(), both.current.as_bytes().to_vec()))
        })
        .collect();
    bring(tx, &pairs).await
}

/// Takes the tenant's lock while equality keys rotate: for who will write a number's hash, before other locks.
///
/// # Errors
/// Any [`Error`].
pub async fn lock_while_rotating(tx: &mut TenantTx, keys: &TenantKeys) -> Result<(), Error> {
    if keys.equality_rotates() { lock(tx).await } else { Ok(()) }
}

/// Brings every row of these numbers to the new hash.
pub(super) async fn bring(tx: &mut TenantTx, pairs: &[Pair]) -> Result<(), Error> {
    if pairs.is_empty() {
        return Ok(());
    }
    let (old, new): (Vec<&[u8]>, Vec<&[u8]>) =
        pairs.iter().map(|(old, new)| (old.as_slice(), new.as_slice())).unzip();
    lock(tx).await?;
    for statement in [
        // Settling reads its attempt's hash under the call's lock.
        "select from calls where id in (select call_id from attempts where number_eq = any ($1) and counts
             union all select call_id from attempts where number_eq = any ($1) and not counts)
             and cardinality($2::bytea[]) > 0 order by id for no key update",
        "update attempts set number_eq = ($2::bytea[])[array_position($1::bytea[], number_eq)]
         where number_eq = any ($1) and counts",
        "update attempts set number_eq = ($2::bytea[])[array_position($1::bytea[], number_eq)]
         where number_eq = any ($1) and not counts",
        "update contacts set phone_eq = ($2::bytea[])[array_position($1::bytea[], phone_eq)] where phone_eq = any ($1)",
        "update do_not_call d set number_eq = ($2::bytea[])[array_position($1::bytea[], number_eq)]
         where number_eq = any ($1) and removed_at is null",
        "insert into bad_numbers (tenant_id, number_eq, at, reason)
         select tenant_id, ($2::bytea[])[array_position($1::bytea[], number_eq)], at, reason from bad_numbers
         where number_eq = any ($1) on conflict do nothing",
        "delete from bad_numbers where number_eq = any ($1) and cardinality($2::bytea[]) > 0",
    ] {
        sqlx::query(statement).bind(&old).bind(&new).execute(tx.conn()).await?;
    }
    Ok(())
}
