//! What somebody acknowledged about a contact, and each consent that was recorded or withdrawn: who, when, and which version
//! of the text. Entries are added and never changed. No text of a person is among them.

pub mod store;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::ids::{AcknowledgementId, ContactId};

/// Most characters of a text's version.
pub const MOST_VERSION: usize = 40;

/// What was acknowledged. Those of the requirements' checklist, and what the system itself asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// "I understand and agree to HIPAA compliance requirements."
    HipaaRequirements,
    /// The person agreed to voice reminders, as far as whoever says so knows.
    VoiceConsentObtained,
    /// No more was written down than is needed.
    MinimumNecessary,
    /// No health information in what the voice says.
    NoPhiInInstructions,
    /// The type's sensitivity is as it should be.
    TypeSensitivitySet,
    /// Staff were trained.
    StaffTrained,
    /// A note with health information was saved knowingly.
    PhiInNotes,
}

impl Kind {
    const ALL: [(Self, &str); 7] = [
        (Self::HipaaRequirements, "hipaa_requirements"),
        (Self::VoiceConsentObtained, "voice_consent_obtained"),
        (Self::MinimumNecessary, "minimum_necessary"),
        (Self::NoPhiInInstructions, "no_phi_in_instructions"),
        (Self::TypeSensitivitySet, "type_sensitivity_set"),
        (Self::StaffTrained, "staff_trained"),
        (Self::PhiInNotes, "phi_in_notes"),
    ];

    /// The word in the database.
    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(kind, _)| *kind == self).map_or("", |(_, word)| word)
    }
}

/// How somebody agreed, or took it back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// Said so in person.
    Verbal,
    /// By telephone, to staff.
    Phone,
    /// On paper.
    Written,
    /// On a web page.
    Online,
    /// By e-mail.
    Email,
    /// By text message.
    Sms,
}

impl How {
    /// The word in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Verbal => "verbal",
            Self::Phone => "phone",
            Self::Written => "written",
            Self::Online => "online",
            Self::Email => "email",
            Self::Sms => "sms",
        }
    }
}

/// What an entry says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// Something was acknowledged.
    Acknowledged(Kind),
    /// The contact agreed to automated calls.
    ConsentRecorded(Option<How>),
    /// The contact's consent is gone.
    ConsentWithdrawn(Option<How>),
}

impl What {
    /// The word in the database, and how.
    pub fn words(self) -> (&'static str, Option<&'static str>) {
        match self {
            Self::Acknowledged(kind) => (kind.as_str(), None),
            Self::ConsentRecorded(how) => ("consent_recorded", how.map(How::as_str)),
            Self::ConsentWithdrawn(how) => ("consent_withdrawn", how.map(How::as_str)),
        }
    }
}

/// An entry that is to be added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEntry {
    /// Its id.
    pub id: AcknowledgementId,
    /// About whom.
    pub contact: ContactId,
    /// What.
    pub what: What,
    /// Of which version of the text.
    pub text_version: Option<String>,
    /// By whom: an actor of the audit chain.
    pub by: String,
    /// When.
    pub at: DateTime<Utc>,
}

/// An entry as it is stored. Kinds that a newer release added are words too.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Entry {
    /// Its id.
    pub id: AcknowledgementId,
    /// What.
    pub kind: String,
    /// How a consent was given or taken back.
    pub how: Option<String>,
    /// Of which version of the text.
    pub text_version: Option<String>,
    /// By whom: an actor of the audit chain.
    pub recorded_by: String,
    /// When.
    pub at: DateTime<Utc>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_the_database_are_those_of_answers() {
        for (kind, word) in Kind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), word);
            assert_eq!(kind.as_str(), word);
        }
        let hows = [How::Verbal, How::Phone, How::Written, How::Online, How::Email, How::Sms];
        for how in hows {
            assert_eq!(serde_json::to_value(how).unwrap(), how.as_str());
        }
    }
}
