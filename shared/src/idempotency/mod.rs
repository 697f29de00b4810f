//! Doing a request once: the first result is kept for a day, in the transaction that made it.
//!
//! Result and change are committed together, so that a process that dies leaves both or neither. Only what changed
//! something is kept: a refusal changed nothing, and is decided anew.

pub mod store;

use chrono::Duration;

/// How long a result is kept.
pub const KEEP: Duration = Duration::hours(24);

/// A request that names itself. Keys are kept as hashes only: clients put order numbers into them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request {
    /// SHA-256 of the key.
    pub key_hash: [u8; 32],
    /// SHA-256 of method, path and body. Never stored as it is: who guesses a request, which is little but a number, would know
    /// it by its hash.
    pub request_hash: [u8; 32],
}

/// A result to keep, or kept.
#[derive(Clone, PartialEq, Eq)]
pub struct Kept {
    /// The status of the answer.
    pub status: u16,
    /// Its headers that matter: name and value.
    pub headers: Vec<(String, String)>,
    /// Its body. Personal, so it is stored sealed.
    pub body: Vec<u8>,
}

impl std::fmt::Debug for Kept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Kept(status {}, ..)", self.status)
    }
}

/// What to do with a request that names itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Turn {
    /// Nobody has done it: do it, and keep the result in the same transaction.
    First,
    /// It was done; this is the result.
    Done(Kept),
    /// It is being done at this moment.
    UnderWay,
    /// The key was used for another request.
    OtherRequest,
}
