//! What can be wrong with a row, and what was noted of one that is right.

use serde::{Deserialize, Serialize};

use crate::appointments::LabelError;
use crate::contacts::email::EmailAddressError;
use crate::contacts::name::PersonNameError;
use crate::contacts::phone::PhoneNumberError;
use crate::contacts::text::TextError;
use crate::intake::Field;

/// Something that keeps a row from being stored. No part of a value but what [`crate::intake::mask()`] leaves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[schemars(rename = "ImportFault")]
pub struct Fault {
    /// The row, as a spreadsheet numbers it.
    pub row: u32,
    /// The label of the column; none if it is the row.
    pub column: Option<String>,
    /// The field.
    pub field: Option<Field>,
    /// A stable word.
    pub code: Code,
    /// The value, masked.
    #[schemars(example = &"…23 (12 characters)")]
    pub shown: String,
    /// In words.
    pub message: String,
}

/// Something about a row that is stored all the same: a repair, or what may be a mistake.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[schemars(rename = "ImportNote")]
pub struct Note {
    /// The row, as a spreadsheet numbers it.
    pub row: u32,
    /// The label of the column.
    pub column: Option<String>,
    /// The field.
    pub field: Field,
    /// A stable word.
    pub code: NoteCode,
}

/// Declares an enum of stable words, each with its meaning.
macro_rules! codes {
    ($(#[$about:meta])* $name:ident, $schema:literal: $($(#[$doc:meta])* $code:ident => $word:literal, $says:literal;)*) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
        #[serde(rename_all = "snake_case")]
        #[schemars(rename = $schema)]
        pub enum $name {
            $(#[doc = $says] $(#[$doc])* $code,)*
        }

        impl $name {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$code),*];

            /// The word.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$code => $word,)* }
            }

            /// What it means, in words for whoever has the file.
            pub fn says(self) -> &'static str {
                match self { $(Self::$code => $says,)* }
            }
        }
    };
}

codes! {
    /// What can be wrong with a row. Words are stable; more may come.
    Code, "ImportFaultCode":
    Missing => "missing", "needed, and the cell is empty";
    TooFewCells => "too_few_cells", "the row has fewer cells than the header: it may be cut off";
    TooManyCells => "too_many_cells", "the row has more cells than the header: put texts with the delimiter in them between quotation marks";
    TooShort => "too_short", "too short";
    TooLong => "too_long", "too long";
    BadCharacter => "bad_character", "has a character that does not belong there";
    NoLetter => "no_letter", "has no letter";
    ControlCharacter => "control_character", "has a line break or a control character";
    Placeholder => "placeholder", "has {{ or }}, which the voice provider would replace";
    SpreadsheetNumber => "spreadsheet_number", "the spreadsheet has turned the number into a quantity such as 4.47912E+11, and its digits are gone: format the column as text, enter the number again, and save";
    UnassignedNumber => "unassigned_number", "nobody can have this number";
    CountryNotAccepted => "country_not_accepted", "numbers of this country are not accepted";
    PremiumRate => "premium_rate", "premium-rate numbers are not called";
    RevenueShare => "revenue_share", "revenue-share numbers are not called";
    PersonalNumber => "personal_number", "personal numbers (070) are not called";
    Pager => "pager", "pagers are not called";
    Freephone => "freephone", "freephone numbers are not called";
    Voip => "voip", "internet telephony numbers are not called";
    OtherService => "other_service", "numbers of this kind are not called";
    TestNumber => "test_number", "numbers reserved for drama are not accepted here";
    NotAscii => "not_ascii", "e-mail addresses with letters outside ASCII are not supported";
    NoAtSign => "no_at_sign", "no e-mail address: it needs one @ between two parts";
    BadLocalPart => "bad_local_part", "no e-mail address: what stands before the @ can't be";
    BadDomain => "bad_domain", "no e-mail address: what stands after the @ can't be";
    BadDate => "bad_date", "no date that we can read: write it as 2027-03-31";
    DateEitherWay => "date_either_way", "day and month can be read either way, and the column has dates of both orders: write it as 2027-03-31";
    DateOrder => "date_order", "the date has day and month in another order than the column";
    WrongWeekday => "wrong_weekday", "the day of the week does not fit the date";
    BadTime => "bad_time", "no time that we can read: write it as 09:30 or 2:30 pm";
    SkippedByClocks => "skipped_by_clocks", "there is no such time: the clocks go forward over it";
    InThePast => "in_the_past", "the appointment must lie ahead";
    BadNumber => "bad_number", "no number that we can read";
    OutOfRange => "out_of_range", "less or more than is allowed";
    NotListed => "not_listed", "not one of your appointment types";
    NotActive => "not_active", "new appointments may not be of this type";
    UnknownGroup => "unknown_group", "there is no such group";
    UnknownPriority => "unknown_priority", "expected normal, high or urgent";
    UnknownChannel => "unknown_channel", "expected voice, sms or email";
    UnknownZone => "unknown_zone", "expected a name such as Europe/London";
    UnknownConsent => "unknown_consent", "expected yes or no";
    UnknownConsentHow => "unknown_consent_how", "expected verbal, phone, written, online, email or sms";
    NotWanted => "not_wanted", "goes with consent only";
    HealthInformation => "health_information", "says something of somebody's health, and would be spoken: take it out";
    AcknowledgementNeeded => "acknowledgement_needed", "says something of somebody's health: take it out, or acknowledge it for the import";
    EmailTaken => "email_taken", "another contact has this e-mail address";
    ProhibitedNumber => "prohibited_number", "has a number that must not be stored: of social security, the NHS, a medical record, an insurance, or a date of birth";
}

codes! {
    /// What is noted of a row that is stored. Words are stable; more may come.
    NoteCode, "ImportNoteCode":
    LeadingZeroRestored => "leading_zero_restored", "the spreadsheet had dropped the zero of the telephone number";
    DecimalsDropped => "decimals_dropped", "the telephone number had decimals";
    NameTurned => "name_turned", "the name stood as last name, first name";
    SerialDate => "serial_date", "the date was a number of days";
    TimeOccursTwice => "time_occurs_twice", "the clocks show this time twice; the earlier is meant";
    UnusualHour => "unusual_hour", "the appointment is between 22:00 and 06:00: perhaps the afternoon is meant";
    FarAhead => "far_ahead", "the appointment is more than two years ahead";
    PhiInNotes => "phi_in_notes", "the notes say something of somebody's health, and that was acknowledged";
    UnlistedType => "unlisted_type", "not one of the appointment types";
    InactiveType => "inactive_type", "an appointment type that is no longer in use";
    UnlistedLocation => "unlisted_location", "not one of the locations";
    InactiveLocation => "inactive_location", "a location that is no longer in use";
    OutsideOpeningHours => "outside_opening_hours", "the location is closed at that time";
    NewGroup => "new_group", "there is no such group yet: it will be made";
}

impl From<PersonNameError> for Code {
    fn from(error: PersonNameError) -> Self {
        match error {
            PersonNameError::TooShort => Self::TooShort,
            PersonNameError::TooLong => Self::TooLong,
            PersonNameError::BadCharacter => Self::BadCharacter,
            PersonNameError::NoLetter => Self::NoLetter,
        }
    }
}

impl From<PhoneNumberError> for Code {
    fn from(error: PhoneNumberError) -> Self {
        match error {
            PhoneNumberError::Empty => Self::Missing,
            PhoneNumberError::BadCharacter => Self::BadCharacter,
            PhoneNumberError::TooShort => Self::TooShort,
            PhoneNumberError::TooLong => Self::TooLong,
            PhoneNumberError::Unassigned => Self::UnassignedNumber,
            PhoneNumberError::CountryNotAccepted => Self::CountryNotAccepted,
            PhoneNumberError::PremiumRate => Self::PremiumRate,
            PhoneNumberError::RevenueShare => Self::RevenueShare,
            PhoneNumberError::PersonalNumber => Self::PersonalNumber,
            PhoneNumberError::Pager => Self::Pager,
            PhoneNumberError::Freephone => Self::Freephone,
            PhoneNumberError::Voip => Self::Voip,
            PhoneNumberError::OtherService => Self::OtherService,
            PhoneNumberError::TestNumber => Self::TestNumber,
        }
    }
}

impl From<EmailAddressError> for Code {
    fn from(error: EmailAddressError) -> Self {
        match error {
            EmailAddressError::Empty => Self::Missing,
            EmailAddressError::TooLong => Self::TooLong,
            EmailAddressError::NotAscii => Self::NotAscii,
            EmailAddressError::NoAtSign => Self::NoAtSign,
            EmailAddressError::BadLocalPart => Self::BadLocalPart,
            EmailAddressError::BadDomain => Self::BadDomain,
        }
    }
}

impl From<TextError> for Code {
    fn from(error: TextError) -> Self {
        match error {
            TextError::Empty => Self::Missing,
            TextError::TooLong { .. } => Self::TooLong,
            TextError::ControlCharacter => Self::ControlCharacter,
            TextError::Placeholder => Self::Placeholder,
        }
    }
}

impl From<LabelError> for Code {
    fn from(error: LabelError) -> Self {
        match error {
            LabelError::Empty => Self::Missing,
            LabelError::TooLong { .. } => Self::TooLong,
            LabelError::ControlCharacter => Self::ControlCharacter,
            LabelError::Placeholder => Self::Placeholder,
        }
    }
}

impl From<crate::intake::dates::BadDate> for Code {
    fn from(error: crate::intake::dates::BadDate) -> Self {
        use crate::intake::dates::BadDate;
        match error {
            BadDate::Unreadable => Self::BadDate,
            BadDate::EitherWay => Self::DateEitherWay,
            BadDate::OtherOrder => Self::DateOrder,
            BadDate::WrongWeekday => Self::WrongWeekday,
        }
    }
}

impl From<crate::intake::dates::BadTime> for Code {
    fn from(error: crate::intake::dates::BadTime) -> Self {
        use crate::intake::dates::BadTime;
        match error {
            BadTime::Missing => Self::Missing,
            BadTime::Unreadable => Self::BadTime,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_of_answers() {
        for code in Code::ALL {
            assert_eq!(serde_json::to_value(code).unwrap(), code.as_str());
        }
        for code in NoteCode::ALL {
            assert_eq!(serde_json::to_value(code).unwrap(), code.as_str());
        }
    }
}
