//! Personal data at rest: sealed with AES-256-GCM under a hierarchy of keys.
//!
//! ```text
//! master keys (a file)  ──wrap──►  tenant keys (rows)  ──wrap──►  one key per contact (a column)
//!    │                               │        │                          │
//!    └ provider accounts' keys       │        └ equality hashes          └ name, phone, email, notes, voice text,
//!                                    ├ do-not-call list, bodies …          audit values about this contact
//!                                    └ one key per stored file, which seals its chunks (see [`FileKey`])
//! ```
//!
//! A contact is erased by overwriting its wrapped key: all that was sealed with it is noise from then on, and in
//! backups once those that hold the key have expired. A tenant that leaves is erased the same way.
//!
//! **Format** of every sealed value: `0x01 | key id, u32 big-endian | nonce, 12 bytes | ciphertext | tag, 16 bytes`.
//! The tag also covers where the value belongs (see [`place`]): a value moved to another column, row, contact or
//! tenant does not open, and neither does one whose key id was altered.
//!
//! **Rotation**, at each level: sealing uses the current key (the highest id), opening uses the key named in the
//! value, so both may be in use for as long as a background task needs to seal everything again.
//!
//! **Limits**: nonces are random, so that one key should seal far fewer than 2^32 values (NIST SP 800-38D, 8.3);
//! a tenant that seals a thousand values a minute reaches a tenth of that in ten months: rotate within a year.
//! Key bytes are wiped when dropped; the schedules that `ring` expands from them, on the stack, are not.

mod contact;
mod envelope;
mod equality;
mod file;
mod master;
mod padding;
mod phi;
pub mod place;
mod secret;
mod signing;
mod tenant;

pub use contact::ContactKey;
pub use envelope::{CryptoError, Sealed};
pub use equality::{EqualityHash, EqualityHashes, EqualityKind};
pub use file::{CHUNK_OVERHEAD, FileKey};
pub use master::{MasterKeys, MasterKeysError, MasterKeysFault};
pub use phi::Phi;
pub use place::{ContactField, PlatformField, SearchBlock, TenantField, TenantKeyPurpose};
pub use signing::{KeyId, PublicKey, SigningKeys};
pub use tenant::{TenantKey, TenantKeyRow, TenantKeys};

#[cfg(test)]
mod tests;
