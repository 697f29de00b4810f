//! A file's own key, and the chunks that it seals.

use std::fmt;

use ring::aead::{Aad, LessSafeKey, NONCE_LEN, Nonce};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::envelope::CryptoError;
use super::place::Place;
use super::secret::SecretKey;

/// How much longer a sealed chunk is than what it holds.
pub const CHUNK_OVERHEAD: usize = 16;

/// A random key of one file of one tenant, made when the file is written and used for nothing else.
///
/// Each chunk's nonce is its number, which is never used twice since the key seals one file once, from its beginning to its end. The
/// tag covers tenant, file, number and whether it is the last: a chunk that was altered, moved, swapped with another file's, left
/// out at the end or put behind it does not open.
pub struct FileKey {
    tenant: Uuid,
    file: Uuid,
    cipher: LessSafeKey,
}

impl FileKey {
    /// A new key, and its bytes to be wrapped.
    pub(super) fn generate(
        tenant: Uuid,
        file: Uuid,
    ) -> Result<(Self, Zeroizing<Vec<u8>>), CryptoError> {
        let key = SecretKey::generate()?;
        let bytes = Zeroizing::new(key.as_bytes().to_vec());
        Ok((Self { tenant, file, cipher: key.cipher() }, bytes))
    }

    /// The key in `bytes`.
    pub(super) fn from_bytes(tenant: Uuid, file: Uuid, bytes: &[u8]) -> Result<Self, CryptoError> {
        Ok(Self { tenant, file, cipher: SecretKey::from_slice(bytes)?.cipher() })
    }

    /// Seals what `chunk` holds, and adds the tag. Who seals takes each number once.
    ///
    /// # Errors
    /// [`CryptoError::NotAuthentic`] for a chunk of more than 64 GiB.
    pub fn seal_chunk(
        &self,
        number: u64,
        last: bool,
        chunk: &mut Vec<u8>,
    ) -> Result<(), CryptoError> {
        self.cipher
            .seal_in_place_append_tag(nonce(number), Aad::from(self.aad(number, last)), chunk)
            .map_err(|_| CryptoError::NotAuthentic)
    }

    /// Opens a sealed chunk where it lies; gives the part of it that is plaintext. After an error there is nothing of use in it.
    ///
    /// # Errors
    /// [`CryptoError::NotAuthentic`] unless it is this chunk of this file.
    pub fn open_chunk<'c>(
        &self,
        number: u64,
        last: bool,
        chunk: &'c mut [u8],
    ) -> Result<&'c mut [u8], CryptoError> {
        self.cipher
            .open_in_place(nonce(number), Aad::from(self.aad(number, last)), chunk)
            .map_err(|_| CryptoError::NotAuthentic)
    }

    fn aad(&self, number: u64, last: bool) -> impl AsRef<[u8]> {
        Place::file_chunk(self.tenant, self.file, number, last).aad(0)
    }
}

impl fmt::Debug for FileKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FileKey(of {}, ..)", self.file)
    }
}

fn nonce(number: u64) -> Nonce {
    let mut bytes = [0; NONCE_LEN];
    bytes[NONCE_LEN - 8..].copy_from_slice(&number.to_be_bytes());
    Nonce::assume_unique_for_key(bytes)
}
