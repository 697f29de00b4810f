//! Views: searches that people keep, for themselves or for everybody of the tenant.
//!
//! What is searched for is personal, and what a search is called may be too: both lie sealed, and a view is named by its id.

pub mod store;

use chrono::{DateTime, Utc};

use crate::ids::ViewId;

/// Most views of one person or program.
pub const MOST_OWN: i64 = 100;
/// Most views that are everybody's.
pub const MOST_SHARED: i64 = 200;
/// Most characters of a view's name.
pub const MOST_NAME: usize = 60;

/// A kept search.
#[derive(Clone, PartialEq, Eq)]
pub struct View {
    /// Its id.
    pub id: ViewId,
    /// Whose it is: an actor of the audit chain. `None`: everybody's of the tenant.
    pub owner: Option<String>,
    /// What it is called.
    pub name: String,
    /// The search, as JSON.
    pub search: serde_json::Value,
    /// Counts changes.
    pub version: i32,
    /// How often it was searched by.
    pub used: i64,
    /// When it last was.
    pub used_at: Option<DateTime<Utc>>,
    /// Who made it.
    pub created_by: String,
    /// When.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

impl std::fmt::Debug for View {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("View").field("id", &self.id).finish_non_exhaustive()
    }
}
