//! What the platform's operators do by hand, and the record of it that is no tenant's.

pub mod accounts;
pub mod keys;
pub mod store;
pub mod tenants;

use chrono::{DateTime, Utc};
use uuid::Uuid;

/// An act as the record has it.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Act {
    /// Its number; the chain has no gap.
    pub n: i64,
    /// When.
    pub at: DateTime<Utc>,
    /// Who, by the name under which the command was run.
    pub operator: String,
    /// What, `noun.verb`.
    pub action: String,
    /// To which account; none: to the platform.
    pub entity: Option<Uuid>,
    /// Values before and after; never a key.
    pub detail: serde_json::Value,
    /// The chain agrees with the row, and with the row before.
    pub intact: bool,
}
