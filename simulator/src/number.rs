//! Telephone numbers, packed: a record of several hundred thousand calls has two of them each.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

/// An E.164 number in eight bytes: `+`, then 7 to 15 digits, the first of them not 0.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Number(u64);

/// The text is no E.164 number. It isn't quoted: it may be somebody's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a number in E.164 format")]
pub struct NotE164;

impl Number {
    /// The digits as one integer: what the dice are thrown with.
    pub(crate) fn digits(self) -> u64 {
        self.0
    }
}

impl FromStr for Number {
    type Err = NotE164;

    fn from_str(text: &str) -> Result<Self, NotE164> {
        let digits = text.strip_prefix('+').ok_or(NotE164)?;
        let shaped = (7..=15).contains(&digits.len())
            && digits.bytes().all(|b| b.is_ascii_digit())
            && !digits.starts_with('0');
        if !shaped {
            return Err(NotE164);
        }
        digits.parse().map(Self).map_err(|_| NotE164)
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "+{}", self.0)
    }
}

impl fmt::Debug for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Number(..{:02})", self.0 % 100)
    }
}

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_e164_is_a_number() {
        let table = [
            ("+447700900123", true, "a mobile"),
            ("+1234567", true, "the shortest we take"),
            ("+123456789012345", true, "fifteen digits, the most that E.164 has"),
            ("+1234567890123456", false, "sixteen digits"),
            ("447700900123", false, "no plus"),
            ("+047700900123", false, "no country begins with 0"),
            ("+44 7700 900123", false, "spaces"),
            ("+", false, "nothing"),
        ];
        for (text, good, why) in table {
            let parsed = text.parse::<Number>();
            assert_eq!(parsed.is_ok(), good, "{why}");
            if let Ok(number) = parsed {
                assert_eq!(number.to_string(), text, "{why}: it comes back as it went in");
            }
        }
    }

    #[test]
    fn debug_shows_two_digits_only() {
        let number: Number = "+447700900123".parse().unwrap();
        assert_eq!(format!("{number:?}"), "Number(..23)");
    }
}
