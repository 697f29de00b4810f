//! The rule on passwords: 8 or more with upper case, lower case and digit, and not a common one (rules: people and access).
//!
//! What makes a password common is its core: `P@ssw0rd2026!` is `password` with what everybody adds to satisfy such a rule.
//! So the core is looked up, after the digits and signs around it are taken off and letters are put back for the digits
//! and signs that stand for them.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::LazyLock;

use zeroize::Zeroizing;

/// Fewest characters.
pub const FEWEST: usize = 8;
/// Most characters: more is a way to keep the server busy, not to be safe.
pub const MOST: usize = 128;

/// Why a password is refused. Carries no part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Fewer than 8 characters.
    #[error("a password has at least {FEWEST} characters")]
    TooShort,
    /// More than 128 characters.
    #[error("a password has at most {MOST} characters")]
    TooLong,
    /// No letter in upper case.
    #[error("a password has an upper-case letter")]
    NoUpperCase,
    /// No letter in lower case.
    #[error("a password has a lower-case letter")]
    NoLowerCase,
    /// No digit.
    #[error("a password has a digit")]
    NoDigit,
    /// Among those that are tried first.
    #[error("this password is among those that are tried first: choose other words")]
    Common,
}

/// A password that the rule accepts, to be hashed. Wiped when dropped.
#[derive(Clone)]
pub struct NewPassword(Zeroizing<String>);

impl NewPassword {
    /// The password in `text`, as it is: spaces count, nothing is trimmed or cut.
    ///
    /// # Errors
    /// [`PasswordError`], the first that applies.
    pub fn parse(text: &str) -> Result<Self, PasswordError> {
        let count = text.chars().count();
        if count < FEWEST {
            return Err(PasswordError::TooShort);
        }
        if count > MOST {
            return Err(PasswordError::TooLong);
        }
        if !text.chars().any(char::is_uppercase) {
            return Err(PasswordError::NoUpperCase);
        }
        if !text.chars().any(char::is_lowercase) {
            return Err(PasswordError::NoLowerCase);
        }
        if !text.chars().any(|c| c.is_ascii_digit()) {
            return Err(PasswordError::NoDigit);
        }
        if is_common(text) {
            return Err(PasswordError::Common);
        }
        Ok(Self(Zeroizing::new(text.to_owned())))
    }

    /// The password, to be hashed.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for NewPassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NewPassword(..)")
    }
}

static COMMON: LazyLock<BTreeSet<&'static str>> = LazyLock::new(|| {
    include_str!("common_passwords.txt")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .flat_map(str::split_whitespace)
        .collect()
});

fn is_common(text: &str) -> bool {
    let lower = Zeroizing::new(text.to_lowercase());
    // One sign over and over, or two in turn.
    let distinct: BTreeSet<char> = lower.chars().collect();
    if distinct.len() < 4 {
        return true;
    }
    let core = lower.trim_matches(|c: char| !c.is_alphabetic());
    let plain = |text: &str| Zeroizing::new(text.chars().map(meant).collect::<String>());
    let letters =
        |text: &str| Zeroizing::new(text.chars().filter(|c| c.is_alphabetic()).collect::<String>());
    // `passw0rd1`, `p@ssw0rd1`, `1q2w3e4r`, `pass-word1`: each of these is one of the list.
    let readings = [
        lower.clone(),
        Zeroizing::new(core.to_owned()),
        plain(lower.trim_end_matches(|c: char| c.is_ascii_digit() || c.is_ascii_punctuation())),
        plain(core),
        letters(core),
        letters(&plain(core)),
    ];
    readings.iter().any(|reading| {
        let reading = reading.as_str();
        // A core of two letters or less is no word at all: `Ab123456`.
        reading.chars().count() <= 2 || COMMON.contains(reading) || halves_are_the_same(reading)
    })
}

/// `summersummer`.
fn halves_are_the_same(text: &str) -> bool {
    let middle = text.len() / 2;
    text.is_char_boundary(middle)
        && text[..middle] == text[middle..]
        && COMMON.contains(&text[..middle])
}

/// The letter for which a digit or sign stands.
fn meant(c: char) -> char {
    match c {
        '0' => 'o',
        '1' | '!' | '|' => 'i',
        '3' | '€' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '7' | '+' => 't',
        '8' => 'b',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn passwords_that_the_rule_accepts() {
        for text in [
            "Correct4Horse",
            "tiny Teapot 7 spills",
            "Zürich8zug",
            "x9Kq2mPw",
            "Пароль7сложный",
            &format!("A1{}", "bcde".repeat(31)),
        ] {
            assert!(NewPassword::parse(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn passwords_that_are_refused_and_why() {
        use PasswordError::*;
        for (text, expected, why) in [
            ("Ab1", TooShort, "three characters"),
            ("Zügel7é", TooShort, "seven characters in more bytes"),
            (&format!("A1{}", "b".repeat(127)), TooLong, "129 characters"),
            ("correct4horse", NoUpperCase, "no capital"),
            ("CORRECT4HORSE", NoLowerCase, "capitals only"),
            ("CorrectHorse", NoDigit, "no digit"),
            ("Password1", Common, "the classic"),
            ("Passw0rd", Common, "with a nought"),
            ("P@ssw0rd2026!", Common, "with everything"),
            ("Welcome123", Common, "the help desk's"),
            ("Qwertyuiop1", Common, "a row of keys"),
            ("1Q2w3e4r5t", Common, "two rows of keys"),
            ("Summer2026", Common, "a season and a year"),
            ("November22", Common, "a month"),
            ("Vioconcierge1", Common, "the product"),
            ("Abc12345", Common, "the alphabet"),
            ("Ab123456", Common, "hardly a letter"),
            ("Aaaaaaa1", Common, "one letter over and over"),
            ("SummerSummer1", Common, "a common one twice"),
            ("Pass-Word-1", Common, "with hyphens"),
        ] {
            assert_eq!(NewPassword::parse(text).err(), Some(expected), "{why}: {text}");
        }
    }

    #[test]
    fn the_list_is_read_whole() {
        assert!(COMMON.len() > 300, "{}", COMMON.len());
        assert!(COMMON.iter().all(|word| *word == word.to_lowercase() && word.len() > 2));
        assert_eq!(
            format!("{:?}", NewPassword::parse("Correct4Horse").unwrap()),
            "NewPassword(..)"
        );
    }

    proptest! {
        #[test]
        fn no_text_makes_the_rule_panic(text in ".{0,140}") {
            let _verdict = NewPassword::parse(&text);
        }
    }
}
