//! After the database went back: dials of calls that were planned after the backup, so that it has never heard of them.
//!
//! What such a call was about can't be known again, and nothing is guessed: it is a call about no appointment, which is
//! over with its dial. What can be known is who was rung, and that is what the rules count.

use chrono::{DateTime, Utc};

use super::recovery::Forgotten;
use super::{consequences, tenancy};
use crate::audit::{Actor, Changes};
use crate::contacts::phone::PhoneNumber;
use crate::crypto::{ContactField, EqualityKind, TenantKeys};
use crate::db::{Error, TenantTx};
use crate::ids::{CallId, ContactId};
use crate::rotation::store::numbers;
use crate::tenants::KeyError;

/// Whether the tenant has this call.
///
/// # Errors
/// Any [`Error`].
pub async fn is_known(tx: &mut TenantTx, call: CallId) -> Result<bool, Error> {
    Ok(sqlx::query_scalar("select exists (select from calls where id = $1)")
        .bind(call)
        .fetch_one(tx.conn())
        .await?)
}

/// Enters a call that the database has never heard of, under way, for the contact who has the number: so that its dial
/// can be adopted. A number that nobody has gets a stand-in, a contact that was deleted as soon as it was made.
///
/// # Errors
/// Any [`KeyError`].
pub async fn enter(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    found: &Forgotten,
    number: &PhoneNumber,
) -> Result<(), KeyError> {
    // Each worker reads the record: the second finds what the first has entered.
    tenancy::lock(tx).await?;
    if is_known(tx, found.call).await? {
        return Ok(());
    }
    let hashes: Vec<Vec<u8>> = keys
        .equality(EqualityKind::Phone, number.as_str())
        .iter()
        .map(|hash| hash.as_bytes().to_vec())
        .collect();
    let contact: Option<ContactId> = sqlx::query_scalar(
        "select id from contacts where phone_eq = any ($1) order by deleted_at is not null, updated_at desc, id limit 1",
    )
    .bind(hashes)
    .fetch_optional(tx.conn())
    .await
    .map_err(Error::from)?;
    let contact = match contact {
        Some(contact) => contact,
        None => stand_in(tx, keys, number, found.at).await?,
    };
    // A purpose of its own: it neither takes over nor uses up what is planned. Over with its dial: no time is left after it.
    sqlx::query(
        "insert into calls (tenant_id, id, contact_id, kind, purpose_key, state, earliest, due, deadline, eligible_at, \
             planned_at, updated_at) \
         values (tid(), $1, $2, 'call_now', 'restored:' || $1, 'in_progress', $3, $3, $3, $3, $3, app_clock())",
    )
    .bind(found.call)
    .bind(contact)
    .bind(found.at)
    .execute(tx.conn())
    .await
    .map_err(Error::from)?;
    Ok(())
}

/// Tells staff that a contact of theirs was rung, and that nobody knows any more why. Not about a stand-in, which nobody
/// can look at. Call it last: it takes the tenant's last lock.
///
/// # Errors
/// Any [`Error`].
pub async fn flag(tx: &mut TenantTx, call: CallId) -> Result<(), Error> {
    let contact: Option<(ContactId, DateTime<Utc>)> = sqlx::query_as(
        "select c.id, app_clock() from calls k join contacts c on c.id = k.contact_id \
         where k.id = $1 and c.deleted_at is null",
    )
    .bind(call)
    .fetch_optional(tx.conn())
    .await?;
    let Some((contact, now)) = contact else { return Ok(()) };
    consequences::flag(tx, contact, None, Some(call), "dialled_before_restore", now).await?;
    let mut changes = Changes::by(Actor::Worker);
    changes.event("contact.flagged", contact.0, Some(contact));
    changes.append(tx).await?;
    Ok(())
}

/// A contact of whom only the number is known. It has a key, so that an opt-out said in the call reaches the list.
async fn stand_in(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    number: &PhoneNumber,
    at: DateTime<Utc>,
) -> Result<ContactId, KeyError> {
    let id = ContactId::new();
    let (key, wrapped) = keys.generate_contact_key(id.0)?;
    numbers::settle_on(tx, keys, &[keys.equality(EqualityKind::Phone, number.as_str())]).await?;
    sqlx::query(
        "insert into contacts (tenant_id, id, key_wrapped, phone, phone_eq, region, test_number, zone, created_at, \
             updated_at, deleted_at) \
         select id, $1, $2, $3, $4, $5, $6, zone, $7, $7, $7 from tenants",
    )
    .bind(id)
    .bind(wrapped)
    .bind(key.seal(ContactField::Phone, number.as_str().as_bytes())?)
    .bind(keys.equality(EqualityKind::Phone, number.as_str()).current)
    .bind(number.region())
    .bind(number.is_test_number())
    .bind(at)
    .execute(tx.conn())
    .await
    .map_err(Error::from)?;
    Ok(id)
}
