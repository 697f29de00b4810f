//! How long a tenant keeps a contact: archived when it is over, erased when its time is over, spared while it may not be
//! (`docs/decisions/erasure.md`). Workers see to it once a day; nobody has to think of it.
//!
//! **Archived**: the day after the last appointment, or twelve months after the last call, appointment or edit. **Erased**: the
//! tenant's `retention_months` after that, or after it was deleted; or at once, where the person asks for it. Erasing destroys
//! the contact's key, so that nothing that was sealed with it opens again; what stands open about the person goes with it.

pub mod store;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::db;
use crate::ids::{ContactId, LegalHoldId, TenantId};

/// Why a contact is not erased now.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Spared {
    /// Somebody said that it may not be.
    LegalHold,
    /// A call is under way.
    CallUnderWay,
    /// It isn't known yet what came of a dial.
    DialUnsettled,
}

impl Spared {
    /// As it is shown and kept.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::LegalHold => "legal_hold",
            Self::CallUnderWay => "call_under_way",
            Self::DialUnsettled => "dial_unsettled",
        }
    }

    fn from_word(word: &str) -> Option<Self> {
        [Self::LegalHold, Self::CallUnderWay, Self::DialUnsettled]
            .into_iter()
            .find(|why| why.as_str() == word)
    }
}

/// What erasing one contact took away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
#[schemars(rename = "Erased")]
pub struct Erased {
    /// Appointments whose words are gone; their times stay.
    pub appointments: u64,
    /// Transcripts and addresses of recordings.
    pub conversations: u64,
    /// Dials whose number can't be compared with any other any more.
    pub dials: u64,
    /// Groups that it was in.
    pub groups: u64,
}

/// What a round did, or would do.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Report {
    /// Contacts that were archived.
    pub archived: u64,
    /// Contacts that were erased.
    pub erased: u64,
    /// Contacts whose time is over and that were spared, by why.
    pub spared: BTreeMap<&'static str, u64>,
    /// The first hundred that were erased, or would be.
    pub erased_ids: Vec<ContactId>,
    /// The first hundred that were spared.
    pub spared_ids: Vec<(ContactId, &'static str)>,
}

/// The last round of a tenant, and when the next one comes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Round {
    /// When it was.
    pub at: DateTime<Utc>,
    /// Contacts that it archived.
    pub archived: i64,
    /// Contacts that it erased.
    pub erased: i64,
    /// Contacts that it spared, by why.
    pub spared: BTreeMap<String, u64>,
}

/// Something that may not be erased.
#[derive(Debug, Clone)]
pub struct Hold {
    /// Its id.
    pub id: LegalHoldId,
    /// The contact; everybody of the tenant if none is named.
    pub contact: Option<ContactId>,
    /// Why.
    pub reason: String,
    /// Who said so.
    pub placed_by: String,
    /// When.
    pub placed_at: DateTime<Utc>,
}

/// Why keys could not be destroyed.
#[derive(Debug, thiserror::Error)]
pub enum NotShredded {
    /// Nobody has this id.
    #[error("there is no tenant {0}")]
    Unknown(TenantId),
    /// It was meant otherwise, or another.
    #[error("--confirm must be the tenant's name, letter by letter")]
    Unconfirmed,
    /// It still dials and is asked.
    #[error("the tenant is active: `api admin tenant suspend` comes first")]
    Active,
    /// Something may not be erased.
    #[error("a legal hold stands: it is released first")]
    Held,
    /// What was dialled is not known yet.
    #[error("{0} dials are not settled yet: their answers still need the keys; try again later")]
    Unsettled(i64),
    /// PostgreSQL.
    #[error("{}", .0.cause())]
    Db(#[from] db::Error),
}
