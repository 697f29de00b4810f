//! The do-not-call list: numbers that a tenant never calls, whoever they belong to.
//!
//! Numbers are sealed under the tenant's key, so that they outlive the erasure of a contact: who opted out stays out.

pub mod store;

use chrono::{DateTime, Utc};

use crate::contacts::phone::PhoneNumber;
use crate::ids::DoNotCallId;

/// How a number came onto the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, schemars::JsonSchema)]
#[schemars(rename = "DoNotCallSource", rename_all = "snake_case")]
pub enum Source {
    /// By hand.
    Manual,
    /// With a list of many.
    Import,
    /// The person said so during a call.
    Call,
    /// By another program.
    Api,
}

impl Source {
    /// The word in the database and in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Manual => "manual",
            Self::Import => "import",
            Self::Call => "call",
            Self::Api => "api",
        }
    }

    fn from_word(word: &str) -> Option<Self> {
        [Self::Manual, Self::Import, Self::Call, Self::Api].into_iter().find(|s| s.as_str() == word)
    }
}

/// A number on the list.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its id.
    pub id: DoNotCallId,
    /// The number.
    pub number: PhoneNumber,
    /// How it came here.
    pub source: Source,
    /// Why, in the words of whoever added it.
    pub reason: Option<String>,
    /// Who added it: an actor of the audit chain.
    pub added_by: String,
    /// When.
    pub added_at: DateTime<Utc>,
}
