//! A contact's own key.

use std::fmt;

use uuid::Uuid;
use zeroize::Zeroizing;

use super::envelope::{self, CryptoError, Sealed};
use super::place::{ContactField, Place};
use super::secret::{KEY_LEN, SecretKey};

/// Each rotation adds one. The old ones open what can't be sealed again: entries of the audit chain.
const MOST: usize = 32;

/// The key of one contact of one tenant. It knows whose it is, so that a value can't be sealed for somebody else.
///
/// Exists in plain only in memory; stored wrapped by the tenant's key. Without the wrapped form there is no way back
/// to anything sealed with it. After a rotation it is several, wrapped together: the newest seals, each opens what it sealed.
/// So nothing that was read before a rotation, and is written after it, is lost; and destroying the one column destroys all.
#[derive(Clone)]
pub struct ContactKey {
    tenant: Uuid,
    contact: Uuid,
    /// Oldest first: the id in a sealed value is the place here, counted from one. Never empty.
    keys: Vec<SecretKey>,
}

impl ContactKey {
    /// A new random key for `contact`.
    ///
    /// # Errors
    /// [`CryptoError::NoRandomness`].
    pub fn generate(tenant: Uuid, contact: Uuid) -> Result<Self, CryptoError> {
        Ok(Self { tenant, contact, keys: vec![SecretKey::generate()?] })
    }

    /// The key in `bytes`, as [`ContactKey::to_bytes`] gives them.
    pub(super) fn from_bytes(
        tenant: Uuid,
        contact: Uuid,
        bytes: &[u8],
    ) -> Result<Self, CryptoError> {
        let keys: Vec<_> =
            bytes.chunks(KEY_LEN).map(SecretKey::from_slice).collect::<Result<_, _>>()?;
        if keys.is_empty() || keys.len() > MOST {
            return Err(CryptoError::NotAKey);
        }
        Ok(Self { tenant, contact, keys })
    }

    /// What is wrapped.
    pub(super) fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(self.keys.len() * KEY_LEN));
        for key in &self.keys {
            bytes.extend_from_slice(key.as_bytes());
        }
        bytes
    }

    /// The same with a new random key, which seals from now on.
    ///
    /// # Errors
    /// [`CryptoError::NoRandomness`]; [`CryptoError::KeySet`] after 31 rotations.
    pub fn renewed(&self) -> Result<Self, CryptoError> {
        if self.keys.len() == MOST {
            return Err(CryptoError::KeySet("contact"));
        }
        let mut next = self.clone();
        next.keys.push(SecretKey::generate()?);
        Ok(next)
    }

    /// Whether `sealed` was made with the key that seals at present.
    ///
    /// # Errors
    /// [`CryptoError::Truncated`] or [`CryptoError::UnknownVersion`].
    pub fn is_current(&self, sealed: &[u8]) -> Result<bool, CryptoError> {
        Ok(Sealed::key_id(sealed)? == self.current().0)
    }

    fn current(&self) -> (u32, &SecretKey) {
        let id = u32::try_from(self.keys.len()).unwrap_or(u32::MAX);
        (id, self.keys.last().expect("a contact's key is at least one"))
    }

    fn find(&self, id: u32) -> Option<&SecretKey> {
        self.keys.get(usize::try_from(id).ok()?.checked_sub(1)?)
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
        let (id, key) = self.current();
        envelope::seal(key, id, &self.place(field), plaintext)
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
        envelope::open(|id| self.find(id), &self.place(field), sealed)
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
