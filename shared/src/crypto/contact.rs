//! A contact's own key.

use std::fmt;

use uuid::Uuid;
use zeroize::Zeroizing;

use super::envelope::{self, CryptoError, Sealed};
use super::place::{ContactField, Place};
use super::secret::SecretKey;

/// A contact has one key for life, so its id says only that.
const ONLY_KEY: u32 = 1;

/// The key of one contact of one tenant. It knows whose it is, so that a value can't be sealed for somebody else.
///
/// Exists in plain only in memory; stored wrapped by the tenant's key. Without the wrapped form there is no way back
/// to anything sealed with it.
#[derive(Clone)]
pub struct ContactKey {
    tenant: Uuid,
    contact: Uuid,
    pub(super) key: SecretKey,
}

impl ContactKey {
    /// A new random key for `contact`.
    ///
    /// # Errors
    /// [`CryptoError::NoRandomness`].
    pub fn generate(tenant: Uuid, contact: Uuid) -> Result<Self, CryptoError> {
        Ok(Self { tenant, contact, key: SecretKey::generate()? })
    }

    pub(super) fn new(tenant: Uuid, contact: Uuid, key: SecretKey) -> Self {
        Self { tenant, contact, key }
    }

    /// The tenant to which the contact belongs.
    pub fn tenant(&self) -> Uuid {
        self.tenant
    }

    /// The contact.
    pub fn contact(&self) -> Uuid {
        self.contact
    }

    /// Seals `plaintext` as this contact's `field`. Its length is hidden: 32 bytes, or the next multiple of 64.
    ///
    /// # Errors
    /// [`CryptoError::NoRandomness`].
    pub fn seal(&self, field: ContactField, plaintext: &[u8]) -> Result<Sealed, CryptoError> {
        envelope::seal(&self.key, ONLY_KEY, &self.place(field), plaintext)
    }

    /// Opens this contact's `field`.
    ///
    /// # Errors
    /// Any [`CryptoError`] about a sealed value; [`CryptoError::NotAuthentic`] if it was sealed for another place.
    pub fn open(
        &self,
        field: ContactField,
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        envelope::open(|id| (id == ONLY_KEY).then_some(&self.key), &self.place(field), sealed)
    }

    /// Opens this contact's `field` as text.
    ///
    /// # Errors
    /// As [`ContactKey::open`], and [`CryptoError::NotText`].
    pub fn open_text(
        &self,
        field: ContactField,
        sealed: &[u8],
    ) -> Result<Zeroizing<String>, CryptoError> {
        envelope::into_text(self.open(field, sealed)?)
    }

    fn place(&self, field: ContactField) -> Place {
        Place::contact_field(self.tenant, self.contact, field)
    }
}

impl fmt::Debug for ContactKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ContactKey(of {}, ..)", self.contact)
    }
}
