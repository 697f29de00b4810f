//! What can go wrong with a file, told apart by what somebody can do about it.

use std::error::Error;
use std::io;

use crate::crypto::CryptoError;

/// Why a file could not be written or read. The texts name no tenant, no file and nothing that is in one; sources may name the
/// store's address and the file's id.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// There is no such file: never finished, deleted, or expired.
    #[error("there is no such file")]
    Missing,
    /// It is not what was written: altered, another file in its place, or cut off within a chunk.
    #[error("the file is damaged")]
    Damaged,
    /// It is genuine as far as it goes, and ends too early.
    #[error("the file is cut off")]
    CutOff,
    /// The tenant's key that it needs is not held: destroyed, or not loaded.
    #[error("the file's key can't be opened")]
    Key(#[source] CryptoError),
    /// The disk, or the quota on it, is full. Nothing of the file is left.
    #[error("there is no room left where files are kept")]
    NoSpace(#[source] Box<dyn Error + Send + Sync>),
    /// The store does not answer, or answers with a failure. Trying again later may help.
    #[error("the store of files is away")]
    StoreAway(#[source] Box<dyn Error + Send + Sync>),
    /// The store does not let us: wrong keys, or rights that are missing. An operator must look.
    #[error("the store of files refuses us")]
    Refused(#[source] Box<dyn Error + Send + Sync>),
    /// More than a store takes as one object: about 48 GB.
    #[error("the file is too large")]
    TooLarge,
    /// The writer has failed before, so that what it wrote since would not be the file.
    #[error("the file was given up after an error")]
    GivenUp,
    /// The settings make no store.
    #[error("the settings make no store of files")]
    Settings(#[source] Box<dyn Error + Send + Sync>),
}

impl FileError {
    /// Whether the same may work later without anybody doing anything about it.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::StoreAway(_) | Self::NoSpace(_))
    }
}

impl From<object_store::Error> for FileError {
    fn from(error: object_store::Error) -> Self {
        use object_store::Error as E;
        match error {
            E::NotFound { .. } => Self::Missing,
            E::PermissionDenied { .. } | E::Unauthenticated { .. } => Self::Refused(error.into()),
            _ => match io_kind(&error) {
                Some(
                    io::ErrorKind::StorageFull
                    | io::ErrorKind::QuotaExceeded
                    | io::ErrorKind::FileTooLarge,
                ) => Self::NoSpace(error.into()),
                Some(io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem) => {
                    Self::Refused(error.into())
                }
                _ => Self::StoreAway(error.into()),
            },
        }
    }
}

/// What the operating system said, if it is behind `error`.
fn io_kind(error: &(dyn Error + 'static)) -> Option<io::ErrorKind> {
    let mut behind = Some(error);
    while let Some(error) = behind {
        if let Some(io) = error.downcast_ref::<io::Error>() {
            return Some(io.kind());
        }
        behind = error.source();
    }
    None
}
