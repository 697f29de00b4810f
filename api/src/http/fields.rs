//! Gathering what is wrong with a body, so that all of it is told at once.

use shared::search::Span;

use super::problem::{FieldError, Problem};

/// An error that clients may match on.
pub(crate) trait Code: std::fmt::Display {
    /// Stable.
    fn code(&self) -> &'static str;
}

/// Controls of terminals, and those that turn the direction of text: a name must read as it is stored.
fn is_hidden_control(c: char) -> bool {
    let turns = matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    turns || (c.is_control() && c != '\n' && c != '\t')
}

/// The faults found so far. `at` is where in the body the fields lie: `/appointment`, or nothing.
#[derive(Debug, Default)]
pub(crate) struct Fields {
    at: String,
    errors: Vec<FieldError>,
}

impl Fields {
    /// Reads `read` with its fields below `at`.
    pub(crate) fn below<T>(&mut self, at: &str, read: impl FnOnce(&mut Self) -> T) -> T {
        let length = self.at.len();
        self.at.push_str(at);
        let result = read(self);
        self.at.truncate(length);
        result
    }

    /// Notes that `field` is wrong.
    pub(crate) fn fault(&mut self, field: &str, code: &'static str, detail: impl Into<String>) {
        let field = format!("{}/{field}", self.at);
        self.errors.push(FieldError { field, code, detail: detail.into(), place: None });
    }

    /// Notes that a part of the text of `field` is wrong.
    pub(crate) fn fault_at(
        &mut self,
        field: &str,
        code: &'static str,
        detail: impl Into<String>,
        place: Span,
    ) {
        let field = format!("{}/{field}", self.at);
        self.errors.push(FieldError { field, code, detail: detail.into(), place: Some(place) });
    }

    /// The value of `field`, or its fault noted.
    pub(crate) fn take<T, E: Code>(&mut self, field: &str, read: Result<T, E>) -> Option<T> {
        match read {
            Ok(value) => Some(value),
            Err(error) => {
                self.fault(field, error.code(), error.to_string());
                None
            }
        }
    }

    /// A number of `field` within `range`, or its fault noted.
    pub(crate) fn within(
        &mut self,
        field: &str,
        value: i64,
        range: std::ops::RangeInclusive<u16>,
    ) -> Option<u16> {
        let found = u16::try_from(value).ok().filter(|value| range.contains(value));
        if found.is_none() {
            let detail =
                format!("must be a whole number from {} to {}", range.start(), range.end());
            self.fault(field, "out_of_range", detail);
        }
        found
    }

    /// Text of `field` that is not empty and has at most `most` characters, trimmed; or its fault noted.
    pub(crate) fn text(&mut self, field: &str, raw: &str, most: usize) -> Option<String> {
        let text = raw.trim();
        if text.is_empty() {
            self.fault(field, "empty", "must not be empty");
        } else if text.chars().count() > most {
            self.fault(field, "too_long", format!("must be at most {most} characters"));
        } else if text.chars().any(is_hidden_control) {
            self.fault(field, "control_character", "must not have control characters");
        } else {
            return Some(text.to_owned());
        }
        None
    }

    /// What was built, or every fault.
    pub(crate) fn finish<T>(self, built: Option<T>) -> Result<T, Problem> {
        match built {
            Some(built) if self.errors.is_empty() => Ok(built),
            _ if self.errors.is_empty() => {
                Err(Problem::Internal(anyhow::anyhow!("a field was refused without a fault")))
            }
            _ => Err(Problem::Invalid(self.errors)),
        }
    }
}
