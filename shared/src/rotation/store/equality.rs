//! SQL of rotating a tenant's equality key.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::numbers::{Pair, bring};
use super::{Left, Place};
use crate::contacts::email::EmailAddress;
use crate::crypto::{ContactField, EqualityHashes, EqualityKind, TenantField, TenantKeys};
use crate::db::{Error, TenantTx};
use crate::rotation::RotationError;

/// So many rows at a time: the tenant's lock is held for the numbers among them that still carry the old hash.
const BATCH: i64 = 50;

pub(super) async fn batch(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    place: &Place,
) -> Result<Left, RotationError> {
    match place.phase.as_str() {
        "contacts" => of_contacts(tx, keys, place.after).await,
        "do_not_call" => of_list(tx, keys, place.after).await,
        _ => retire(tx, place).await,
    }
}

type ContactRow = (Uuid, Vec<u8>, Option<Vec<u8>>, Option<Vec<u8>>, Vec<u8>, Option<Vec<u8>>);

async fn of_contacts(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    after: Uuid,
) -> Result<Left, RotationError> {
    let broken = RotationError::in_table("contacts");
    // Deleted ones too: their dials count, and they may be looked at until they are erased.
    let rows: Vec<ContactRow> = sqlx::query_as(
        "select id, key_wrapped, phone, email, phone_eq, email_eq from contacts
         where id > $1 and key_wrapped is not null order by id limit $2",
    )
    .bind(after)
    .bind(BATCH)
    .fetch_all(tx.conn())
    .await
    .map_err(Error::from)?;
    let Some(last) = rows.last().map(|row| row.0) else { return Ok(Left::Next("do_not_call")) };
    let (mut numbers, mut addresses) = (Vec::new(), Vec::new());
    for (id, wrapped, phone, email, phone_eq, email_eq) in &rows {
        let key = keys.unwrap_contact_key(*id, wrapped).map_err(&broken)?;
        if let Some(phone) = phone {
            let phone = key.open_text(ContactField::Phone, phone).map_err(&broken)?;
            numbers.extend(pair(&keys.equality(EqualityKind::Phone, &phone), phone_eq));
        }
        if let (Some(email), Some(stored)) = (email, email_eq) {
            let email = key.open_text(ContactField::Email, email).map_err(&broken)?;
            let email: EmailAddress =
                email.parse().map_err(|_| Error::Unreadable("contacts.email"))?;
            let hashes = keys.equality(EqualityKind::Email, email.normalised());
            addresses.extend(pair(&hashes, stored).map(|(old, new)| (*id, old, new)));
        }
    }
    bring(tx, &numbers).await?;
    for (id, old, new) in addresses {
        sqlx::query("update contacts set email_eq = $3 where id = $1 and email_eq = $2")
            .bind(id)
            .bind(old)
            .bind(new)
            .execute(tx.conn())
            .await
            .map_err(Error::from)?;
    }
    Ok(Left::After(last, rows.len() as u64))
}

async fn of_list(tx: &mut TenantTx, keys: &TenantKeys, after: Uuid) -> Result<Left, RotationError> {
    let broken = RotationError::in_table("do_not_call");
    let rows: Vec<(Uuid, Vec<u8>, Vec<u8>, bool)> = sqlx::query_as(
        "select id, number, number_eq, removed_at is not null from do_not_call where id > $1 order by id limit $2",
    )
    .bind(after)
    .bind(BATCH)
    .fetch_all(tx.conn())
    .await
    .map_err(Error::from)?;
    let Some(last) = rows.last().map(|row| row.0) else { return Ok(Left::Next("old_dials")) };
    let mut numbers = Vec::new();
    for (id, number, stored, removed) in &rows {
        let number = keys.open_text(TenantField::DoNotCallNumber, *id, number).map_err(&broken)?;
        let Some((old, new)) = pair(&keys.equality(EqualityKind::Phone, &number), stored) else {
            continue;
        };
        if *removed {
            // Nobody compares with it; it is brought along so that the old key explains nothing any more.
            sqlx::query(
                "update do_not_call set number_eq = $2 where id = $1 and removed_at is not null",
            )
            .bind(id)
            .bind(new)
            .execute(tx.conn())
            .await
            .map_err(Error::from)?;
        } else {
            numbers.push((old, new));
        }
    }
    bring(tx, &numbers).await?;
    Ok(Left::After(last, rows.len() as u64))
}

/// What is stored, and what should be, where it is the other key's hash. What is neither is not touched: nobody's rows are
/// found by it.
fn pair(hashes: &EqualityHashes, stored: &[u8]) -> Option<Pair> {
    let other = hashes.other?;
    (other.as_bytes() == stored).then(|| (stored.to_vec(), hashes.current.as_bytes().to_vec()))
}

/// The old key goes when no dial that a rule may still ask for carries its hash: dials of numbers that no contact has any more
/// and that are not on the list can't be brought along, since nobody knows the number. Thirty-five days after the last of them
/// no rule asks: a purpose lives so long at most.
async fn retire(tx: &mut TenantTx, place: &Place) -> Result<Left, RotationError> {
    let until: Option<DateTime<Utc>> = sqlx::query_scalar(
        "select max(a.dialled_at) + interval '35 days' from attempts a
         where a.reserved_at <= greatest($1, app_clock()) and a.dialled_at > app_clock() - interval '35 days'
           and not exists (select from contacts c where c.phone_eq = a.number_eq)
           and not exists (select from do_not_call d where d.number_eq = a.number_eq and d.removed_at is null)",
    )
    .bind(place.started_at)
    .fetch_one(tx.conn())
    .await
    .map_err(Error::from)?;
    if let Some(until) = until {
        return Ok(Left::Until(until));
    }
    sqlx::query("delete from tenant_keys where purpose = 'equality' and key_id <> $1")
        .bind(place.key_id)
        .execute(tx.conn())
        .await
        .map_err(Error::from)?;
    Ok(Left::Done)
}
