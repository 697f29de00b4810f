//! Finding contacts that may be the same person.

use chrono::{DateTime, Utc};

use crate::contacts::email::EmailAddress;
use crate::contacts::phone::PhoneNumber;
use crate::crypto::{EqualityHashes, EqualityKind, TenantKeys};
use crate::db::{Error, TenantTx};
use crate::ids::ContactId;

fn bytes(hashes: &EqualityHashes) -> Vec<Vec<u8>> {
    hashes.iter().map(|hash| hash.as_bytes().to_vec()).collect()
}

/// Keeps others from giving a contact this address until the transaction ends. No unique index could: a request may
/// allow two contacts with one address.
///
/// # Errors
/// Any [`Error`].
pub async fn lock_email(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    email: &EmailAddress,
) -> Result<(), Error> {
    let hashes = keys.equality(EqualityKind::Email, email.normalised());
    // While equality keys rotate another process may know one of the two only. In one order everywhere.
    let both: std::collections::BTreeSet<_> = hashes.iter().collect();
    for hash in both {
        sqlx::query("select pg_advisory_xact_lock(hashtextextended($1, 11))")
            .bind(format!("{}/{}", tx.tenant(), hex::encode(hash.as_bytes())))
            .execute(tx.conn())
            .await?;
    }
    Ok(())
}

/// A live contact with this address, other than `except`.
///
/// # Errors
/// Any [`Error`].
pub async fn with_email(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    email: &EmailAddress,
    except: ContactId,
) -> Result<Option<ContactId>, Error> {
    let hashes = keys.equality(EqualityKind::Email, email.normalised());
    Ok(sqlx::query_scalar(
        "select id from contacts where email_eq = any ($1) and deleted_at is null and id <> $2 order by id limit 1",
    )
    .bind(bytes(&hashes))
    .bind(except)
    .fetch_optional(tx.conn())
    .await?)
}

/// Other live contacts with this number and an appointment at this time: possible duplicates, at most ten.
///
/// # Errors
/// Any [`Error`].
pub async fn with_phone_and_time(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    phone: &PhoneNumber,
    at: DateTime<Utc>,
    except: ContactId,
) -> Result<Vec<ContactId>, Error> {
    let hashes = keys.equality(EqualityKind::Phone, phone.as_str());
    Ok(sqlx::query_scalar(
        "select distinct c.id from contacts c join appointments p on p.contact_id = c.id
         where c.phone_eq = any ($1) and c.deleted_at is null and c.id <> $2 and p.at = $3 and p.deleted_at is null
         order by c.id limit 10",
    )
    .bind(bytes(&hashes))
    .bind(except)
    .bind(at)
    .fetch_all(tx.conn())
    .await?)
}
