//! Checking a tenant's audit chain without the database: whoever has the rows can do it.

use chrono::{DateTime, Utc};
use ring::digest::{SHA256, digest};
use uuid::Uuid;

use crate::ids::TenantId;

/// Which of a tenant's two chains.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Chain {
    /// What was changed.
    Changes,
    /// What was asked for and shown.
    Accesses,
}

impl Chain {
    /// Both.
    pub const BOTH: [Self; 2] = [Self::Changes, Self::Accesses];

    /// As it is stored and hashed.
    pub fn word(self) -> &'static str {
        match self {
            Self::Changes => "changes",
            Self::Accesses => "accesses",
        }
    }
}

/// One entry as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of audit_entries, by their names")]
pub struct Entry {
    pub n: i64,
    pub at: DateTime<Utc>,
    pub actor: String,
    pub action: String,
    pub entity: Uuid,
    pub detail: Option<Vec<u8>>,
    pub row_hash: Vec<u8>,
    pub chain_hash: Vec<u8>,
}

/// Where a chain is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// An entry is missing before this number, or stands twice.
    #[error("the entry before {0} is missing, or one stands twice")]
    Numbers(i64),
    /// This entry was changed.
    #[error("entry {0} is not what was written")]
    Row(i64),
    /// This entry doesn't continue the one before it.
    #[error("entry {0} does not continue the one before it")]
    Link(i64),
    /// The chain is whole up to this number, and should go on.
    #[error("entries after {0} are missing")]
    Cut(i64),
    /// From this entry on there are more than were appended.
    #[error("entry {0} and what follows was not appended as all else is")]
    Added(i64),
    /// This head doesn't stand where its entry is, or doesn't continue the head before it.
    #[error("head {0} does not belong where it stands, or one before it is missing")]
    Head(i64),
    /// The signature of this head is not by the key that it names.
    #[error("head {0} was not signed as it stands")]
    Signature(i64),
    /// Heads up to this one are signed by keys that are not at hand, and none after them answers for them.
    #[error("head {0} is signed by a key that is not at hand")]
    Unproven(i64),
    /// This head was signed, and is missing or another one now.
    #[error("head {0} was published, and the database has none or another of that number")]
    Published(i64),
}

impl Entry {
    /// The hash of everything that the entry says, and of its place.
    pub fn hash(&self, tenant: TenantId, chain: Chain) -> Vec<u8> {
        let (n, at) = (self.n, self.at.timestamp_micros());
        let chain = chain.word();
        let words =
            format!("{tenant}|{chain}|{n}|{at}|{}|{}|{}", self.actor, self.action, self.entity);
        let detail = self.detail.as_deref().unwrap_or_default();
        digest(&SHA256, &[words.as_bytes(), detail].concat()).as_ref().to_vec()
    }
}

/// How far a chain was checked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reached {
    /// The number of the last entry; 0 before the first.
    pub n: i64,
    /// Its hash; empty before the first.
    pub hash: Vec<u8>,
}

impl Reached {
    /// Checks the entries that follow, and goes on to the last of them.
    ///
    /// # Errors
    /// The first place at which the chain is [`Broken`].
    pub fn go_on(
        &mut self,
        tenant: TenantId,
        chain: Chain,
        entries: &[Entry],
    ) -> Result<(), Broken> {
        for entry in entries {
            if entry.n != self.n + 1 {
                return Err(Broken::Numbers(entry.n));
            }
            // With a stroke in a word, two entries could have one hash: none of ours has one.
            let plain = !entry.actor.contains('|') && !entry.action.contains('|');
            if !plain || entry.row_hash != entry.hash(tenant, chain) {
                return Err(Broken::Row(entry.n));
            }
            let hash = digest(&SHA256, &[self.hash.as_slice(), &entry.row_hash].concat());
            if entry.chain_hash != hash.as_ref() {
                return Err(Broken::Link(entry.n));
            }
            *self = Self { n: entry.n, hash: hash.as_ref().to_vec() };
        }
        Ok(())
    }
}

/// Checks a whole chain, from its first entry on. Returns the hash of its end, to compare with one kept elsewhere: a
/// chain that was cut at its end is whole in itself.
///
/// # Errors
/// The first place at which it is [`Broken`].
pub fn verify(tenant: TenantId, chain: Chain, entries: &[Entry]) -> Result<Vec<u8>, Broken> {
    let mut reached = Reached::default();
    reached.go_on(tenant, chain, entries)?;
    Ok(reached.hash)
}
