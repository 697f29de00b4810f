//! One change of many contacts, as a job (docs/bulk.md).
//!
//! Whom it is about is evaluated once, when the job begins ([`select`]); then batches of [`BATCH`] go through them, each one
//! transaction. What can't be done for one fails that one. Taking it back goes through what was noted, and spares what
//! somebody has edited since.

pub mod act;
pub(crate) mod changes;
mod preview;
pub mod select;
mod store;
pub mod undo;

pub use preview::{Counts, preview};

use chrono::Duration;
use serde::{Deserialize, Serialize};

use crate::appointments::{ConfirmedBy, Priority};
use crate::calls::rules::snapshot::AppointmentStatus;
use crate::ids::{AppointmentId, ContactId, GroupId};
use crate::search::{Field, Filter};

/// Contacts of one bulk change at most.
pub const MOST: usize = 10_000;
/// Contacts that one change calls at most.
pub const MOST_CALLS: usize = 100;
/// Contacts of one batch: one transaction.
pub const BATCH: usize = 500;
/// Groups that one change names at most.
pub const MOST_GROUPS: usize = 20;
/// So long after its end a bulk change can be taken back.
pub const UNDO_FOR: Duration = Duration::hours(24);

/// What is asked for. Kept sealed with the job: what is named here must be read by the next release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Params {
    /// Who.
    pub selection: Selection,
    /// So many, or nothing is done: what somebody saw before they asked.
    pub expected_count: Option<u64>,
    /// What.
    pub act: Act,
}

/// Who.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum Selection {
    /// These, in this order.
    Ids {
        /// Who, and which appointment.
        chosen: Vec<Chosen>,
    },
    /// Whoever is found when the job begins.
    Found {
        /// What was typed.
        query: String,
        /// Whom to leave out.
        filter: Box<Filter>,
        /// Fields that who asked doesn't see: nothing is found in them.
        hidden: Vec<Field>,
    },
}

/// One of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chosen {
    /// Who.
    pub contact: ContactId,
    /// Which appointment, if the change is one of an appointment: without it the next open one, or else the latest.
    pub appointment: Option<AppointmentId>,
}

/// What.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "act", rename_all = "snake_case")]
pub enum Act {
    /// The status of their appointments, by hand.
    Status {
        /// Which.
        status: AppointmentStatus,
        /// Why, in the words of staff.
        reason: String,
        /// How it was confirmed.
        confirmed_by: Option<ConfirmedBy>,
    },
    /// Which groups they are in.
    Groups {
        /// In these too.
        add: Vec<GroupId>,
        /// In these no more.
        remove: Vec<GroupId>,
        /// In none but those of `add`.
        replace: bool,
    },
    /// Details of their appointments. What is `None` stays.
    Edit(Edit),
    /// They are deleted, with their appointments.
    Delete,
    /// Deleted ones are contacts again.
    Restore,
    /// They are called now, before all others.
    Call {
        /// Stay in front until the deadline, rather than ten minutes.
        wait: bool,
    },
}

/// Details of appointments that change. What is `None` stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edit {
    /// With whom; nobody's if empty.
    pub owner: Option<String>,
    /// Where; nowhere if empty.
    pub location: Option<String>,
    /// So long before it the reminder is due.
    pub call_before_hours: Option<u16>,
    /// How important it is.
    pub priority: Option<Priority>,
}

impl Act {
    /// The word of [`Act::Groups`].
    pub const GROUPS: &str = "groups";
    /// The word of [`Act::Call`].
    pub const CALL: &str = "call";

    /// The word by which it is told.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Status { .. } => "status",
            Self::Groups { .. } => Self::GROUPS,
            Self::Edit(_) => "edit",
            Self::Delete => "delete",
            Self::Restore => "restore",
            Self::Call { .. } => Self::CALL,
        }
    }

    /// How many contacts it may be about. What calls: a hundred; more is a campaign.
    pub fn most(&self) -> usize {
        if matches!(self, Self::Call { .. }) { MOST_CALLS } else { MOST }
    }

    /// How many are in a batch. What calls holds the tenant's lock, for which its dialling waits.
    pub fn batch(&self) -> usize {
        if matches!(self, Self::Call { .. }) { 10 } else { BATCH }
    }

    /// Whether it is about an appointment of each, and not about the contact.
    pub fn is_about_appointments(&self) -> bool {
        matches!(self, Self::Status { .. } | Self::Edit(_))
    }
}

/// What is asked for when something is taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct UndoParams {
    /// Which job's doing.
    pub job: crate::ids::JobId,
}

/// Why nothing was done for one: words that clients match on.
pub mod code {
    /// It was so before.
    pub const UNCHANGED: &str = "unchanged";
    /// It is no contact, or a deleted one.
    pub const NO_CONTACT: &str = "no_contact";
    /// The contact has no such appointment, or none at all.
    pub const NO_APPOINTMENT: &str = "no_appointment";
    /// Somebody has changed it since: it is spared.
    pub const EDITED_SINCE: &str = "edited_since";
    /// Its call is before all others.
    pub const IN_FRONT: &str = "in_front";
    /// A dial for the same purpose is under way.
    pub const UNDER_WAY: &str = "under_way";
    /// Nothing of its own is in the way: the calls before it take longer than it may wait.
    pub const TOO_MANY_BEFORE: &str = "too_many_before";
    /// It is not deleted.
    pub const NOT_DELETED: &str = "not_deleted";
    /// It was erased.
    pub const ERASED: &str = "erased";
}
