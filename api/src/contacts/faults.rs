//! Public codes for what can be wrong with a contact's fields.

use shared::contacts::email::EmailAddressError;
use shared::contacts::name::PersonNameError;
use shared::contacts::phone::PhoneNumberError;
use shared::contacts::text::TextError;

use crate::http::Code;

impl Code for PersonNameError {
    fn code(&self) -> &'static str {
        match self {
            Self::TooShort => "too_short",
            Self::TooLong => "too_long",
            Self::BadCharacter => "bad_character",
            Self::NoLetter => "no_letter",
        }
    }
}

impl Code for PhoneNumberError {
    fn code(&self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::BadCharacter => "bad_character",
            Self::TooShort => "too_short",
            Self::TooLong => "too_long",
            Self::Unassigned => "unassigned_number",
            Self::CountryNotAccepted => "country_not_accepted",
            Self::PremiumRate => "premium_rate",
            Self::RevenueShare => "revenue_share",
            Self::PersonalNumber => "personal_number",
            Self::Pager => "pager",
            Self::Freephone => "freephone",
            Self::Voip => "voip",
            Self::OtherService => "other_service",
            Self::TestNumber => "test_number",
        }
    }
}

impl Code for EmailAddressError {
    fn code(&self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::TooLong => "too_long",
            Self::NotAscii => "not_ascii",
            Self::NoAtSign => "no_at_sign",
            Self::BadLocalPart => "bad_local_part",
            Self::BadDomain => "bad_domain",
        }
    }
}

impl Code for TextError {
    fn code(&self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::TooLong { .. } => "too_long",
            Self::ControlCharacter => "control_character",
            Self::Placeholder => "placeholder",
        }
    }
}
