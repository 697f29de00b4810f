//! Key bytes in memory.

use std::fmt;

use ring::aead::{AES_256_GCM, LessSafeKey, UnboundKey};
use ring::rand::{SecureRandom, SystemRandom};
use zeroize::Zeroizing;

use super::CryptoError;

/// Length of every key here, in bytes.
pub(super) const KEY_LEN: usize = 32;

/// 256 key bytes that wipe themselves, never print themselves, and stay at one address: a moved array would leave
/// copies on the stack.
#[derive(Clone)]
pub(super) struct SecretKey(Box<Zeroizing<[u8; KEY_LEN]>>);

impl SecretKey {
    /// A new key from the operating system's random source.
    pub(super) fn generate() -> Result<Self, CryptoError> {
        let mut key = Self::zeroed();
        SystemRandom::new().fill(key.0.as_mut_slice()).map_err(|_| CryptoError::NoRandomness)?;
        Ok(key)
    }

    /// The key in `bytes`.
    pub(super) fn from_slice(bytes: &[u8]) -> Result<Self, CryptoError> {
        let mut key = Self::zeroed();
        if bytes.len() != KEY_LEN {
            return Err(CryptoError::NotAKey);
        }
        key.0.copy_from_slice(bytes);
        Ok(key)
    }

    fn zeroed() -> Self {
        Self(Box::new(Zeroizing::new([0; KEY_LEN])))
    }

    pub(super) fn as_bytes(&self) -> &[u8; KEY_LEN] {
        &self.0
    }

    pub(super) fn cipher(&self) -> LessSafeKey {
        let key = UnboundKey::new(&AES_256_GCM, self.as_bytes())
            .expect("AES-256 takes 32 bytes, and a SecretKey has 32");
        LessSafeKey::new(key)
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(..)")
    }
}
