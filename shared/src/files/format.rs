//! How a file lies in the store: its head, and the lengths of its chunks.

use super::FileError;

/// Content of a chunk that is not the last.
pub(super) const CHUNK: usize = 64 * 1024;
/// The same, sealed.
pub(super) const SEALED_CHUNK: usize = CHUNK + crate::crypto::CHUNK_OVERHEAD;

const MAGIC: [u8; 4] = *b"VIOF";
const VERSION: u8 = 1;
/// What comes before the wrapped key.
const FIXED: usize = MAGIC.len() + 1 + 2;
/// A wrapped key has 65 bytes today; a head that claims more than this was not written by us.
const MOST_WRAPPED: usize = 1024;

/// The head of a file whose key is wrapped as `wrapped`.
pub(super) fn head(wrapped: &[u8]) -> Vec<u8> {
    let mut head = Vec::with_capacity(FIXED + wrapped.len());
    head.extend_from_slice(&MAGIC);
    head.push(VERSION);
    let length = u16::try_from(wrapped.len()).expect("a wrapped key is shorter than 64 KiB");
    head.extend_from_slice(&length.to_be_bytes());
    head.extend_from_slice(wrapped);
    head
}

/// What the beginning of a file says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Head<'b> {
    /// This is the wrapped key; the chunks begin after so many bytes.
    Whole { wrapped: &'b [u8], length: usize },
    /// More bytes are needed.
    Short,
}

/// Reads the head at the beginning of `bytes`.
///
/// # Errors
/// [`FileError::Damaged`] if it is none.
pub(super) fn read_head(bytes: &[u8]) -> Result<Head<'_>, FileError> {
    let known = bytes.len().min(MAGIC.len());
    if bytes[..known] != MAGIC[..known] || bytes.get(MAGIC.len()).is_some_and(|it| *it != VERSION) {
        return Err(FileError::Damaged);
    }
    let Some(fixed) = bytes.first_chunk::<FIXED>() else { return Ok(Head::Short) };
    let wrapped = usize::from(u16::from_be_bytes([fixed[5], fixed[6]]));
    if wrapped > MOST_WRAPPED {
        return Err(FileError::Damaged);
    }
    let length = FIXED + wrapped;
    let wrapped = bytes.get(FIXED..length);
    Ok(wrapped.map_or(Head::Short, |wrapped| Head::Whole { wrapped, length }))
}
