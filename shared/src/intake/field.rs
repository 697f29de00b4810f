//! What a column can be: exactly what a contact and its appointment can hold.

use serde::{Deserialize, Serialize};

/// What a column can be. The names are those of the contact's and the appointment's fields, where there is one.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "ImportField")]
pub enum Field {
    /// The whole name. Needed, unless first and last name are given.
    Name,
    /// Joined with the last name.
    FirstName,
    /// Joined with the first name.
    LastName,
    /// Needed.
    Phone,
    /// Where the person is written to.
    Email,
    /// Date and time in one column. Needed, unless both have one of their own.
    AppointmentAt,
    /// Needed with `appointment_time`.
    AppointmentDate,
    /// Needed with `appointment_date`.
    AppointmentTime,
    /// What kind of appointment.
    AppointmentType,
    /// Minutes, or hours and minutes.
    DurationMinutes,
    /// With whom.
    OwnerName,
    /// At which business.
    CompanyName,
    /// Where.
    Location,
    /// For staff only.
    Notes,
    /// What the voice may say besides.
    VoiceText,
    /// `normal`, `high`, `urgent`.
    Priority,
    /// `voice`, `sms`, `email`.
    Channel,
    /// Where the person lives, by its name in the tz database; times are of its clocks.
    Zone,
    /// Names of groups, with `;` or `|` between them.
    Groups,
    /// So long before the appointment its reminder is due.
    CallBeforeHours,
    /// Whether the person agreed to automated calls: yes or no.
    Consent,
    /// How the person agreed.
    ConsentHow,
    /// Which version of a text the person was told.
    ConsentTextVersion,
}

impl Field {
    /// All of them, in the order in which they are offered.
    pub const ALL: [Self; 23] = [
        Self::Name,
        Self::FirstName,
        Self::LastName,
        Self::Phone,
        Self::Email,
        Self::AppointmentAt,
        Self::AppointmentDate,
        Self::AppointmentTime,
        Self::AppointmentType,
        Self::DurationMinutes,
        Self::OwnerName,
        Self::CompanyName,
        Self::Location,
        Self::Notes,
        Self::VoiceText,
        Self::Priority,
        Self::Channel,
        Self::Zone,
        Self::Groups,
        Self::CallBeforeHours,
        Self::Consent,
        Self::ConsentHow,
        Self::ConsentTextVersion,
    ];

    /// The word in mappings and answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::FirstName => "first_name",
            Self::LastName => "last_name",
            Self::Phone => "phone",
            Self::Email => "email",
            Self::AppointmentAt => "appointment_at",
            Self::AppointmentDate => "appointment_date",
            Self::AppointmentTime => "appointment_time",
            Self::AppointmentType => "appointment_type",
            Self::DurationMinutes => "duration_minutes",
            Self::OwnerName => "owner_name",
            Self::CompanyName => "company_name",
            Self::Location => "location",
            Self::Notes => "notes",
            Self::VoiceText => "voice_text",
            Self::Priority => "priority",
            Self::Channel => "channel",
            Self::Zone => "zone",
            Self::Groups => "groups",
            Self::CallBeforeHours => "call_before_hours",
            Self::Consent => "consent",
            Self::ConsentHow => "consent_how",
            Self::ConsentTextVersion => "consent_text_version",
        }
    }

    /// The place of the field in a row's cells.
    pub(crate) fn index(self) -> usize {
        self as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_places_agree() {
        for (at, field) in Field::ALL.into_iter().enumerate() {
            assert_eq!(serde_json::to_value(field).unwrap(), field.as_str());
            assert_eq!(field.index(), at);
        }
    }
}
