//! A file that is being read.

use std::fmt;
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use futures::stream::BoxStream;
use futures::{Stream, StreamExt};

use super::FileError;
use super::format::{Head, SEALED_CHUNK, read_head};
use crate::crypto::{CryptoError, FileKey};

/// How long the store may be silent in the middle of a file.
const PATIENCE: Duration = Duration::from_secs(30);

/// What the store hands over.
type Source = BoxStream<'static, object_store::Result<Bytes>>;

/// A file that is being read, chunk by chunk, each proved before it is handed on.
pub struct Reader {
    source: Source,
    key: FileKey,
    number: u64,
    /// What came, and is not opened yet.
    buffer: BytesMut,
    /// Opened, and not handed on yet.
    ahead: Option<Bytes>,
    /// The last chunk has been opened, or something is wrong: nothing more comes.
    ended: bool,
}

impl Reader {
    /// Reads the head and the first chunk.
    pub(super) async fn begin(
        mut source: Source,
        unwrap: impl FnOnce(&[u8]) -> Result<FileKey, CryptoError>,
    ) -> Result<Self, FileError> {
        let mut buffer = BytesMut::new();
        let (key, length) = loop {
            if let Head::Whole { wrapped, length } = read_head(&buffer)? {
                break (unwrap(wrapped).map_err(of_key)?, length);
            }
            if !fill(&mut source, &mut buffer).await? {
                return Err(FileError::CutOff);
            }
        };
        buffer.advance(length);
        let mut reader = Self { source, key, number: 0, buffer, ahead: None, ended: false };
        reader.ahead = reader.chunk().await?;
        Ok(reader)
    }

    /// The next piece of the content; `None` at its proved end. A file is whole only then.
    ///
    /// # Errors
    /// [`FileError::Damaged`], [`FileError::CutOff`], [`FileError::StoreAway`]: nothing more comes after them.
    pub async fn next(&mut self) -> Result<Option<Bytes>, FileError> {
        match self.ahead.take() {
            Some(ahead) => Ok(Some(ahead)),
            None => self.chunk().await,
        }
    }

    /// The pieces as a stream, which ends after the first error.
    pub fn into_stream(self) -> impl Stream<Item = Result<Bytes, FileError>> + Send {
        futures::stream::try_unfold(self, |mut reader| async move {
            Ok(reader.next().await?.map(|piece| (piece, reader)))
        })
    }

    /// Opens chunk after chunk until one holds something, which is the first but for empty files.
    async fn chunk(&mut self) -> Result<Option<Bytes>, FileError> {
        if self.ended {
            return Ok(None);
        }
        let opened = self.open_chunk().await;
        self.ended |= opened.is_err();
        let opened = opened?;
        Ok((!opened.is_empty()).then_some(opened))
    }

    async fn open_chunk(&mut self) -> Result<Bytes, FileError> {
        // One byte more than a chunk says that it isn't the last.
        while self.buffer.len() <= SEALED_CHUNK {
            if !fill(&mut self.source, &mut self.buffer).await? {
                self.ended = true;
                break;
            }
        }
        if self.buffer.is_empty() {
            return Err(FileError::CutOff);
        }
        let last = self.ended;
        let mut chunk = self.buffer.split_to(self.buffer.len().min(SEALED_CHUNK));
        // What is cut off between two chunks ends in one that was not the last. Opening spoils what it can't open.
        let kept = (last && chunk.len() == SEALED_CHUNK).then(|| chunk.clone());
        match self.key.open_chunk(self.number, last, &mut chunk) {
            Ok(content) => {
                let length = content.len();
                chunk.truncate(length);
                self.number += 1;
                Ok(chunk.freeze())
            }
            Err(_) => {
                let goes_on =
                    |mut kept: BytesMut| self.key.open_chunk(self.number, false, &mut kept).is_ok();
                Err(if kept.is_some_and(goes_on) { FileError::CutOff } else { FileError::Damaged })
            }
        }
    }
}

/// Reads on; false at the end.
async fn fill(source: &mut Source, buffer: &mut BytesMut) -> Result<bool, FileError> {
    let piece = tokio::time::timeout(PATIENCE, source.next()).await;
    match piece.map_err(|silent| FileError::StoreAway(silent.into()))? {
        Some(piece) => {
            buffer.extend_from_slice(&piece?);
            Ok(true)
        }
        None => Ok(false),
    }
}

/// A wrapped key that is not authentic is a damaged file; one whose wrapping key isn't held is not the file's fault.
fn of_key(error: CryptoError) -> FileError {
    match error {
        CryptoError::UnknownKey(_) => FileError::Key(error),
        _ => FileError::Damaged,
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reader(at chunk {})", self.number)
    }
}
