//! Keys that rotate while everybody works: begun by an operator, gone on with by whoever comes (`docs/decisions/rotation.md`).
//!
//! Each rotation is a row with a place; each step is one short transaction that moves it. Who is killed in the middle of one
//! has done nothing of it, and the next step begins there. Three things make it safe beside those who write:
//!
//! - a new key is **known everywhere before one seals with it** ([`Lead`]), and an old one opens until nothing needs it;
//! - all rows of one number **change their hash together** ([`store::numbers`]), so that what the engine compares in SQL (the
//!   do-not-call list, the gap, attempts) is under one key at every instant, and who asks for a number asks for both hashes;
//! - a contact's old keys stay wrapped beside its new one, since entries of the audit chain can't be sealed anew.

pub mod store;

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::crypto::CryptoError;
use crate::db;
use crate::ids::TenantId;
use crate::tenants::KeyError;

/// What rotates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The key that seals a tenant's own values and wraps its contacts' keys.
    Tenant,
    /// The key of each contact.
    Contacts,
    /// The key of equality hashes.
    Equality,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Tenant, Self::Contacts, Self::Equality];

    /// The word kept in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tenant => "tenant",
            Self::Contacts => "contacts",
            Self::Equality => "equality",
        }
    }

    /// The kind kept as `word`, if there is one.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// How long a new key is known before it is used. Processes keep a tenant's keys for a minute.
#[derive(Debug, Clone, Copy)]
pub struct Lead {
    /// So long after it was made, processes begin to seal with it.
    pub before_it_seals: Duration,
    /// So long after that, the last process has noticed, and what it was writing is committed.
    pub before_the_rest: Duration,
}

impl Default for Lead {
    fn default() -> Self {
        Self {
            before_it_seals: Duration::from_secs(180),
            before_the_rest: Duration::from_secs(120),
        }
    }
}

/// How far a rotation is.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, sqlx::FromRow)]
pub struct Progress {
    /// Whose.
    pub tenant_id: TenantId,
    /// What rotates: a word of [`Kind`].
    pub kind: String,
    /// `running` or `done`.
    pub state: String,
    /// Whose rows it is at; `old_dials`: it waits until dials of numbers that nobody has any more matter to no rule.
    pub phase: String,
    /// Rows that are done.
    pub rows_done: i64,
    /// Rows that there were when it began.
    pub rows_total: i64,
    /// Nothing is done before.
    pub ready_at: DateTime<Utc>,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
}

/// What came of one step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// So many rows were looked at; there are more.
    Went(u64),
    /// Nothing can be done before this.
    Waits(DateTime<Utc>),
    /// Another process is at it at this moment, or has not heard of the new key yet.
    Elsewhere,
    /// Nothing is left to do.
    Done,
}

/// Why it stopped. What was done is done; it goes on from there.
#[derive(Debug, thiserror::Error)]
pub enum RotationError {
    /// Another rotation of equality keys is not over.
    #[error("the tenant's equality keys rotate already: `api admin keys status` says how far")]
    Running,
    /// A value can't be opened: it stays as it is.
    #[error("a value in {of} can't be opened: {cause}; nothing of its batch was changed")]
    Crypto {
        /// The table.
        of: &'static str,
        /// What is wrong.
        cause: CryptoError,
    },
    /// The tenant's keys.
    #[error(transparent)]
    Keys(#[from] KeyError),
    /// PostgreSQL.
    #[error("{}", .0.cause())]
    Db(#[from] db::Error),
}

impl RotationError {
    fn in_table(of: &'static str) -> impl Fn(CryptoError) -> Self {
        move |cause| Self::Crypto { of, cause }
    }
}
