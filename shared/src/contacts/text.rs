//! Free text: what the voice says besides the appointment, and what staff note.
//!
//! Only the form is checked here; screening for health information is another question.

use std::fmt;
use std::str::FromStr;

use unicode_normalization::UnicodeNormalization;

/// Most characters of a [`VoiceText`].
pub const MOST_VOICE_TEXT: usize = 300;
/// Most characters of [`Notes`].
pub const MOST_NOTES: usize = 10_000;

/// Why a text is refused. Carries no part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// Nothing but white space: leave the text out instead.
    #[error("the text is empty")]
    Empty,
    /// More characters than this.
    #[error("the text is longer than {most} characters")]
    TooLong {
        /// The most that are allowed.
        most: usize,
    },
    /// A control character, or one that reverses the direction of what follows.
    #[error("the text has a control character")]
    ControlCharacter,
    /// `{{` or `}}`: the voice provider would put one of its variables there.
    #[error("the text has a placeholder")]
    Placeholder,
}

/// What the voice may say besides the appointment: one line, up to 300 characters.
///
/// Personal data: `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct VoiceText(String);

impl VoiceText {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for VoiceText {
    type Err = TextError;

    fn from_str(raw: &str) -> Result<Self, Self::Err> {
        let text = read(raw, MOST_VOICE_TEXT, |_| false)?;
        if text.contains("{{") || text.contains("}}") {
            return Err(TextError::Placeholder);
        }
        Ok(Self(text))
    }
}

impl fmt::Debug for VoiceText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("VoiceText(..)")
    }
}

/// Notes of the staff: lines and tabs allowed, up to 10,000 characters. Never sent to the voice provider.
///
/// Personal data: `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Notes(String);

impl Notes {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Notes {
    type Err = TextError;

    fn from_str(raw: &str) -> Result<Self, Self::Err> {
        let unix_lines = raw.replace("\r\n", "\n");
        read(&unix_lines, MOST_NOTES, |c| matches!(c, '\n' | '\t')).map(Self)
    }
}

impl fmt::Debug for Notes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Notes(..)")
    }
}

/// `raw` in Unicode's composed form (NFC). Each read of a stored text comes here: ASCII, which is composed, is not taken apart.
pub(crate) fn composed(raw: &str) -> String {
    if raw.is_ascii() { raw.to_owned() } else { raw.nfc().collect() }
}

/// `raw`, trimmed and composed (NFC), without control characters but those that `allowed` lets pass.
pub(crate) fn read(raw: &str, most: usize, allowed: fn(char) -> bool) -> Result<String, TextError> {
    let text = composed(raw.trim());
    if text.is_empty() {
        return Err(TextError::Empty);
    }
    if text.chars().count() > most {
        return Err(TextError::TooLong { most });
    }
    let turns = |c| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if text.chars().any(|c| (c.is_control() && !allowed(c)) || turns(c)) {
        return Err(TextError::ControlCharacter);
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_voice_text_is_one_speakable_line() {
        let voice = |raw: &str| raw.parse().map(|text: VoiceText| text.as_str().to_owned());
        let too_long = TextError::TooLong { most: 300 };
        for (raw, expected, why) in [
            (" Please bring £5. ", Ok("Please bring £5.".to_owned()), "trimmed"),
            (&"é".repeat(300), Ok("é".repeat(300)), "characters count, not bytes"),
            (&"e\u{301}".repeat(300), Ok("é".repeat(300)), "counted once composed"),
            (&"a".repeat(301), Err(too_long), "one too many"),
            ("  ", Err(TextError::Empty), "nothing to say"),
            ("one\ntwo", Err(TextError::ControlCharacter), "two lines"),
            ("bell\u{7}", Err(TextError::ControlCharacter), "not speakable"),
            ("\u{202e}txet", Err(TextError::ControlCharacter), "reversed"),
            ("Call {{user_number}}", Err(TextError::Placeholder), "filled in by the provider"),
        ] {
            assert_eq!(voice(raw), expected, "{why}");
        }
    }

    #[test]
    fn notes_may_have_lines() {
        let notes = |raw: &str| raw.parse().map(|text: Notes| text.as_str().to_owned());
        assert_eq!(notes("one\r\n\ttwo {{x}}").as_deref(), Ok("one\n\ttwo {{x}}"));
        assert!(notes(&"a".repeat(10_000)).is_ok());
        assert_eq!(notes(&"a".repeat(10_001)), Err(TextError::TooLong { most: 10_000 }));
        assert_eq!(notes("a\u{0}b"), Err(TextError::ControlCharacter));
    }

    #[test]
    fn nothing_of_a_text_is_printed() {
        let (voice, notes): (VoiceText, Notes) = ("abc".parse().unwrap(), "abc".parse().unwrap());
        assert_eq!(format!("{voice:?} {notes:?}"), "VoiceText(..) Notes(..)");
    }
}
