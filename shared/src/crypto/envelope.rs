//! One sealed value: its bytes, how it is made and how it is opened.

use std::fmt;

use ring::aead::{Aad, NONCE_LEN, Nonce};
use ring::rand::{SecureRandom, SystemRandom};
use zeroize::Zeroizing;

use super::padding;
use super::place::Place;
use super::secret::SecretKey;

pub(super) const VERSION: u8 = 1;
const HEADER_LEN: usize = 1 + 4 + NONCE_LEN;
const TAG_LEN: usize = 16;

/// Why a value could not be sealed or opened. Says nothing of keys or contents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CryptoError {
    /// Too few bytes for a sealed value.
    #[error("the sealed value is cut short")]
    Truncated,
    /// A format that this program doesn't know.
    #[error("the sealed value has an unknown version")]
    UnknownVersion,
    /// Sealed with a key that isn't held: not loaded, or destroyed.
    #[error("the sealed value needs key {0}, which is not held")]
    UnknownKey(u32),
    /// Altered, moved from another place, or sealed with another key of the same id.
    #[error("the sealed value is not authentic here")]
    NotAuthentic,
    /// Authentic, but not padded as its place demands.
    #[error("the opened value is not padded")]
    BadPadding,
    /// Authentic, but not UTF-8 where text is expected.
    #[error("the opened value is not text")]
    NotText,
    /// Authentic, but not 32 bytes where a key is expected.
    #[error("the opened value is not a key")]
    NotAKey,
    /// A tenant has no current key of this purpose, or more than may be.
    #[error("the tenant's {0} keys are missing or too many")]
    KeySet(&'static str),
    /// A key of another tenant, or the same id twice.
    #[error("a key does not belong among these")]
    ForeignKey,
    /// The operating system's random source failed.
    #[error("no randomness to be had")]
    NoRandomness,
}

/// A sealed value, as it is stored (`bytea`).
#[derive(Clone, PartialEq, Eq, sqlx::Type)]
#[sqlx(transparent)]
pub struct Sealed(Vec<u8>);

impl Sealed {
    /// The bytes to store.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The bytes to store.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// The id of the key that `bytes` were sealed with.
    ///
    /// # Errors
    /// [`CryptoError::Truncated`] or [`CryptoError::UnknownVersion`]; the id itself is proved only by opening.
    pub fn key_id(bytes: &[u8]) -> Result<u32, CryptoError> {
        let header = bytes.first_chunk::<HEADER_LEN>().ok_or(CryptoError::Truncated)?;
        if header[0] != VERSION {
            return Err(CryptoError::UnknownVersion);
        }
        if bytes.len() < HEADER_LEN + TAG_LEN {
            return Err(CryptoError::Truncated);
        }
        Ok(u32::from_be_bytes([header[1], header[2], header[3], header[4]]))
    }
}

impl From<Vec<u8>> for Sealed {
    /// Stored bytes; what they are worth shows when they are opened.
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl AsRef<[u8]> for Sealed {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({} bytes)", self.0.len())
    }
}

/// Seals `plaintext` for `place` with the key called `key_id`.
pub(super) fn seal(
    key: &SecretKey,
    key_id: u32,
    place: &Place,
    plaintext: &[u8],
) -> Result<Sealed, CryptoError> {
    let mut nonce = [0; NONCE_LEN];
    SystemRandom::new().fill(&mut nonce).map_err(|_| CryptoError::NoRandomness)?;

    // Room for everything from the start: a buffer that grows leaves plaintext behind in freed memory.
    let content_len =
        if place.padded { padding::padded_len(plaintext.len()) } else { plaintext.len() };
    let mut sealed = Vec::with_capacity(HEADER_LEN + content_len + TAG_LEN);
    sealed.push(VERSION);
    sealed.extend_from_slice(&key_id.to_be_bytes());
    sealed.extend_from_slice(&nonce);
    sealed.extend_from_slice(plaintext);
    if place.padded {
        padding::pad(&mut sealed, HEADER_LEN);
    }
    let tag = key
        .cipher()
        .seal_in_place_separate_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(place.aad(key_id)),
            &mut sealed[HEADER_LEN..],
        )
        .expect("AES-GCM refuses only more than 64 GiB, and this is in memory");
    sealed.extend_from_slice(tag.as_ref());
    Ok(Sealed(sealed))
}

/// Opens `sealed`, found at `place`, with the key that `find` has for the id in its header.
pub(super) fn open<'k>(
    find: impl FnOnce(u32) -> Option<&'k SecretKey>,
    place: &Place,
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
    let key_id = Sealed::key_id(sealed)?;
    let key = find(key_id).ok_or(CryptoError::UnknownKey(key_id))?;
    let nonce = Nonce::try_assume_unique_for_key(&sealed[5..HEADER_LEN])
        .map_err(|_| CryptoError::Truncated)?;
    let mut buffer = Zeroizing::new(sealed[HEADER_LEN..].to_vec());
    let len = key
        .cipher()
        .open_in_place(nonce, Aad::from(place.aad(key_id)), &mut buffer)
        .map_err(|_| CryptoError::NotAuthentic)?
        .len();
    let len = if place.padded { padding::unpadded_len(&buffer[..len])? } else { len };
    buffer.truncate(len);
    Ok(buffer)
}

/// `opened` as text.
pub(super) fn into_text(mut opened: Zeroizing<Vec<u8>>) -> Result<Zeroizing<String>, CryptoError> {
    match String::from_utf8(std::mem::take(&mut *opened)) {
        Ok(text) => Ok(Zeroizing::new(text)),
        Err(error) => {
            drop(Zeroizing::new(error.into_bytes()));
            Err(CryptoError::NotText)
        }
    }
}
