//! Files that are made for tenants to download. Sealed before they leave the process, in a folder or in S3.
//!
//! ```text
//! FileStore::create ─► Writer: write, write, … finish      (or abort; a writer that is dropped aborts)
//! FileStore::open   ─► Reader: next, next, …               (or into_stream)
//! FileStore::delete, FileStore::list, FileStore::clear_unfinished
//! ```
//!
//! **Nothing is half there**: an object appears when it is finished and not before, under its name or over what had that name. In a
//! folder it is written beside its place and renamed into it, both made durable; in S3 it is one request, or one upload in parts.
//!
//! **Format**: `VIOF | 0x01 | length of the wrapped key, u16 big-endian | wrapped key | chunks`. The key is the file's own, wrapped
//! by the tenant's field key for this kind, this tenant and this file ([`FileKey`]). A chunk is 64 KiB of content and a tag of 16
//! bytes; the last holds what is left, and says in its seal that it is the last. An empty file has one empty chunk. So a file that
//! was altered, put in another's place, or cut off is found, at the chunk where it happens: what was read until then is genuine,
//! but the file is whole only when [`Reader::next`] has returned `None`.
//!
//! **Keys rotate**: a file opens as long as the tenant key that wrapped its key is held. Who destroys retired keys must wait until
//! the files of their time have expired. A shredded tenant's files are noise.
//!
//! **Memory**: a writer holds one part (5 MiB) and one chunk, whatever the file's size; a reader one chunk and what the store hands over.
//!
//! **Names** are `<tenant>/<file>`, two UUIDs: nothing in them tells what a file is or whose, by name. The length of a file, and when it
//! was written, are plain to whoever sees the store.

mod error;
mod format;
mod reader;
mod s3;
mod store;
mod writer;

#[cfg(test)]
mod tests;

pub use error::FileError;
pub use reader::Reader;
pub use store::{FileKind, FileStore, Stored};
pub use writer::{Writer, Written};

#[cfg(doc)]
use crate::crypto::FileKey;
