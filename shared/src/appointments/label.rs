//! Short texts about an appointment: what it is for, with whom, where.

use crate::contacts::text::composed;

/// Why a label is refused. Carries no part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LabelError {
    /// Nothing but white space: leave it out instead.
    #[error("the text is empty")]
    Empty,
    /// More characters than this.
    #[error("the text is longer than {most} characters")]
    TooLong {
        /// The most that are allowed.
        most: usize,
    },
    /// A control character, or one that reverses what follows.
    #[error("the text has a control character")]
    ControlCharacter,
    /// `{{` or `}}`: the voice provider would put one of its variables there.
    #[error("the text has a placeholder")]
    Placeholder,
}

/// One line of text that the voice may say. Not about the contact, yet `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Label(String);

impl Label {
    /// Reads a label of at most `most` characters.
    ///
    /// # Errors
    /// [`LabelError`].
    pub fn parse(raw: &str, most: usize) -> Result<Self, LabelError> {
        let text = composed(raw.trim());
        if text.is_empty() {
            return Err(LabelError::Empty);
        }
        if text.chars().count() > most {
            return Err(LabelError::TooLong { most });
        }
        let turns = |c| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if text.chars().any(|c| c.is_control() || turns(c)) {
            return Err(LabelError::ControlCharacter);
        }
        if text.contains("{{") || text.contains("}}") {
            return Err(LabelError::Placeholder);
        }
        Ok(Self(text))
    }

    /// A label that was accepted earlier.
    pub(crate) fn stored(text: String) -> Self {
        Self(text)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Label {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Label(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_one_short_line() {
        for (raw, expected, why) in [
            (" Check-up ", Ok("Check-up"), "trimmed"),
            ("", Err(LabelError::Empty), "nothing"),
            ("123456789", Err(LabelError::TooLong { most: 8 }), "one too many"),
            ("a\nb", Err(LabelError::ControlCharacter), "two lines"),
            ("{{name}}", Err(LabelError::Placeholder), "filled in by the provider"),
        ] {
            let label = Label::parse(raw, 8);
            assert_eq!(label.as_ref().map(Label::as_str).map_err(|e| *e), expected, "{why}");
        }
    }
}
