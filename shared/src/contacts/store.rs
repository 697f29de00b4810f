//! SQL of contacts. Each is sealed under its own key on the way in and opened on the way out.

mod flags;
mod standing;
mod twins;

use chrono::{DateTime, Utc};

use super::phone::PhoneNumber;
use super::{Consent, Contact, channel_of, channel_word};
use crate::crypto::{ContactField, ContactKey, CryptoError, EqualityKind, Sealed, TenantKeys};
use crate::db::{Error, TenantTx};
use crate::ids::ContactId;
use crate::paging::{Cursor, Page, Slice};
use crate::rotation::store::numbers;
use crate::tenants::KeyError;

pub use flags::clear_flags;
pub use standing::standings;
pub use twins::{lock_email, with_email, with_phone_and_time};

/// A contact with its key.
#[derive(Debug, Clone)]
pub struct Opened {
    /// The contact.
    pub contact: Contact,
    /// Its own key, for what else is sealed with it.
    pub key: ContactKey,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: ContactId,
    key_wrapped: Option<Vec<u8>>,
    name: Option<Vec<u8>>,
    phone: Option<Vec<u8>>,
    email: Option<Vec<u8>>,
    notes: Option<Vec<u8>>,
    zone: String,
    channel: String,
    consent_at: Option<DateTime<Utc>>,
    consent_by: Option<String>,
    version: i32,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

const ONE: &str = "select id, key_wrapped, name, phone, email, notes, zone, channel, consent_at, consent_by, version,
         created_at, updated_at
     from contacts where id = $1 and deleted_at is null";

const ONE_LOCKED: &str =
    "select id, key_wrapped, name, phone, email, notes, zone, channel, consent_at, consent_by,
         version, created_at, updated_at
     from contacts where id = $1 and deleted_at is null for no key update";

/// Stores a new contact with a new key.
///
/// # Errors
/// Any [`KeyError`].
pub async fn insert(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    contact: &Contact,
) -> Result<ContactKey, KeyError> {
    let (key, wrapped) = keys.generate_contact_key(contact.id.0)?;
    let sealed = Fields::seal(&key, contact)?;
    let hashes = Hashes::of(keys, contact);
    numbers::settle_on(tx, keys, &[keys.equality(EqualityKind::Phone, contact.phone.as_str())])
        .await?;
    sqlx::query(
        "insert into contacts (tenant_id, id, key_wrapped, name, phone, email, notes, phone_eq, email_eq, region,
             test_number, zone, channel, consent_at, consent_by, version, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)",
    )
    .bind(tx.tenant())
    .bind(contact.id)
    .bind(wrapped)
    .bind(sealed.name)
    .bind(sealed.phone)
    .bind(sealed.email)
    .bind(sealed.notes)
    .bind(hashes.phone)
    .bind(hashes.email)
    .bind(contact.phone.region())
    .bind(contact.phone.is_test_number())
    .bind(contact.zone.name())
    .bind(channel_word(contact.channel))
    .bind(contact.consent.as_ref().map(|consent| consent.at))
    .bind(contact.consent.as_ref().map(|consent| &consent.by))
    .bind(contact.version)
    .bind(contact.created_at)
    .bind(contact.updated_at)
    .execute(tx.conn())
    .await
    .map_err(Error::from)?;
    Ok(key)
}

/// Stores a changed contact. Its row must be locked.
///
/// # Errors
/// Any [`KeyError`].
pub async fn update(tx: &mut TenantTx, keys: &TenantKeys, opened: &Opened) -> Result<(), KeyError> {
    let contact = &opened.contact;
    let sealed = Fields::seal(&opened.key, contact)?;
    let hashes = Hashes::of(keys, contact);
    numbers::settle_on(tx, keys, &[keys.equality(EqualityKind::Phone, contact.phone.as_str())])
        .await?;
    sqlx::query(
        "update contacts set name = $2, phone = $3, email = $4, notes = $5, phone_eq = $6, email_eq = $7, region = $8,
             test_number = $9, zone = $10, channel = $11, consent_at = $12, consent_by = $13, version = $14,
             updated_at = $15
         where id = $1",
    )
    .bind(contact.id)
    .bind(sealed.name)
    .bind(sealed.phone)
    .bind(sealed.email)
    .bind(sealed.notes)
    .bind(hashes.phone)
    .bind(hashes.email)
    .bind(contact.phone.region())
    .bind(contact.phone.is_test_number())
    .bind(contact.zone.name())
    .bind(channel_word(contact.channel))
    .bind(contact.consent.as_ref().map(|consent| consent.at))
    .bind(contact.consent.as_ref().map(|consent| &consent.by))
    .bind(contact.version)
    .bind(contact.updated_at)
    .execute(tx.conn())
    .await
    .map_err(Error::from)?;
    Ok(())
}

/// Marks a contact and its appointments as deleted. Their rows stay until they are erased.
///
/// # Errors
/// Any [`Error`].
pub async fn delete(tx: &mut TenantTx, id: ContactId, now: DateTime<Utc>) -> Result<(), Error> {
    for statement in [
        "update appointments set deleted_at = $2, updated_at = $2, version = version + 1
         where contact_id = $1 and deleted_at is null",
        "update contacts set deleted_at = $2, updated_at = $2, version = version + 1 where id = $1",
    ] {
        sqlx::query(statement).bind(id).bind(now).execute(tx.conn()).await?;
    }
    Ok(())
}

/// One contact; `None` if there is none, it is deleted, or it is another tenant's: the three look alike.
///
/// # Errors
/// Any [`KeyError`].
pub async fn find(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    id: ContactId,
) -> Result<Option<Opened>, KeyError> {
    read_one(tx, keys, id, ONE).await
}

/// One contact, kept from being changed by others until the transaction ends.
///
/// Locks the contact's open calls first, in the order of their ids: those under way too, which settling holds when it
/// comes to the contact or its appointment. Calls come before contacts in the order of locks.
///
/// # Errors
/// Any [`KeyError`].
pub async fn lock(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    id: ContactId,
) -> Result<Option<Opened>, KeyError> {
    numbers::lock_while_rotating(tx, keys).await?;
    sqlx::query("select from calls where contact_id = $1 \
         and state in ('planned', 'reserved', 'dialling', 'in_progress') order by id for no key update")
        .bind(id)
        .execute(tx.conn())
        .await
        .map_err(Error::from)?;
    read_one(tx, keys, id, ONE_LOCKED).await
}

async fn read_one(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    id: ContactId,
    statement: &'static str,
) -> Result<Option<Opened>, KeyError> {
    let row: Option<Row> =
        sqlx::query_as(statement).bind(id).fetch_optional(tx.conn()).await.map_err(Error::from)?;
    row.map(|row| open(keys, &row)).transpose()
}

/// The contacts of `ids` that there are, in any order.
///
/// # Errors
/// Any [`KeyError`].
pub async fn some(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    ids: &[ContactId],
) -> Result<Vec<Opened>, KeyError> {
    let rows: Vec<Row> = sqlx::query_as(
        "select id, key_wrapped, name, phone, email, notes, zone, channel, consent_at, consent_by, version, created_at,
             updated_at
         from contacts where id = any ($1) and deleted_at is null",
    )
    .bind(ids)
    .fetch_all(tx.conn())
    .await
    .map_err(Error::from)?;
    rows.iter().map(|row| open(keys, row)).collect()
}

/// Contacts, newest first.
///
/// # Errors
/// Any [`KeyError`].
pub async fn list(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    slice: Slice,
) -> Result<Page<Opened>, KeyError> {
    let (at, id) = slice.bounds();
    let rows: Vec<Row> = sqlx::query_as(
        "select id, key_wrapped, name, phone, email, notes, zone, channel, consent_at, consent_by, version, created_at,
             updated_at
         from contacts where deleted_at is null and ($1::timestamptz is null or (created_at, id) < ($1, $2))
         order by created_at desc, id desc limit $3",
    )
    .bind(at)
    .bind(id)
    .bind(slice.ask())
    .fetch_all(tx.conn())
    .await
    .map_err(Error::from)?;
    let opened = rows.iter().map(|row| open(keys, row)).collect::<Result<_, _>>()?;
    Ok(Page::cut(opened, slice, |opened: &Opened| Cursor {
        at: opened.contact.created_at,
        id: opened.contact.id.0,
    }))
}

struct Fields {
    name: Sealed,
    phone: Sealed,
    email: Option<Sealed>,
    notes: Option<Sealed>,
}

impl Fields {
    fn seal(key: &ContactKey, contact: &Contact) -> Result<Self, CryptoError> {
        let seal = |field, text: &str| key.seal(field, text.as_bytes());
        let email = contact.email.as_ref().map(|email| seal(ContactField::Email, email.as_str()));
        let notes = contact.notes.as_ref().map(|notes| seal(ContactField::Notes, notes.as_str()));
        Ok(Self {
            name: seal(ContactField::Name, contact.name.as_str())?,
            phone: seal(ContactField::Phone, contact.phone.as_str())?,
            email: email.transpose()?,
            notes: notes.transpose()?,
        })
    }
}

struct Hashes {
    phone: crate::crypto::EqualityHash,
    email: Option<crate::crypto::EqualityHash>,
}

impl Hashes {
    fn of(keys: &TenantKeys, contact: &Contact) -> Self {
        let email = contact.email.as_ref();
        Self {
            phone: keys.equality(EqualityKind::Phone, contact.phone.as_str()).current,
            email: email.map(|e| keys.equality(EqualityKind::Email, e.normalised()).current),
        }
    }
}

fn open(keys: &TenantKeys, row: &Row) -> Result<Opened, KeyError> {
    let missing = |column| Error::Unreadable(column);
    let wrapped = row.key_wrapped.as_ref().ok_or(missing("contacts.key_wrapped"))?;
    let key = keys.unwrap_contact_key(row.id.0, wrapped)?;
    let name = row.name.as_ref().ok_or(missing("contacts.name"))?;
    let phone = row.phone.as_ref().ok_or(missing("contacts.phone"))?;
    let name = key.open_text(ContactField::Name, name)?;
    let phone = key.open_text(ContactField::Phone, phone)?;
    let text = |field, sealed: &Option<Vec<u8>>| {
        sealed.as_ref().map(|sealed| key.open_text(field, sealed)).transpose()
    };
    let email = text(ContactField::Email, &row.email)?;
    let notes = text(ContactField::Notes, &row.notes)?;
    let consent = match (row.consent_at, &row.consent_by) {
        (Some(at), by) => Some(Consent { at, by: by.clone().unwrap_or_default() }),
        (None, _) => None,
    };
    let contact = Contact {
        id: row.id,
        name: name.parse().map_err(|_| missing("contacts.name"))?,
        phone: PhoneNumber::from_e164(&phone).map_err(|_| missing("contacts.phone"))?,
        email: email.map(|e| e.parse()).transpose().map_err(|_| missing("contacts.email"))?,
        notes: notes.map(|n| n.parse()).transpose().map_err(|_| missing("contacts.notes"))?,
        zone: row.zone.parse().map_err(|_| missing("contacts.zone"))?,
        channel: channel_of(&row.channel).ok_or(missing("contacts.channel"))?,
        consent,
        version: row.version,
        created_at: row.created_at,
        updated_at: row.updated_at,
    };
    Ok(Opened { contact, key })
}
