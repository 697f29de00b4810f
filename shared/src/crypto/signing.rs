//! Signatures by which an outsider can tell what a process with the master keys has seen, long after it has ended: Ed25519.

use std::fmt;

use ring::digest::{SHA256, digest};
use ring::hmac;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use zeroize::Zeroizing;

use super::CryptoError;
use super::secret::{KEY_LEN, SecretKey};

/// By what a public key is named: the first 16 hexadecimal digits of its SHA-256.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(String);

impl KeyId {
    /// The id that a row or a file has.
    pub fn from_text(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// As it is stored.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What anybody may have: by it signatures are verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey([u8; KEY_LEN]);

impl PublicKey {
    /// Its name.
    pub fn id(&self) -> KeyId {
        let digest = digest(&SHA256, &self.0);
        KeyId(hex::encode(&digest.as_ref()[..8]))
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8; KEY_LEN] {
        &self.0
    }

    /// Whether `signature` is of `text` by the key's other half.
    pub fn verifies(&self, text: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, &self.0).verify(text, signature).is_ok()
    }
}

/// One key that signs, and all that this process could have signed with.
pub struct SigningKeys {
    current: Ed25519KeyPair,
    public: Vec<PublicKey>,
}

impl SigningKeys {
    /// One key from each of `secrets`, for one `purpose`: HMAC-SHA256 of the purpose under the secret is the seed. The last
    /// secret's signs.
    pub(super) fn derive<'a>(
        secrets: impl Iterator<Item = &'a SecretKey>,
        purpose: &[u8],
    ) -> Result<Self, CryptoError> {
        let (mut current, mut public) = (None, Vec::new());
        for secret in secrets {
            let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), purpose);
            let mut seed = Zeroizing::new([0; KEY_LEN]);
            seed.copy_from_slice(tag.as_ref());
            let pair = Ed25519KeyPair::from_seed_unchecked(seed.as_slice())
                .map_err(|_| CryptoError::NotAKey)?;
            let bytes: [u8; KEY_LEN] =
                pair.public_key().as_ref().try_into().map_err(|_| CryptoError::NotAKey)?;
            public.push(PublicKey(bytes));
            current = Some(pair);
        }
        Ok(Self { current: current.ok_or(CryptoError::NotAKey)?, public })
    }

    /// By what is verified what this process signs.
    pub fn current(&self) -> &PublicKey {
        self.public.last().expect("derive refuses an empty set")
    }

    /// All public keys at hand, the oldest first.
    pub fn public(&self) -> &[PublicKey] {
        &self.public
    }

    /// The public key of this name.
    pub fn find(&self, id: &KeyId) -> Option<&PublicKey> {
        self.public.iter().find(|key| key.id() == *id)
    }

    /// Signs `text` with the current key.
    pub fn sign(&self, text: &[u8]) -> Vec<u8> {
        self.current.sign(text).as_ref().to_vec()
    }
}

impl fmt::Debug for SigningKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKeys({})", self.current().id())
    }
}

#[cfg(test)]
mod tests {
    use crate::crypto::MasterKeys;

    fn master(lines: &[(u32, &str)]) -> MasterKeys {
        let lines: Vec<_> =
            lines.iter().map(|(id, byte)| format!("{id}:{}", byte.repeat(32))).collect();
        MasterKeys::parse(&lines.join("\n")).unwrap()
    }

    #[test]
    fn what_one_master_key_signed_holds_under_it_and_under_no_other() {
        let old = master(&[(1, "5a")]).head_keys().unwrap();
        let both = master(&[(1, "5a"), (2, "6b")]).head_keys().unwrap();
        let (text, other) = (b"some text".as_slice(), b"some texT".as_slice());
        let signature = old.sign(text);
        assert!(both.find(&old.current().id()).unwrap().verifies(text, &signature), "it stays");
        assert!(!both.current().verifies(text, &signature), "the newer one signs anew");
        assert!(!old.current().verifies(other, &signature), "another text");
        assert_ne!(old.current().id(), both.current().id());
        assert!(!format!("{old:?}").contains("5a5a"));
    }
}
