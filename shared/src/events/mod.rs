//! A tenant's events: numbered without gaps in the order of commits, ids and kinds only.
//!
//! They are written with the change that they tell of (`append_changes()`, see [`crate::audit`]) and read here.

pub mod store;

use chrono::{DateTime, Utc};
use uuid::Uuid;

/// One event.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Event {
    /// Its number: 1 for the tenant's first, and each one more than the one committed before it.
    pub n: i64,
    /// When, to the microsecond.
    pub at: DateTime<Utc>,
    /// `noun.verb`, for example `call.settled`.
    pub kind: String,
    /// What it happened to.
    pub entity: Uuid,
    /// Whom it concerns, if anybody.
    pub contact_id: Option<Uuid>,
}
