//! Phone numbers: which are accepted, and how they are written down.

mod test_numbers;

use std::fmt;

use phonenumber::country::Id as Region;
use phonenumber::metadata::DATABASE;
use phonenumber::{Mode, ParseError, Type};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The regions accepted unless the tenant's policy says otherwise: the United Kingdom, and the islands that share its
/// country code.
pub const DEFAULT_REGIONS: [&str; 4] = ["GB", "GG", "JE", "IM"];

/// Why a number is refused. Carries no part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PhoneNumberError {
    /// Nothing but white space.
    #[error("the phone number is empty")]
    Empty,
    /// Something other than digits, a leading plus, and the usual separators: letters, an extension.
    #[error("the phone number has a character that no phone number has")]
    BadCharacter,
    /// Fewer digits than any number of its country.
    #[error("the phone number is too short")]
    TooShort,
    /// More digits than E.164 or its country allows.
    #[error("the phone number is too long")]
    TooLong,
    /// Nobody can have this number: its area or range doesn't exist.
    #[error("no such phone number can exist")]
    Unassigned,
    /// A country that is not called from here.
    #[error("phone numbers of this country are not accepted")]
    CountryNotAccepted,
    /// 09, 118 and the like.
    #[error("premium-rate numbers are not called")]
    PremiumRate,
    /// 084 and 087: the called party earns on the call.
    #[error("revenue-share numbers are not called")]
    RevenueShare,
    /// 070: looks like a mobile, and costs more.
    #[error("personal numbers are not called")]
    PersonalNumber,
    /// 076.
    #[error("pagers are not called")]
    Pager,
    /// 0800 and 0808.
    #[error("freephone numbers are not called")]
    Freephone,
    /// 055 and 056: corporate and internet telephony.
    #[error("internet telephony numbers are not called")]
    Voip,
    /// Some other service: voicemail, short codes, emergency.
    #[error("numbers of this kind are not called")]
    OtherService,
    /// A number reserved for drama, where only real ones are accepted.
    #[error("numbers reserved for drama are not accepted here")]
    TestNumber,
}

/// A region that the phone-number library doesn't know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a region: expected ISO 3166 letters, such as GB")]
pub struct UnknownRegion;

/// Which numbers are accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PhoneRules {
    /// Never empty. Numbers without a country code are read as the first one's.
    regions: Vec<Region>,
    allow_test_numbers: bool,
}

impl PhoneRules {
    /// Accepts numbers of `regions` (ISO 3166, two letters), and those reserved for drama if `allow_test_numbers`.
    ///
    /// # Errors
    /// [`UnknownRegion`] if one is unknown, or there is none.
    pub fn new<R: AsRef<str>>(
        regions: &[R],
        allow_test_numbers: bool,
    ) -> Result<Self, UnknownRegion> {
        let regions: Vec<Region> = regions
            .iter()
            .map(|region| region.as_ref().parse().map_err(|_| UnknownRegion))
            .collect::<Result<_, _>>()?;
        if regions.is_empty() {
            Err(UnknownRegion)
        } else {
            Ok(Self { regions, allow_test_numbers })
        }
    }

    fn home_code(&self) -> Option<u16> {
        DATABASE.by_id(self.regions[0].as_ref()).map(|region| region.country_code())
    }
}

impl Default for PhoneRules {
    /// [`DEFAULT_REGIONS`], real numbers only.
    fn default() -> Self {
        Self {
            regions: vec![Region::GB, Region::GG, Region::JE, Region::IM],
            allow_test_numbers: false,
        }
    }
}

/// How a number is written for people.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "PhoneFormat")]
pub enum PhoneStyle {
    /// `+447700900123`: what programs read.
    #[default]
    E164,
    /// `07700 900123`: what people of that country dial.
    National,
    /// `+44 7700 900123`
    International,
}

/// A number that may be called, in E.164: a plus and 7 to 15 digits.
///
/// Geographic, UK-wide (03) or mobile. Personal data: `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct PhoneNumber(String);

impl PhoneNumber {
    /// Reads a number as people write it: with spaces, dashes, dots, brackets; with `+44`, `0044`, bare `44`,
    /// `+44 (0)`, the trunk zero, or (as spreadsheets leave it) without.
    ///
    /// # Errors
    /// [`PhoneNumberError`], which names what is wrong.
    pub fn parse(raw: &str, rules: &PhoneRules) -> Result<Self, PhoneNumberError> {
        let written = Written::read(raw, rules)?;
        let parsed = if written.international {
            phonenumber::parse(None, format!("+{}", written.digits))
        } else {
            phonenumber::parse(Some(rules.regions[0]), &written.digits)
        };
        let parsed = parsed.map_err(|error| refusal(&error))?;
        let number = Self(parsed.format().mode(Mode::E164).to_string());

        let drama = test_numbers::is_ofcom_drama(&number.0[1..]);
        let region = if drama { Some(Region::GB) } else { parsed.country().id() };
        let region = region.ok_or(PhoneNumberError::Unassigned)?;
        if !rules.regions.contains(&region) {
            return Err(PhoneNumberError::CountryNotAccepted);
        }
        // The library calls some drama numbers unassigned, rightly; of the others it knows the kind, and the premium
        // and freephone ones are refused as such.
        match kind_refusal(&parsed) {
            Some(PhoneNumberError::Unassigned) if drama => {}
            Some(refused) => return Err(refused),
            None => {}
        }
        if number.is_test_number() && !rules.allow_test_numbers {
            return Err(PhoneNumberError::TestNumber);
        }
        Ok(number)
    }

    /// Reads back a number that was accepted earlier. Today's rules are not asked: a stored number stays readable
    /// when they change.
    ///
    /// # Errors
    /// [`PhoneNumberError::BadCharacter`] if it is not a plus and digits, [`PhoneNumberError::TooShort`] or
    /// [`PhoneNumberError::TooLong`] if those are not 7 to 15.
    pub fn from_e164(stored: &str) -> Result<Self, PhoneNumberError> {
        let digits = stored.strip_prefix('+').ok_or(PhoneNumberError::BadCharacter)?;
        if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(PhoneNumberError::BadCharacter);
        }
        check_length(digits)?;
        Ok(Self(stored.to_owned()))
    }

    /// The number in E.164, for the row and for the provider.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The number as it is written for people. One that the library no longer knows stays in E.164.
    pub fn written(&self, style: PhoneStyle) -> String {
        let mode = match style {
            PhoneStyle::E164 => return self.0.clone(),
            PhoneStyle::National => Mode::National,
            PhoneStyle::International => Mode::International,
        };
        phonenumber::parse(None, &self.0)
            .map_or_else(|_| self.0.clone(), |number| number.format().mode(mode).to_string())
    }

    /// The region whose number it is, ISO 3166; `ZZ` if the library no longer knows it. Drama numbers are British.
    pub fn region(&self) -> String {
        if test_numbers::is_ofcom_drama(&self.0[1..]) {
            return Region::GB.as_ref().to_owned();
        }
        let region =
            phonenumber::parse(None, &self.0).ok().and_then(|number| number.country().id());
        region.map_or_else(|| "ZZ".to_owned(), |region| region.as_ref().to_owned())
    }

    /// Whether the number is reserved for drama, so that no telephone has it. Such a number goes to the simulator
    /// only.
    pub fn is_test_number(&self) -> bool {
        let digits = &self.0[1..];
        test_numbers::is_ofcom_drama(digits) || test_numbers::is_fictional_555(digits)
    }

    /// Whether the number is in the North American plan (+1), where stricter rules of consent hold.
    pub fn is_north_american(&self) -> bool {
        self.0.starts_with("+1")
    }
}

impl fmt::Debug for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PhoneNumber(..)")
    }
}

/// What was written, reduced to digits. The library then sees nothing else.
struct Written {
    /// Whether the digits begin with a country code.
    international: bool,
    digits: String,
}

impl Written {
    fn read(raw: &str, rules: &PhoneRules) -> Result<Self, PhoneNumberError> {
        let mut plus = false;
        let mut kept = String::with_capacity(raw.len());
        for c in raw.trim().chars() {
            match c {
                '0'..='9' | '(' | ')' => kept.push(c),
                '+' | '\u{ff0b}' if !plus && kept.chars().all(|c| c == '(') => plus = true,
                c if separates(c) => {}
                _ => return Err(PhoneNumberError::BadCharacter),
            }
        }
        let all_digits = only_digits(&kept);
        if all_digits.is_empty() {
            return Err(PhoneNumberError::Empty);
        }
        // "(0)" is the trunk zero that is dialled only at home, so it goes when the country code is there.
        let without_trunk = only_digits(&kept.replacen("(0)", "", 1));
        let (international, digits) = if plus {
            (true, without_trunk)
        } else if let Some(rest) = without_trunk.strip_prefix("00") {
            (true, rest.to_owned())
        } else if is_bare_uk(&without_trunk) && rules.home_code() == Some(44) {
            (true, without_trunk)
        } else {
            (false, all_digits)
        };
        check_length(&digits)?;
        Ok(Self { international, digits })
    }
}

fn only_digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

/// `44` and ten digits: no British number begins with 44 after its trunk zero.
fn is_bare_uk(digits: &str) -> bool {
    digits.len() == 12 && digits.starts_with("44")
}

/// Spaces, dashes, dots, slashes, and the invisible marks that come along when a number is copied.
fn separates(c: char) -> bool {
    c.is_whitespace()
        || matches!(c, '-' | '.' | '/' | '\u{2010}'..='\u{2015}' | '\u{2212}')
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}')
        || matches!(c, '\u{2060}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

fn check_length(digits: &str) -> Result<(), PhoneNumberError> {
    match digits.len() {
        0..7 => Err(PhoneNumberError::TooShort),
        7..=15 => Ok(()),
        _ => Err(PhoneNumberError::TooLong),
    }
}

fn refusal(error: &ParseError) -> PhoneNumberError {
    match error {
        ParseError::TooShortAfterIdd | ParseError::TooShortNsn => PhoneNumberError::TooShort,
        ParseError::TooLong => PhoneNumberError::TooLong,
        _ => PhoneNumberError::Unassigned,
    }
}

/// What speaks against calling a number of this kind, if anything.
fn kind_refusal(number: &phonenumber::PhoneNumber) -> Option<PhoneNumberError> {
    let national = number.national().value().to_string();
    let british = number.country().code() == 44;
    match number.number_type(&DATABASE) {
        Type::FixedLine | Type::Mobile | Type::FixedLineOrMobile => None,
        Type::Uan if british && national.starts_with('3') => None,
        Type::Uan if british => Some(PhoneNumberError::Voip),
        // The library files 084 and 087 under premium rate.
        Type::PremiumRate if british && national.starts_with('8') => {
            Some(PhoneNumberError::RevenueShare)
        }
        Type::PremiumRate => Some(PhoneNumberError::PremiumRate),
        Type::SharedCost => Some(PhoneNumberError::RevenueShare),
        Type::PersonalNumber => Some(PhoneNumberError::PersonalNumber),
        Type::Pager => Some(PhoneNumberError::Pager),
        Type::TollFree => Some(PhoneNumberError::Freephone),
        Type::Voip => Some(PhoneNumberError::Voip),
        Type::Unknown => Some(PhoneNumberError::Unassigned),
        _ => Some(PhoneNumberError::OtherService),
    }
}

#[cfg(test)]
mod tests;
