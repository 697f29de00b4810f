//! Whether somebody came: a fact besides the status, set by hand once the appointment has begun.

use chrono::{DateTime, Utc};

use super::Appointment;
use crate::calls::rules::snapshot::AppointmentStatus;

pub use crate::search::Attendance;

/// Why nobody can say whether somebody came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoAttendance {
    /// It lies ahead.
    #[error("the appointment has not begun")]
    NotBegun,
    /// It does not take place.
    #[error("the appointment is cancelled")]
    Cancelled,
}

impl NoAttendance {
    /// Its public code.
    pub fn code(self) -> &'static str {
        match self {
            Self::NotBegun => "not_begun",
            Self::Cancelled => "cancelled",
        }
    }
}

/// Whether it can be said by `now` if somebody came. From the first minute on: who is not there by then may be late.
///
/// # Errors
/// [`NoAttendance`].
pub fn may_attend(to: &Appointment, now: DateTime<Utc>) -> Result<(), NoAttendance> {
    if to.status == AppointmentStatus::Cancelled {
        return Err(NoAttendance::Cancelled);
    }
    if now < to.at { Err(NoAttendance::NotBegun) } else { Ok(()) }
}

/// The word in the database and in answers.
pub fn attendance_word(attendance: Attendance) -> &'static str {
    match attendance {
        Attendance::Attended => "attended",
        Attendance::NoShow => "no_show",
    }
}

/// The attendance of a word.
pub fn attendance_of(word: &str) -> Option<Attendance> {
    [Attendance::Attended, Attendance::NoShow].into_iter().find(|a| attendance_word(*a) == word)
}
