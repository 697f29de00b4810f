//! The master keys: they come from a file that the operator guards, and never reach the database.

use std::collections::BTreeMap;
use std::fmt;

use ring::hmac;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::envelope::{self, CryptoError, Sealed};
use super::place::{Place, PlatformField, TenantKeyPurpose};
use super::secret::{KEY_LEN, SecretKey};
use super::signing::SigningKeys;
use super::tenant::TenantKey;

/// Key ids are also kept in `integer` columns.
const HIGHEST_ID: u32 = i32::MAX.unsigned_abs();

/// What is wrong with a file of master keys, and in which line. Never quotes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("master keys, line {line}: {fault}")]
pub struct MasterKeysError {
    /// The line, counted from 1; 0 if the file as a whole is meant.
    pub line: usize,
    /// What is wrong with it.
    pub fault: MasterKeysFault,
}

/// What can be wrong with a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MasterKeysFault {
    /// No colon between id and key.
    #[error("expected <id>:<64 hexadecimal digits>")]
    NotAnEntry,
    /// The id is no number from 1 to 2147483647.
    #[error("the id must be a whole number from 1 to 2147483647")]
    BadId,
    /// The key is not 64 hexadecimal digits.
    #[error("the key must be 64 hexadecimal digits")]
    BadKey,
    /// An earlier line has this id.
    #[error("this id occurs twice")]
    IdTwice,
    /// An earlier line has this key: a rotation that changes nothing.
    #[error("this key occurs twice")]
    KeyTwice,
    /// All zeros: a placeholder, not a key.
    #[error("this key is a placeholder")]
    Placeholder,
    /// No line has a key.
    #[error("there is no key")]
    Empty,
}

/// The platform's keys by id. The highest id is current; the others only open what they once sealed.
#[derive(Clone)]
pub struct MasterKeys {
    keys: BTreeMap<u32, SecretKey>,
}

impl MasterKeys {
    /// Reads a file of lines `<id>:<64 hexadecimal digits>`. Blank lines and lines that begin with `#` are skipped.
    ///
    /// # Errors
    /// [`MasterKeysError`] for the first line that is wrong, or if there is no key at all.
    pub fn parse(text: &str) -> Result<Self, MasterKeysError> {
        let mut keys = BTreeMap::new();
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            parse_line(line, &mut keys)
                .map_err(|fault| MasterKeysError { line: index + 1, fault })?;
        }
        if keys.is_empty() {
            return Err(MasterKeysError { line: 0, fault: MasterKeysFault::Empty });
        }
        Ok(Self { keys })
    }

    /// The id of the key that seals from now on.
    pub fn current_id(&self) -> u32 {
        self.current().0
    }

    /// Whether `sealed` was made with the current key; if not, rotation has still to seal it again.
    ///
    /// # Errors
    /// [`CryptoError::Truncated`] or [`CryptoError::UnknownVersion`].
    pub fn is_current(&self, sealed: &[u8]) -> Result<bool, CryptoError> {
        Ok(Sealed::key_id(sealed)? == self.current_id())
    }

    /// Wraps a tenant's key for its row.
    ///
    /// # Errors
    /// [`CryptoError::NoRandomness`].
    pub fn wrap(&self, key: &TenantKey) -> Result<Sealed, CryptoError> {
        let (id, master) = self.current();
        let place = Place::tenant_key(key.tenant, key.purpose, key.id);
        envelope::seal(master, id, &place, key.key.as_bytes())
    }

    /// Unwraps the key of `tenant` that its row calls `id`, for `purpose`.
    ///
    /// # Errors
    /// Any [`CryptoError`] about a sealed value; [`CryptoError::NotAuthentic`] if the row was exchanged for another.
    pub fn unwrap_tenant_key(
        &self,
        tenant: Uuid,
        purpose: TenantKeyPurpose,
        id: u32,
        wrapped: &[u8],
    ) -> Result<TenantKey, CryptoError> {
        let place = Place::tenant_key(tenant, purpose, id);
        let bytes = envelope::open(|id| self.keys.get(&id), &place, wrapped)?;
        Ok(TenantKey { tenant, purpose, id, key: SecretKey::from_slice(&bytes)? })
    }

    /// Seals `plaintext` as `field` of the row `entity`, which belongs to no tenant.
    ///
    /// # Errors
    /// [`CryptoError::NoRandomness`].
    pub fn seal_platform(
        &self,
        field: PlatformField,
        entity: Uuid,
        plaintext: &[u8],
    ) -> Result<Sealed, CryptoError> {
        let (id, master) = self.current();
        envelope::seal(master, id, &Place::platform(entity, field), plaintext)
    }

    /// Opens `field` of the row `entity`.
    ///
    /// # Errors
    /// Any [`CryptoError`] about a sealed value.
    pub fn open_platform(
        &self,
        field: PlatformField,
        entity: Uuid,
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        envelope::open(|id| self.keys.get(&id), &Place::platform(entity, field), sealed)
    }

    /// The keys that sign heads of audit chains: one from each master key, so that they exist wherever the file does, and
    /// nowhere else. Nothing about a master key can be told from what they sign, or from their public keys.
    ///
    /// # Errors
    /// [`CryptoError::NotAKey`], which no key of ours gives.
    pub fn head_keys(&self) -> Result<SigningKeys, CryptoError> {
        SigningKeys::derive(self.keys.values(), b"vioconcierge audit heads 1")
    }

    /// By what a webhook that arrives again is known: HMAC-SHA256 of its body under a key that is derived from the current
    /// master key. A hash without a key would tell who guesses a body, which is little but a number, that it came.
    pub fn webhook_mark(&self, body: &[u8]) -> [u8; 32] {
        let (_, master) = self.current();
        let purpose = hmac::Key::new(hmac::HMAC_SHA256, master.as_bytes());
        let derived = hmac::sign(&purpose, b"vioconcierge webhook bodies 1");
        let mark = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, derived.as_ref()), body);
        *mark.as_ref().first_chunk().expect("HMAC-SHA256 gives 32 bytes")
    }

    fn current(&self) -> (u32, &SecretKey) {
        let (id, key) = self.keys.last_key_value().expect("MasterKeys::parse refuses an empty set");
        (*id, key)
    }
}

impl fmt::Debug for MasterKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKeys(..)")
    }
}

fn parse_line(line: &str, keys: &mut BTreeMap<u32, SecretKey>) -> Result<(), MasterKeysFault> {
    let (id, digits) = line.split_once(':').ok_or(MasterKeysFault::NotAnEntry)?;
    let id =
        id.parse().ok().filter(|id| (1..=HIGHEST_ID).contains(id)).ok_or(MasterKeysFault::BadId)?;
    let mut bytes = Zeroizing::new([0; KEY_LEN]);
    hex::decode_to_slice(digits.trim(), bytes.as_mut_slice())
        .map_err(|_| MasterKeysFault::BadKey)?;
    if bytes.iter().all(|byte| *byte == 0) {
        return Err(MasterKeysFault::Placeholder);
    }
    if keys.values().any(|held| held.as_bytes() == &*bytes) {
        return Err(MasterKeysFault::KeyTwice);
    }
    let key = SecretKey::from_slice(bytes.as_slice()).map_err(|_| MasterKeysFault::BadKey)?;
    match keys.insert(id, key) {
        None => Ok(()),
        Some(_) => Err(MasterKeysFault::IdTwice),
    }
}
