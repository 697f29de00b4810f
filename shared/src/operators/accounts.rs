//! Changing a provider account: its hold, its key, its limits.

use chrono::{DateTime, Utc};

use crate::crypto::CryptoError;
use crate::db;
use crate::ids::AccountId;

pub use super::store::accounts::{change_limits, release, replace_key};

/// Why an account was not changed.
#[derive(Debug, thiserror::Error)]
pub enum AccountRefusal {
    /// There is none.
    #[error("there is no account {0}: `api admin account list` shows them all")]
    Unknown(AccountId),
    /// Nothing would change.
    #[error("this is the key that the account has")]
    SameKey,
    /// The master keys open none of its keys.
    #[error("a key can't be sealed or opened: {0}")]
    Crypto(#[from] CryptoError),
    /// PostgreSQL.
    #[error("{}", .0.cause())]
    Db(#[from] db::Error),
}

/// What an account was held for.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Held {
    /// Since when; none: it isn't.
    pub held_at: Option<DateTime<Utc>>,
    /// Why: `status_401`, `no_valid_payment`, `not_read_after_restore` and the like.
    pub held_reason: Option<String>,
}

/// What an account may do at most.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, sqlx::FromRow)]
pub struct Limits {
    /// Calls at the same time, the operator's.
    pub max_concurrent: i32,
    /// Calls at the same time, the vendor's; the lesser counts.
    pub vendor_limit: Option<i32>,
    /// Starts in one second.
    pub starts_per_second: f64,
}

/// A key that was replaced.
#[derive(Debug, Clone, Copy)]
pub struct Replaced {
    /// Until when the old one's webhooks are taken.
    pub old_until: DateTime<Utc>,
    /// The account was held, and is asked about anew with the new key.
    pub was_held: bool,
    /// A key before the old one was still accepted, and isn't any more.
    pub dropped_older: bool,
}
