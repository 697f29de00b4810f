//! From a row of the file to one that can be stored, or to all that is wrong with it.
//!
//! The rules are those of making one contact and one appointment by hand: what is refused there is a fault here, what is a
//! warning there is a note.

mod fault;
mod lists;
mod memo;
mod reading;
mod texts;
mod when;
pub(crate) mod words;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::mapping::Plan;
use super::read::Record;
use crate::acknowledgements::How;
use crate::appointments::{Label, Priority};
use crate::calls::rules::snapshot::Channel;
use crate::contacts::email::EmailAddress;
use crate::contacts::name::PersonName;
use crate::contacts::phone::{PhoneNumber, PhoneRules};
use crate::contacts::text::{Notes, VoiceText};
use crate::groups::GroupName;
use crate::phi::Finding;
use crate::screening::Place;

pub use fault::{Code, Fault, Note, NoteCode};
pub use lists::Lists;

/// Most groups of one row.
pub const MOST_GROUPS: usize = 20;

/// A row that can be stored. What the file doesn't say is none: the default of a new contact, no change of one that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// As a spreadsheet shows it.
    pub number: u32,
    /// What the person is called.
    pub name: PersonName,
    /// Where the person is called.
    pub phone: PhoneNumber,
    /// Where the person is written to.
    pub email: Option<EmailAddress>,
    /// For staff only.
    pub notes: Option<Notes>,
    /// Health information was found in the notes, and acknowledged for the import: each contact gets its acknowledgement.
    pub phi_in_notes: bool,
    /// Where the person lives, by the clock.
    pub zone: Option<Tz>,
    /// How the person wishes to be reached.
    pub channel: Option<Channel>,
    /// Whether the person agreed to automated calls.
    pub consent: Option<bool>,
    /// How; with consent only.
    pub consent_how: Option<How>,
    /// Which version of a text the person was told; with consent only.
    pub consent_text_version: Option<String>,
    /// Groups that the person belongs to; each once.
    pub groups: Vec<GroupName>,
    /// When the appointment is.
    pub at: DateTime<Utc>,
    /// So long before it its reminder is due.
    pub call_before_hours: Option<u16>,
    /// How long it takes, by the file, or as is usual for its type.
    pub duration_minutes: Option<u16>,
    /// What kind of appointment.
    pub kind: Option<Label>,
    /// With whom.
    pub owner_name: Option<Label>,
    /// At which business.
    pub company_name: Option<Label>,
    /// Where.
    pub location: Option<Label>,
    /// What the voice may say besides.
    pub voice_text: Option<VoiceText>,
    /// How important it is.
    pub priority: Option<Priority>,
}

/// What became of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// The row's number.
    pub number: u32,
    /// The row, or all that is wrong with it.
    pub result: Result<Row, Vec<Fault>>,
    /// What was mended, and what may be a mistake.
    pub notes: Vec<Note>,
    /// The texts that were screened for health information, for the record of screening.
    pub screened: Vec<Screened>,
}

/// A text that was screened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Screened {
    /// Where it was to stand.
    pub place: Place,
    /// What was found.
    pub findings: Vec<Finding>,
}

/// By what rows are checked: the tenant's policy and lists, and what was said of this import.
#[derive(Debug, Clone, Copy)]
pub struct Rules<'r> {
    /// When it is.
    pub now: DateTime<Utc>,
    /// The tenant's zone: of times without one.
    pub zone: Tz,
    /// Which numbers are accepted.
    pub phones: &'r PhoneRules,
    /// Appointments are of listed types only.
    pub listed_types_only: bool,
    /// Whoever imports knows that health information stands in notes, and wants it there.
    pub acknowledge_phi: bool,
    /// Groups that aren't there yet are made; else they are faults.
    pub make_groups: bool,
    /// The tenant's groups, types and locations.
    pub lists: &'r Lists<'r>,
}

/// Checks rows.
#[derive(Debug)]
pub struct Checker<'p> {
    plan: &'p Plan<'p>,
    rules: Rules<'p>,
    memo: memo::Memo,
}

impl<'p> Checker<'p> {
    /// Checks rows of this file by these rules.
    pub fn new(plan: &'p Plan<'p>, rules: Rules<'p>) -> Self {
        Self { plan, rules, memo: memo::Memo::default() }
    }

    /// Checks one row.
    pub fn check(&self, record: &Record<'_>) -> Checked {
        reading::Reading::new(self, record).finish()
    }

    /// Checks all rows, one by one.
    pub fn all(&self) -> impl Iterator<Item = Checked> + '_ {
        self.plan.sheet().records().map(|record| self.check(&record))
    }
}
