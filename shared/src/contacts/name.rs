//! Names of people.

use std::fmt;
use std::str::FromStr;

use crate::contacts::text::composed;
use unicode_properties::{GeneralCategory, GeneralCategoryGroup, UnicodeGeneralCategory};

/// Fewest and most characters of a name.
const LENGTHS: std::ops::RangeInclusive<usize> = 2..=200;

/// Why a name is refused. Carries no part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PersonNameError {
    /// Fewer than 2 characters.
    #[error("the name is shorter than 2 characters")]
    TooShort,
    /// More than 200 characters.
    #[error("the name is longer than 200 characters")]
    TooLong,
    /// Something other than letters, their marks, spaces, hyphens, apostrophes and full stops.
    #[error(
        "the name has a character other than letters, spaces, hyphens, apostrophes and full stops"
    )]
    BadCharacter,
    /// Only punctuation.
    #[error("the name has no letter")]
    NoLetter,
}

/// How much of a name is said aloud, by the tenant's policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SpokenForm {
    /// The whole name.
    #[default]
    Full,
    /// The first word, and the first letter of the last.
    FirstNameAndInitial,
}

/// A person's name: 2 to 200 characters, letters of any script and their marks, spaces, hyphens, apostrophes and full
/// stops, in Unicode's composed form (NFC), single spaces between words.
///
/// Personal data: `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PersonName(String);

impl PersonName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What the voice says.
    pub fn spoken(&self, form: SpokenForm) -> String {
        match form {
            SpokenForm::Full => self.0.clone(),
            SpokenForm::FirstNameAndInitial => self.first_and_initial(),
        }
    }

    fn first_and_initial(&self) -> String {
        let mut words = self.0.split(' ').filter(|word| word.chars().any(is_letter));
        // A name without a letter was refused, so there is a first word.
        let first = words.next().unwrap_or_default();
        match words.next_back().and_then(initial) {
            Some(initial) => format!("{first} {initial}"),
            None => first.to_owned(),
        }
    }
}

impl FromStr for PersonName {
    type Err = PersonNameError;

    fn from_str(raw: &str) -> Result<Self, Self::Err> {
        // Counted before composing too, so that a huge input costs nothing; NFC never makes 1 character of over 4.
        if raw.len() > LENGTHS.end() * 4 * 4 {
            return Err(PersonNameError::TooLong);
        }
        let name = composed(raw.trim());
        let mut composed = String::with_capacity(name.len());
        let mut before = ' ';
        for c in name.chars() {
            match c {
                c if c.general_category() == GeneralCategory::SpaceSeparator => {
                    if before != ' ' {
                        composed.push(' ');
                    }
                    before = ' ';
                    continue;
                }
                c if is_letter(c) || is_punctuation(c) => composed.push(c),
                c if (is_mark(c) || is_joiner(c)) && (is_letter(before) || is_mark(before)) => {
                    composed.push(c);
                }
                _ => return Err(PersonNameError::BadCharacter),
            }
            before = c;
        }
        let count = composed.chars().count();
        if count < *LENGTHS.start() {
            return Err(PersonNameError::TooShort);
        }
        if count > *LENGTHS.end() {
            return Err(PersonNameError::TooLong);
        }
        if !composed.chars().any(is_letter) {
            return Err(PersonNameError::NoLetter);
        }
        Ok(Self(composed))
    }
}

impl fmt::Debug for PersonName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PersonName(..)")
    }
}

/// The first letter of `word` with its marks, as a capital.
fn initial(word: &str) -> Option<String> {
    let start = word.find(is_letter)?;
    let mut letters = word[start..].chars();
    let first = letters.next()?;
    Some(first.to_uppercase().chain(letters.take_while(|c| is_mark(*c))).collect())
}

fn is_letter(c: char) -> bool {
    c.general_category_group() == GeneralCategoryGroup::Letter
}

fn is_mark(c: char) -> bool {
    c.general_category_group() == GeneralCategoryGroup::Mark
}

/// Invisible, yet part of the spelling of Persian and several Indian names.
fn is_joiner(c: char) -> bool {
    matches!(c, '\u{200c}' | '\u{200d}')
}

fn is_punctuation(c: char) -> bool {
    let apostrophe = matches!(c, '\'' | '\u{2018}' | '\u{2019}');
    let hyphen = matches!(c, '-' | '\u{2010}' | '\u{2011}');
    apostrophe || hyphen || c == '.'
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(raw: &str) -> Result<String, PersonNameError> {
        raw.parse().map(|name: PersonName| name.as_str().to_owned())
    }

    #[test]
    fn names_of_any_script_are_names() {
        for (raw, stored, why) in [
            ("  Ada Lovelace\t", "Ada Lovelace", "trimmed"),
            ("Ada  \u{a0}Lovelace", "Ada Lovelace", "one space between words"),
            ("Conan O'Brien", "Conan O'Brien", "an apostrophe"),
            ("Conan O\u{2019}Brien", "Conan O\u{2019}Brien", "a typographic apostrophe"),
            ("Dr. J.-P. Smith-Jones", "Dr. J.-P. Smith-Jones", "full stops and hyphens"),
            ("Zoe\u{308}", "Zo\u{eb}", "composed"),
            ("Łukasz Żółć", "Łukasz Żółć", "Polish"),
            ("王芳", "王芳", "two characters are a name"),
            ("Наталья Иванова", "Наталья Иванова", "Cyrillic"),
            ("محمد الأحمد", "محمد الأحمد", "Arabic"),
            ("علی\u{200c}رضا", "علی\u{200c}رضا", "Persian, with its joiner"),
            ("प्रिया शर्मा", "प्रिया शर्मा", "Hindi, with its marks"),
        ] {
            assert_eq!(parse(raw).as_deref(), Ok(stored), "{why}");
        }
    }

    #[test]
    fn what_is_no_name_is_refused() {
        use PersonNameError::*;
        let long = "a".repeat(201);
        for (raw, error, why) in [
            ("", TooShort, "nothing"),
            (" A ", TooShort, "one letter"),
            (long.as_str(), TooLong, "201 letters"),
            (&"a".repeat(100_000), TooLong, "a whole book"),
            ("-.'", NoLetter, "punctuation only"),
            ("Ada 2", BadCharacter, "a digit"),
            ("Ada\u{0}", BadCharacter, "a control character"),
            ("Ada\nBob", BadCharacter, "two lines"),
            ("=cmd()", BadCharacter, "a formula"),
            ("{{user_number}}", BadCharacter, "a placeholder of the voice provider"),
            ("Ada \u{202e}adA", BadCharacter, "reversed text"),
            ("Ada 😀", BadCharacter, "a picture"),
            ("A\u{200b}da", BadCharacter, "a hidden space"),
            ("\u{301}Ada", BadCharacter, "a mark on nothing"),
        ] {
            assert_eq!(parse(raw), Err(error), "{why}");
        }
        assert!(parse(&"a".repeat(200)).is_ok(), "200 letters are the most");
    }

    #[test]
    fn the_spoken_name_follows_the_policy() {
        for (name, short, why) in [
            ("Ada Lovelace", "Ada L", "first name and initial"),
            ("Ada", "Ada", "nothing to shorten"),
            ("Ada King Lovelace", "Ada L", "the last word counts"),
            ("Conan o'Brien", "Conan O", "a capital"),
            ("Jan van \u{2019}t Hooft", "Jan H", "not the apostrophe"),
            ("Mia \u{c9}clair", "Mia \u{c9}", "the letter with its accent"),
            ("Ada -", "Ada", "a dash is no word"),
        ] {
            let name: PersonName = name.parse().unwrap();
            assert_eq!(name.spoken(SpokenForm::FirstNameAndInitial), short, "{why}");
            assert_eq!(name.spoken(SpokenForm::Full), name.as_str(), "{why}");
        }
    }

    #[test]
    fn nothing_of_a_name_is_printed() {
        let name: PersonName = "Ada Lovelace".parse().unwrap();
        assert_eq!(format!("{name:?}"), "PersonName(..)");
    }

    proptest! {
        #[test]
        fn a_name_once_read_reads_the_same_again(raw in "[\\p{L}\\p{M}\\p{Zs}.'\u{2019}-]{0,30}|.{0,20}") {
            if let Ok(name) = raw.parse::<PersonName>() {
                prop_assert!(LENGTHS.contains(&name.as_str().chars().count()));
                prop_assert!(!name.spoken(SpokenForm::FirstNameAndInitial).is_empty());
                prop_assert_eq!(name.as_str().parse::<PersonName>(), Ok(name));
            }
        }
    }
}
