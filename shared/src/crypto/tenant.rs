//! A tenant's keys: they seal what belongs to the tenant, wrap its contacts' keys, and make its equality hashes.

use std::collections::BTreeMap;
use std::fmt;

use uuid::Uuid;
use zeroize::Zeroizing;

use super::contact::ContactKey;
use super::envelope::{self, CryptoError, Sealed};
use super::equality::{self, EqualityHashes, EqualityKind};
use super::file::FileKey;
use super::master::MasterKeys;
use super::place::{Place, SearchBlock, TenantField, TenantKeyPurpose};
use super::secret::SecretKey;

/// Rows carry the hash of one key or of the one before: more than two would make every check a guess.
const MOST_EQUALITY_KEYS: usize = 2;

/// One key of a tenant, in plain.
#[derive(Clone)]
pub struct TenantKey {
    pub(super) tenant: Uuid,
    pub(super) purpose: TenantKeyPurpose,
    pub(super) id: u32,
    pub(super) key: SecretKey,
}

impl TenantKey {
    /// A new random key. Its `id` must be higher than those that the tenant has for this purpose.
    ///
    /// # Errors
    /// [`CryptoError::NoRandomness`].
    pub fn generate(tenant: Uuid, purpose: TenantKeyPurpose, id: u32) -> Result<Self, CryptoError> {
        Ok(Self { tenant, purpose, id, key: SecretKey::generate()? })
    }

    /// What the key is for.
    pub fn purpose(&self) -> TenantKeyPurpose {
        self.purpose
    }

    /// The key's number among the tenant's keys of its purpose.
    pub fn id(&self) -> u32 {
        self.id
    }
}

impl fmt::Debug for TenantKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TenantKey({} {} of {}, ..)", self.purpose.as_str(), self.id, self.tenant)
    }
}

/// A tenant key as its row has it.
#[derive(Debug, Clone)]
pub struct TenantKeyRow {
    /// What the key is for.
    pub purpose: TenantKeyPurpose,
    /// Its number among the tenant's keys of this purpose.
    pub id: u32,
    /// The key, wrapped by a master key.
    pub wrapped: Vec<u8>,
    /// It may seal. A new key is known to every process for a while before one seals with it.
    pub seals: bool,
}

/// All keys that a tenant has at present: one or more for fields, one for equality, or two while those rotate.
#[derive(Clone)]
pub struct TenantKeys {
    tenant: Uuid,
    field: Ring,
    equality: Ring,
}

/// Keys of one purpose, and which of them seals.
#[derive(Clone, Default)]
struct Ring {
    keys: BTreeMap<u32, SecretKey>,
    /// The highest id, unless that is not to seal yet.
    seals: u32,
}

impl Ring {
    fn current(&self) -> (u32, &SecretKey) {
        let key = self.keys.get(&self.seals).expect("TenantKeys::new refuses an empty set");
        (self.seals, key)
    }
}

impl TenantKeys {
    /// Gathers `keys`, all of `tenant`.
    ///
    /// # Errors
    /// [`CryptoError::ForeignKey`] for another tenant's key or an id that occurs twice; [`CryptoError::KeySet`] if a
    /// purpose has no key, or equality more than two.
    pub fn new(
        tenant: Uuid,
        keys: impl IntoIterator<Item = TenantKey>,
    ) -> Result<Self, CryptoError> {
        let mut gathered = Self { tenant, field: Ring::default(), equality: Ring::default() };
        for key in keys {
            let of_purpose = match key.purpose {
                TenantKeyPurpose::Field => &mut gathered.field,
                TenantKeyPurpose::Equality => &mut gathered.equality,
            };
            of_purpose.seals = of_purpose.seals.max(key.id);
            if key.tenant != tenant || of_purpose.keys.insert(key.id, key.key).is_some() {
                return Err(CryptoError::ForeignKey);
            }
        }
        if gathered.field.keys.is_empty() {
            return Err(CryptoError::KeySet(TenantKeyPurpose::Field.as_str()));
        }
        if gathered.equality.keys.is_empty() || gathered.equality.keys.len() > MOST_EQUALITY_KEYS {
            return Err(CryptoError::KeySet(TenantKeyPurpose::Equality.as_str()));
        }
        Ok(gathered)
    }

    /// Unwraps and gathers the rows of `tenant`.
    ///
    /// # Errors
    /// As [`MasterKeys::unwrap_tenant_key`] and [`TenantKeys::new`].
    pub fn unwrap(
        master: &MasterKeys,
        tenant: Uuid,
        rows: impl IntoIterator<Item = TenantKeyRow>,
    ) -> Result<Self, CryptoError> {
        let mut keys = Vec::new();
        let mut seals = Vec::new();
        for row in rows {
            if row.seals {
                seals.push((row.purpose, row.id));
            }
            keys.push(master.unwrap_tenant_key(tenant, row.purpose, row.id, &row.wrapped)?);
        }
        let mut gathered = Self::new(tenant, keys)?;
        let highest = |wanted: TenantKeyPurpose| {
            seals.iter().filter(|(purpose, _)| *purpose == wanted).map(|(_, id)| *id).max()
        };
        if let Some(id) = highest(TenantKeyPurpose::Field) {
            gathered.field.seals = id;
        }
        if let Some(id) = highest(TenantKeyPurpose::Equality) {
            gathered.equality.seals = id;
        }
        Ok(gathered)
    }

    /// Whose keys these are.
    pub fn tenant(&self) -> Uuid {
        self.tenant
    }

    /// Whether `sealed`, a tenant value or wrapped contact key, was made with the current key; if not, rotation has
    /// still to seal it again.
    ///
    /// # Errors
    /// [`CryptoError::Truncated`] or [`CryptoError::UnknownVersion`].
    pub fn is_current(&self, sealed: &[u8]) -> Result<bool, CryptoError> {
        Ok(Sealed::key_id(sealed)? == self.field.current().0)
    }

    /// A new contact's key, and its wrapped form to store.
    ///
    /// # Errors
    /// [`CryptoError::NoRandomness`].
    pub fn generate_contact_key(&self, contact: Uuid) -> Result<(ContactKey, Sealed), CryptoError> {
        let key = ContactKey::generate(self.tenant, contact)?;
        let wrapped = self.wrap_contact_key(&key)?;
        Ok((key, wrapped))
    }

    /// Wraps `key` with the current key.
    ///
    /// # Errors
    /// [`CryptoError::ForeignKey`] for another tenant's contact; [`CryptoError::NoRandomness`].
    pub fn wrap_contact_key(&self, key: &ContactKey) -> Result<Sealed, CryptoError> {
        if key.tenant() != self.tenant {
            return Err(CryptoError::ForeignKey);
        }
        let (id, wrapping) = self.field.current();
        let place = Place::contact_key(self.tenant, key.contact());
        envelope::seal(wrapping, id, &place, &key.to_bytes())
    }

    /// Unwraps the key of `contact`.
    ///
    /// # Errors
    /// Any [`CryptoError`] about a sealed value; [`CryptoError::NotAuthentic`] if it is another contact's.
    pub fn unwrap_contact_key(
        &self,
        contact: Uuid,
        wrapped: &[u8],
    ) -> Result<ContactKey, CryptoError> {
        let place = Place::contact_key(self.tenant, contact);
        let bytes = envelope::open(|id| self.field.keys.get(&id), &place, wrapped)?;
        ContactKey::from_bytes(self.tenant, contact, &bytes)
    }

    /// A new file's key, and its wrapped form to store. `field` says what kind of file.
    ///
    /// # Errors
    /// [`CryptoError::NoRandomness`].
    pub fn generate_file_key(
        &self,
        field: TenantField,
        file: Uuid,
    ) -> Result<(FileKey, Sealed), CryptoError> {
        let (key, bytes) = FileKey::generate(self.tenant, file)?;
        Ok((key, self.seal(field, file, &bytes)?))
    }

    /// Unwraps the key of `file`.
    ///
    /// # Errors
    /// Any [`CryptoError`] about a sealed value; [`CryptoError::NotAuthentic`] if it is another file's, kind's or tenant's.
    pub fn unwrap_file_key(
        &self,
        field: TenantField,
        file: Uuid,
        wrapped: &[u8],
    ) -> Result<FileKey, CryptoError> {
        FileKey::from_bytes(self.tenant, file, &self.open(field, file, wrapped)?)
    }

    /// Seals `plaintext` as `field` of the row `entity`. The lengths of small values are hidden.
    ///
    /// # Errors
    /// [`CryptoError::NoRandomness`].
    pub fn seal(
        &self,
        field: TenantField,
        entity: Uuid,
        plaintext: &[u8],
    ) -> Result<Sealed, CryptoError> {
        let (id, key) = self.field.current();
        envelope::seal(key, id, &Place::tenant_field(self.tenant, entity, field), plaintext)
    }

    /// Opens `field` of the row `entity`.
    ///
    /// # Errors
    /// Any [`CryptoError`] about a sealed value.
    pub fn open(
        &self,
        field: TenantField,
        entity: Uuid,
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        let place = Place::tenant_field(self.tenant, entity, field);
        envelope::open(|id| self.field.keys.get(&id), &place, sealed)
    }

    /// Opens `field` of the row `entity` as text.
    ///
    /// # Errors
    /// As [`TenantKeys::open`], and [`CryptoError::NotText`].
    pub fn open_text(
        &self,
        field: TenantField,
        entity: Uuid,
        sealed: &[u8],
    ) -> Result<Zeroizing<String>, CryptoError> {
        envelope::into_text(self.open(field, entity, sealed)?)
    }

    /// Seals an encoded block of the search index. It opens as this block of this tenant only, with the generation,
    /// the number of contacts and the watermark that it was sealed with. It hides no length: blocks come in steps.
    ///
    /// # Errors
    /// [`CryptoError::NoRandomness`].
    pub fn seal_search_block(
        &self,
        block: SearchBlock,
        plaintext: &[u8],
    ) -> Result<Sealed, CryptoError> {
        let (id, key) = self.field.current();
        envelope::seal(key, id, &Place::search_block(self.tenant, block), plaintext)
    }

    /// Opens an encoded block of the search index.
    ///
    /// # Errors
    /// Any [`CryptoError`] about a sealed value.
    pub fn open_search_block(
        &self,
        block: SearchBlock,
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        let place = Place::search_block(self.tenant, block);
        envelope::open(|id| self.field.keys.get(&id), &place, sealed)
    }

    /// The hashes of `normalised`: E.164 for a phone number, lower case for an address.
    pub fn equality(&self, kind: EqualityKind, normalised: &str) -> EqualityHashes {
        let (id, key) = self.equality.current();
        let other = self.equality.keys.iter().find(|(other, _)| **other != id);
        EqualityHashes {
            current: equality::hash(key, kind, normalised),
            other: other.map(|(_, key)| equality::hash(key, kind, normalised)),
        }
    }

    /// Whether there are two equality keys at present: then whoever writes a number's hash first brings the number's rows
    /// to that hash (`numbers::settle_on`).
    pub fn equality_rotates(&self) -> bool {
        self.equality.keys.len() > 1
    }

    /// The ids of the keys that seal, and hash, at present.
    pub fn current_ids(&self) -> (u32, u32) {
        (self.field.seals, self.equality.seals)
    }
}

impl fmt::Debug for TenantKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TenantKeys(of {}, ..)", self.tenant)
    }
}
