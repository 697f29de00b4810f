//! A file that is being written.

use std::fmt;
use std::sync::Arc;

use object_store::path::Path;
use object_store::{MultipartUpload, ObjectStore, ObjectStoreExt};
use ring::digest;

use super::FileError;
use super::format::{CHUNK, SEALED_CHUNK, head};
use crate::crypto::FileKey;

/// What is sent at a time: S3 wants 5 MiB at least, and some that speak its language want all but the last of one length.
const PART: usize = 5 * 1024 * 1024;
/// S3 takes so many.
const MOST_PARTS: usize = 10_000;

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    /// How long the content is.
    pub size: u64,
    /// How long the object is.
    pub stored: u64,
    /// SHA-256 of the object, as it lies in the store: says nothing of the content.
    pub sha256: [u8; 32],
}

/// A file that is being written: push bytes, then [`Writer::finish`]. Until then nobody sees anything of it; a writer that is dropped,
/// or has failed, leaves nothing.
pub struct Writer {
    store: Arc<dyn ObjectStore>,
    path: Path,
    key: FileKey,
    /// Content that is not sealed yet, less than two chunks.
    chunk: Vec<u8>,
    number: u64,
    /// Sealed, and not sent yet: less than a part and a chunk.
    sealed: Vec<u8>,
    upload: Option<Box<dyn MultipartUpload>>,
    parts: usize,
    size: u64,
    stored: u64,
    digest: digest::Context,
    failed: bool,
}

impl Writer {
    pub(super) fn new(
        store: Arc<dyn ObjectStore>,
        path: Path,
        key: FileKey,
        wrapped: &[u8],
    ) -> Self {
        Self {
            store,
            path,
            key,
            chunk: Vec::with_capacity(SEALED_CHUNK),
            number: 0,
            sealed: head(wrapped),
            upload: None,
            parts: 0,
            size: 0,
            stored: 0,
            digest: digest::Context::new(&digest::SHA256),
            failed: false,
        }
    }

    /// Adds `bytes` to the end.
    ///
    /// # Errors
    /// [`FileError::NoSpace`], [`FileError::StoreAway`], [`FileError::Refused`] or [`FileError::TooLarge`]: then nothing of the file is
    /// left, and the writer is of no further use.
    pub async fn write(&mut self, mut bytes: &[u8]) -> Result<(), FileError> {
        if self.failed {
            return Err(FileError::GivenUp);
        }
        while !bytes.is_empty() {
            // A full chunk is sealed only when more comes: whether it is the last must be known.
            if self.chunk.len() == CHUNK {
                self.seal(false)?;
            }
            let (now, later) = bytes.split_at(bytes.len().min(CHUNK - self.chunk.len()));
            self.chunk.extend_from_slice(now);
            self.size += now.len() as u64;
            bytes = later;
            if self.sealed.len() >= PART {
                self.send().await?;
            }
        }
        Ok(())
    }

    /// Ends the file, and makes it visible: durable when this returns.
    ///
    /// # Errors
    /// As [`Writer::write`]; after [`FileError::StoreAway`] the file may be there or not.
    pub async fn finish(mut self) -> Result<Written, FileError> {
        if self.failed {
            return Err(FileError::GivenUp);
        }
        self.seal(true)?;
        let ended = self.end().await;
        if let Err(error) = ended {
            return Err(self.give_up(error).await);
        }
        let digest = std::mem::replace(&mut self.digest, digest::Context::new(&digest::SHA256));
        let sha256 = digest.finish();
        Ok(Written {
            size: self.size,
            stored: self.stored,
            sha256: sha256.as_ref().try_into().expect("SHA-256 has 32 bytes"),
        })
    }

    /// Leaves nothing behind. The same as dropping it, but done when this returns.
    pub async fn abort(mut self) {
        self.discard().await;
    }

    fn seal(&mut self, last: bool) -> Result<(), FileError> {
        self.key.seal_chunk(self.number, last, &mut self.chunk).map_err(FileError::Key)?;
        self.number += 1;
        self.sealed.extend_from_slice(&self.chunk);
        self.chunk.clear();
        Ok(())
    }

    /// Sends one part of what is sealed.
    async fn send(&mut self) -> Result<(), FileError> {
        let rest = self.sealed.split_off(PART);
        let part = std::mem::replace(&mut self.sealed, rest);
        match self.send_part(part).await {
            Ok(()) => Ok(()),
            Err(error) => Err(self.give_up(error).await),
        }
    }

    async fn send_part(&mut self, part: Vec<u8>) -> Result<(), FileError> {
        if self.parts == MOST_PARTS {
            return Err(FileError::TooLarge);
        }
        self.parts += 1;
        self.note(&part);
        let upload = match &mut self.upload {
            Some(upload) => upload,
            None => self.upload.insert(self.store.put_multipart(&self.path).await?),
        };
        Ok(upload.put_part(part.into()).await?)
    }

    async fn end(&mut self) -> Result<(), FileError> {
        while self.sealed.len() > PART {
            let rest = self.sealed.split_off(PART);
            let part = std::mem::replace(&mut self.sealed, rest);
            self.send_part(part).await?;
        }
        let rest = std::mem::take(&mut self.sealed);
        if self.upload.is_none() {
            self.note(&rest);
            self.store.put(&self.path, rest.into()).await?;
            return Ok(());
        }
        self.send_part(rest).await?;
        if let Some(upload) = &mut self.upload {
            upload.complete().await?;
        }
        self.upload = None;
        Ok(())
    }

    fn note(&mut self, part: &[u8]) {
        self.stored += part.len() as u64;
        self.digest.update(part);
    }

    async fn give_up(&mut self, error: FileError) -> FileError {
        self.failed = true;
        self.discard().await;
        error
    }

    async fn discard(&mut self) {
        if let Some(mut upload) = self.upload.take() {
            // Whether it works or not, the object isn't there; what may stay are parts without a name.
            let _ = upload.abort().await;
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if let Some(mut upload) = self.upload.take()
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            runtime.spawn(async move { upload.abort().await });
        }
    }
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Writer({} bytes so far)", self.size)
    }
}
