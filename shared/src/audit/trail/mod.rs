//! Reading the trail: who did what, about whom, when; with the values before and after for who may see them.

pub mod open;
pub mod store;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::chain::Chain;
use crate::ids::ContactId;

/// Which entries are wanted: those for which all holds that is given.
#[derive(Debug, Clone)]
pub struct Filter {
    /// Of which chain.
    pub chain: Chain,
    /// Done by this user, key or visitor of the platform; or a sign-in refused that named this user.
    pub person: Option<Uuid>,
    /// About this contact, its appointments or calls; or it was shown.
    pub contact: Option<ContactId>,
    /// What was done begins with this: `contact.`, `GET /v1/contacts`.
    pub act: Option<String>,
    /// At this time or later.
    pub from: Option<DateTime<Utc>>,
    /// Before this time.
    pub to: Option<DateTime<Utc>>,
}

/// An entry as it is read.
#[derive(Debug, Clone, sqlx::FromRow)]
#[expect(missing_docs, reason = "the columns of audit_entries, by their names")]
pub struct Row {
    pub n: i64,
    pub at: DateTime<Utc>,
    pub actor: String,
    pub action: String,
    pub entity: Uuid,
    pub detail: Option<Vec<u8>>,
}

/// Part of a chain, the latest first.
#[derive(Debug, Clone)]
pub struct Part {
    /// The entries that were wanted, of those that were looked at.
    pub rows: Vec<Row>,
    /// Entries below this number are left to look at; `None` if there is none.
    pub next: Option<i64>,
}

/// The ids in the detail of an access.
pub fn shown(detail: &[u8]) -> Vec<Uuid> {
    detail.chunks_exact(16).filter_map(|id| Uuid::from_slice(id).ok()).collect()
}
