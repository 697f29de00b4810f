//! Finding equal values without opening them: a keyed hash of the normalised value.
//!
//! Who steals the database learns which contacts of one tenant share a number, and nothing across tenants.

use std::fmt;

use ring::hmac;

use super::secret::SecretKey;

/// What is compared. Each kind has its own domain: the same text as number and as address gives other hashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EqualityKind {
    /// A phone number in E.164.
    Phone,
    /// An e-mail address in lower case.
    Email,
    /// An address of the network, in the counts of sign-ins.
    NetworkAddress,
}

impl EqualityKind {
    fn domain(self) -> &'static [u8] {
        match self {
            Self::Phone => b"equality/phone\0",
            Self::Email => b"equality/email\0",
            Self::NetworkAddress => b"equality/network-address\0",
        }
    }
}

/// HMAC-SHA256 of one value, cut to 16 bytes: enough that two values of one tenant never meet by chance.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, sqlx::Type)]
#[sqlx(transparent)]
pub struct EqualityHash([u8; 16]);

impl EqualityHash {
    /// The bytes to store and to compare.
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Debug for EqualityHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EqualityHash(..)")
    }
}

/// The hashes under which a value may be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EqualityHashes {
    /// Under the current key: what is written.
    pub current: EqualityHash,
    /// Under the other key, while equality keys rotate: rows of this value may carry either. Whoever asks must ask for both.
    pub other: Option<EqualityHash>,
}

impl EqualityHashes {
    /// All hashes to look for, the current one first.
    pub fn iter(&self) -> impl Iterator<Item = EqualityHash> + use<> {
        [Some(self.current), self.other].into_iter().flatten()
    }
}

pub(super) fn hash(key: &SecretKey, kind: EqualityKind, normalised: &str) -> EqualityHash {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes());
    let mut context = hmac::Context::with_key(&key);
    context.update(kind.domain());
    context.update(normalised.as_bytes());
    let tag = context.sign();
    let first = tag.as_ref().first_chunk().expect("HMAC-SHA256 gives 32 bytes");
    EqualityHash(*first)
}
