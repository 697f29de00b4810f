//! Imports: a file is uploaded, previewed, run as a job, and taken back (docs/import.md).
//!
//! ```text
//! upload ─► imports (sealed) ─► load: read and check every row ─► decide: against the book ─► what would be  (preview)
//!                                          └────────────────────────────────► decide ─► run: a batch of rows, one transaction
//! ```
//!
//! What is pure of it, from bytes to rows, is [`crate::intake`].

mod decide;
mod failed;
mod kept;
mod load;
mod preview;
mod run;
pub mod store;
pub mod undo;
mod writing;

use chrono::{DateTime, TimeDelta, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::{GroupId, ImportId, ImportTemplateId, JobId};
use crate::intake::mapping::Mapping;

pub use failed::{errors_file, failed};
pub use load::{Surroundings, Unusable, check};
pub use preview::{Preview, preview};
pub use run::{begin, not_now, turn, write};

/// Rows of one transaction.
pub const BATCH: usize = 500;
/// A file that nobody runs is forgotten after so long.
pub const KEPT_UNUSED: TimeDelta = TimeDelta::hours(24);
/// A file is forgotten so long after its job ended; until then its faulty rows can be had.
pub const KEPT_USED: TimeDelta = TimeDelta::days(7);
/// Most templates of a tenant.
pub const MOST_TEMPLATES: i64 = 100;
/// Most characters of a template's name.
pub const MOST_TEMPLATE_NAME: usize = 60;
/// Most groups that all rows are put into.
pub const MOST_GROUPS: usize = 20;

/// What is done with rows about somebody whom the tenant has already: with the same number and the same name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "ImportDuplicates")]
pub enum Duplicates {
    /// Nothing of the row is taken.
    #[default]
    Skip,
    /// What the row says is written into the contact, and into its appointment at that time; where there is none, it is added.
    Update,
    /// A contact is made all the same, of each row.
    Create,
}

/// How a file is read and what is done with its rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Options {
    /// Which column is which field.
    pub mapping: Mapping,
    /// What is done with people who are there.
    pub duplicates: Duplicates,
    /// Groups that everybody in the file is put into.
    pub groups: Vec<GroupId>,
    /// Groups that rows name and the tenant doesn't have are made.
    pub make_groups: bool,
    /// Health information stands in notes knowingly.
    pub acknowledge_phi: bool,
    /// Several contacts may have one e-mail address.
    pub allow_duplicate_email: bool,
}

/// What a job of this kind is asked for.
#[derive(Debug, Serialize, Deserialize)]
pub struct Params {
    /// The file.
    pub import: ImportId,
    /// How.
    pub options: Options,
}

/// An uploaded file, without what is in it.
#[derive(Debug, Clone)]
pub struct Import {
    /// Its id.
    pub id: ImportId,
    /// Its length as it was uploaded.
    pub bytes: u64,
    /// Rows below the header.
    pub rows: u64,
    /// Who uploaded it: an actor of the audit trail.
    pub uploaded_by: String,
    /// When.
    pub created_at: DateTime<Utc>,
    /// The job that runs it.
    pub job: Option<JobId>,
}

/// How files of one shape are read: kept by a tenant. Personal data may be in the labels of columns: `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Template {
    /// Its id.
    pub id: ImportTemplateId,
    /// What it is called.
    pub name: String,
    /// What is chosen.
    pub options: Options,
    /// How often it was used.
    pub used: u64,
    /// When it was last.
    pub used_at: Option<DateTime<Utc>>,
    /// Who made it.
    pub created_by: String,
    /// When.
    pub created_at: DateTime<Utc>,
}

impl Template {
    /// Whether it fits a file with these columns.
    pub fn fits(&self, labels: &[&str]) -> bool {
        self.options.mapping.columns.iter().all(|one| labels.contains(&one.column.as_str()))
    }
}

impl std::fmt::Debug for Template {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Template").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Words for what became of a row.
pub mod code {
    /// A contact was made, with its appointment.
    pub const CREATED: &str = "created";
    /// An appointment was made of somebody whom an earlier row named.
    pub const ADDED: &str = "added";
    /// Somebody who was there was changed, or has one appointment more.
    pub const UPDATED: &str = "updated";
    /// Somebody who was there stayed as they were: `skip` was chosen.
    pub const KNOWN_PERSON: &str = "known_person";
    /// An earlier row says the same.
    pub const SAME_ROW: &str = "same_row";
    pub use crate::bulk::code::UNCHANGED;
}
