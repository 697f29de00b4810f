//! The words that the database and answers use.

use serde::{Deserialize, Serialize};

use crate::calls::rules::snapshot::AppointmentStatus;

/// How important an appointment is.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Default,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// As others.
    #[default]
    Normal,
    /// Before normal ones.
    High,
    /// Before all others.
    Urgent,
}

impl Priority {
    /// As stored: 0, 1, 2.
    pub fn rank(self) -> i16 {
        match self {
            Self::Normal => 0,
            Self::High => 1,
            Self::Urgent => 2,
        }
    }

    /// The word in answers and files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::High => "high",
            Self::Urgent => "urgent",
        }
    }

    /// The priority stored as `rank`.
    pub fn of_rank(rank: i16) -> Option<Self> {
        [Self::Normal, Self::High, Self::Urgent].into_iter().find(|p| p.rank() == rank)
    }
}

/// How an appointment was confirmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ConfirmedBy {
    /// In a call of ours.
    Voice,
    /// By staff, without saying how.
    Manual,
    /// By telephone, to staff.
    Phone,
    /// By text message.
    Sms,
    /// By e-mail.
    Email,
}

impl ConfirmedBy {
    /// The word in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Voice => "voice",
            Self::Manual => "manual",
            Self::Phone => "phone",
            Self::Sms => "sms",
            Self::Email => "email",
        }
    }

    /// The method of a word.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Voice, Self::Manual, Self::Phone, Self::Sms, Self::Email]
            .into_iter()
            .find(|method| method.as_str() == word)
    }
}

/// The word for a status in the database and in answers.
pub fn status_word(status: AppointmentStatus) -> &'static str {
    match status {
        AppointmentStatus::Pending => "pending",
        AppointmentStatus::Confirmed => "confirmed",
        AppointmentStatus::Cancelled => "cancelled",
        AppointmentStatus::Rescheduled => "rescheduled",
    }
}

/// The status of a word.
pub fn status_of(word: &str) -> Option<AppointmentStatus> {
    use AppointmentStatus::{Cancelled, Confirmed, Pending, Rescheduled};
    [Pending, Confirmed, Cancelled, Rescheduled].into_iter().find(|s| status_word(*s) == word)
}
