//! Leaving a master key behind: everything that older ones wrap is wrapped by the current one.

use crate::crypto::CryptoError;
use crate::db;

pub use super::store::keys::{rewrap, wrapped_by};

/// What was wrapped anew.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Rewrapped {
    /// Keys of tenants.
    pub tenant_keys: u64,
    /// Keys of provider accounts.
    pub account_keys: u64,
    /// The platform's own keys.
    pub platform_keys: u64,
    /// Webhooks that are kept until they are applied.
    pub webhooks: u64,
}

/// Why it stopped. What was done is done; run again, it goes on with the rest.
#[derive(Debug, thiserror::Error)]
pub enum RewrapError {
    /// A key is wrapped by a master key that isn't in the file, or is damaged.
    #[error("a key of {of} can't be opened: {cause}; nothing of it was changed")]
    Crypto {
        /// Whose key.
        of: String,
        /// What is wrong.
        cause: CryptoError,
    },
    /// PostgreSQL.
    #[error("{}", .0.cause())]
    Db(#[from] db::Error),
}
