//! A block: up to 8,192 contacts, column by column.
//!
//! Of each text only what is searched is kept: the folded form. Contacts stand in the order of their ids, and the
//! appointments of one contact next to each other. All text is wiped when the block is dropped.

mod build;
mod decode;
mod encode;

use chrono::{DateTime, Utc};

use super::column::{TextColumn, WordColumn};
use super::row::Attendance;
use crate::appointments::Priority;
use crate::calls::rules::snapshot::AppointmentStatus;
use crate::contacts::state::CallingState;
use crate::ids::{AppointmentId, ContactId, GroupId};

pub use build::BlockBuilder;

/// Most contacts of a block.
pub const MOST_ROWS: usize = 8_192;
/// A block takes no further contact once its columns are this long, in bytes.
pub const ENOUGH_BYTES: usize = 32 << 20;
/// No block is longer than this unpacked, in bytes.
pub const MOST_BYTES: usize = 256 << 20;
/// Encoded blocks are a multiple of this long, in bytes: their size then says little of what is in them.
pub const STEP: usize = 64 << 10;

/// Why contacts are no block, or bytes are none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BlockError {
    /// It holds [`MOST_ROWS`] contacts or [`ENOUGH_BYTES`]: begin another.
    #[error("the block is full")]
    Full,
    /// Contacts must come in ascending order of their ids, none twice.
    #[error("a contact comes after one with a higher id")]
    OutOfOrder,
    /// More than [`MOST_BYTES`].
    #[error("the block is too large")]
    TooLarge,
    /// Written by another release.
    #[error("the block has an unknown version")]
    UnknownVersion,
    /// Not what was written. Says which part; nothing of its content.
    #[error("the block is corrupt: {0}")]
    Corrupt(&'static str),
}

/// Contacts, laid out for searching.
///
/// Personal data: `Debug` shows nothing but how many there are.
#[derive(Clone, PartialEq, Eq)]
pub struct Block {
    pub(super) ids: Vec<ContactId>,
    pub(super) name: TextColumn,
    /// Both forms of each number: [`super::row::phone_forms`].
    pub(super) phone: TextColumn,
    pub(super) email: TextColumn,
    pub(super) notes: TextColumn,
    /// Microseconds since 1970, as all times here.
    pub(super) created_at: Vec<i64>,
    pub(super) next_call_at: Vec<i64>,
    pub(super) last_contact_at: Vec<i64>,
    pub(super) attempts: Vec<u32>,
    pub(super) calling: Vec<CallingState>,
    pub(super) archived: Vec<bool>,
    pub(super) groups: Lists,
    pub(super) group_ids: Vec<GroupId>,
    pub(super) appointments: Appointments,
}

/// The appointments of a block's contacts.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Appointments {
    /// Where those of each contact begin, and where the next would.
    pub(super) starts: Vec<u32>,
    pub(super) ids: Vec<AppointmentId>,
    pub(super) at: Vec<i64>,
    pub(super) status: Vec<AppointmentStatus>,
    pub(super) attendance: Vec<Option<Attendance>>,
    pub(super) priority: Vec<Priority>,
    pub(super) kind: WordColumn,
    pub(super) owner: WordColumn,
    pub(super) company: WordColumn,
    pub(super) location: WordColumn,
    pub(super) source: WordColumn,
    pub(super) instructions: TextColumn,
}

/// A list of codes for each row.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Lists {
    pub(super) starts: Vec<u32>,
    pub(super) codes: Vec<u32>,
}

impl Lists {
    pub(super) fn get(&self, row: usize) -> &[u32] {
        &self.codes[self.starts[row] as usize..self.starts[row + 1] as usize]
    }
}

/// Stands for no time.
pub(super) const NEVER: i64 = i64::MIN;

pub(super) fn micros(at: Option<DateTime<Utc>>) -> i64 {
    at.map_or(NEVER, |at| at.timestamp_micros())
}

/// The codes of enums in encoded blocks: places in these arrays. They are part of stored data; a change of meaning is a
/// new version.
pub(super) const CALLING: [CallingState; 7] = [
    CallingState::None,
    CallingState::Scheduled,
    CallingState::InProgress,
    CallingState::FollowUp,
    CallingState::Exhausted,
    CallingState::NeedsReview,
    CallingState::Held,
];
pub(super) const STATUS: [AppointmentStatus; 4] = [
    AppointmentStatus::Pending,
    AppointmentStatus::Confirmed,
    AppointmentStatus::Cancelled,
    AppointmentStatus::Rescheduled,
];
pub(super) const ATTENDANCE: [Option<Attendance>; 3] =
    [None, Some(Attendance::Attended), Some(Attendance::NoShow)];
pub(super) const PRIORITY: [Priority; 3] = [Priority::Normal, Priority::High, Priority::Urgent];
pub(super) const FLAG: [bool; 2] = [false, true];

impl Block {
    /// How many contacts it has.
    pub fn rows(&self) -> usize {
        self.ids.len()
    }

    /// Whose they are, in ascending order.
    pub fn ids(&self) -> &[ContactId] {
        &self.ids
    }

    /// About how much memory it takes, in bytes.
    pub fn bytes(&self) -> usize {
        let contacts: usize = [&self.name, &self.phone, &self.email, &self.notes]
            .iter()
            .map(|column| column.joined().len() + 4 * column.rows())
            .sum();
        let appointments = &self.appointments;
        let words: usize = [
            &appointments.kind,
            &appointments.owner,
            &appointments.company,
            &appointments.location,
            &appointments.source,
        ]
        .iter()
        .map(|column| column.shown.joined().len() + column.folded.joined().len())
        .sum();
        let fixed =
            self.rows() * (16 + 3 * 8 + 4 + 2 + 8) + appointments.ids.len() * (16 + 8 + 3 + 24);
        contacts
            + words
            + fixed
            + appointments.instructions.joined().len()
            + 4 * self.groups.codes.len()
    }

    /// The appointments of contact `row`.
    pub(super) fn appointments_of(&self, row: usize) -> std::ops::Range<usize> {
        let starts = &self.appointments.starts;
        starts[row] as usize..starts[row + 1] as usize
    }
}

impl std::fmt::Debug for Block {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Block({} contacts)", self.rows())
    }
}

#[cfg(test)]
mod tests;
