//! E-mail addresses.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

/// Lengths in bytes that SMTP allows (RFC 5321, 4.5.3.1; the whole less the two angle brackets of a path).
const MOST_LOCAL: usize = 64;
const MOST_LABEL: usize = 63;
const MOST_WHOLE: usize = 254;

/// Why an address is refused. Carries no part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EmailAddressError {
    /// Nothing but white space.
    #[error("the e-mail address is empty")]
    Empty,
    /// More than 254 bytes, or more than 64 before the at sign.
    #[error("the e-mail address is too long")]
    TooLong,
    /// Letters outside ASCII: many mail servers refuse them. A domain may be given in its `xn--` form.
    #[error("the e-mail address has a letter that not every mail server takes")]
    NotAscii,
    /// Not exactly one part before and one after the at sign.
    #[error("the e-mail address needs one @ with something on both sides")]
    NoAtSign,
    /// The part before the at sign.
    #[error("the part before the @ is not valid")]
    BadLocalPart,
    /// The part after the at sign.
    #[error("the part after the @ is not a domain name")]
    BadDomain,
}

/// An e-mail address, `name@domain.example`: the dot-atom form of RFC 5322 at a domain name with at least two labels.
///
/// Quoted names and address literals (`"a b"@[192.0.2.1]`) are refused: in a list of contacts they are mistakes. Kept
/// as written, compared in lower case. Personal data: `Debug` shows nothing of it.
#[derive(Clone)]
pub struct EmailAddress {
    written: String,
    lower: String,
}

impl EmailAddress {
    /// The address as it was written, to send to.
    pub fn as_str(&self) -> &str {
        &self.written
    }

    /// The address in lower case, to compare and to hash.
    pub fn normalised(&self) -> &str {
        &self.lower
    }
}

impl FromStr for EmailAddress {
    type Err = EmailAddressError;

    fn from_str(raw: &str) -> Result<Self, Self::Err> {
        let written = raw.trim();
        if written.is_empty() {
            return Err(EmailAddressError::Empty);
        }
        if written.len() > MOST_WHOLE {
            return Err(EmailAddressError::TooLong);
        }
        if !written.is_ascii() {
            return Err(EmailAddressError::NotAscii);
        }
        let (local, domain) = written.split_once('@').ok_or(EmailAddressError::NoAtSign)?;
        if local.is_empty() || domain.is_empty() || domain.contains('@') {
            return Err(EmailAddressError::NoAtSign);
        }
        if local.len() > MOST_LOCAL {
            return Err(EmailAddressError::TooLong);
        }
        if !local.split('.').all(|atom| !atom.is_empty() && atom.bytes().all(is_atom_byte)) {
            return Err(EmailAddressError::BadLocalPart);
        }
        if !is_domain(domain) {
            return Err(EmailAddressError::BadDomain);
        }
        Ok(Self { written: written.to_owned(), lower: written.to_ascii_lowercase() })
    }
}

impl PartialEq for EmailAddress {
    fn eq(&self, other: &Self) -> bool {
        self.lower == other.lower
    }
}

impl Eq for EmailAddress {}

impl Hash for EmailAddress {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.lower.hash(state);
    }
}

impl fmt::Debug for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EmailAddress(..)")
    }
}

/// `atext` of RFC 5322, 3.2.3.
fn is_atom_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte)
}

/// Two labels or more, each of letters, digits and inner hyphens; the last one not a number.
fn is_domain(domain: &str) -> bool {
    let is_label = |label: &str| {
        (1..=MOST_LABEL).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let last = domain.rsplit_once('.').map(|(_, last)| last);
    domain.split('.').all(is_label)
        && last.is_some_and(|last| last.len() > 1 && !last.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn error(raw: &str) -> Option<EmailAddressError> {
        raw.parse::<EmailAddress>().err()
    }

    #[test]
    fn addresses_in_use_are_accepted() {
        for raw in [
            "ada@example.com",
            " ada.lovelace+clinic@mail.example.co.uk ",
            "o'brien@example.ie",
            "a@b-c.example",
            "info@xn--caf-dma.example",
            &format!("{}@example.com", "a".repeat(64)),
        ] {
            assert_eq!(error(raw), None, "{raw}");
        }
    }

    #[test]
    fn what_no_mail_reaches_is_refused() {
        use EmailAddressError::*;
        let label = "a".repeat(64);
        for (raw, expected, why) in [
            (String::from(" "), Empty, "nothing"),
            ("example.com".into(), NoAtSign, "no at sign"),
            ("@example.com".into(), NoAtSign, "nobody"),
            ("ada@".into(), NoAtSign, "nowhere"),
            ("a@b@example.com".into(), NoAtSign, "two at signs"),
            ("a b@example.com".into(), BadLocalPart, "a space"),
            ("a..b@example.com".into(), BadLocalPart, "two dots"),
            (".a@example.com".into(), BadLocalPart, "a dot first"),
            ("a\r\nBcc: x@example.com".into(), BadLocalPart, "a smuggled header"),
            ("\"a b\"@example.com".into(), BadLocalPart, "quoted"),
            ("<a@example.com>".into(), BadLocalPart, "brackets"),
            ("a@localhost".into(), BadDomain, "one label"),
            ("a@example.com.".into(), BadDomain, "a dot last"),
            ("a@-example.com".into(), BadDomain, "a hyphen first"),
            ("a@ex_ample.com".into(), BadDomain, "an underscore"),
            ("a@192.0.2.1".into(), BadDomain, "an address of a machine"),
            ("a@example.c".into(), BadDomain, "no such top level"),
            (format!("a@{label}.com"), BadDomain, "a label of 64"),
            (format!("{label}a@example.com"), TooLong, "65 before the at sign"),
            (format!("a@{}com", "example.".repeat(32)), TooLong, "over 254"),
            ("zoë@example.com".into(), NotAscii, "a letter outside ASCII"),
        ] {
            assert_eq!(error(&raw), Some(expected), "{why}");
        }
    }

    #[test]
    fn case_is_kept_and_not_compared() {
        let (one, two): (EmailAddress, EmailAddress) =
            ("Ada@Example.COM".parse().unwrap(), "ada@example.com".parse().unwrap());
        assert_eq!(one, two);
        assert_eq!(one.as_str(), "Ada@Example.COM");
        assert_eq!(one.normalised(), "ada@example.com");
        assert_eq!(format!("{one:?}"), "EmailAddress(..)");
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(raw in "[a-zA-Z0-9.@+\\-_ ]{0,40}|.{0,30}") {
            if let Ok(address) = raw.parse::<EmailAddress>() {
                prop_assert_eq!(address.normalised().parse::<EmailAddress>(), Ok(address));
            }
        }
    }
}
