//! Gathering what is wrong with a body, so that all of it is told at once.

use shared::screening::{Detection, Outcome};
use shared::search::Span;

use super::problem::{FieldError, Problem};
use crate::app::Work;

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

/// The faults found so far, and the texts that were screened. `at` is where in the body the fields lie: `/appointment`, or nothing.
#[derive(Debug, Default)]
pub(crate) struct Fields {
    at: String,
    errors: Vec<FieldError>,
    screened: Vec<Detection>,
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
        // No name: what is below `at` as a whole.
        let field = if field.is_empty() { self.at.clone() } else { format!("{}/{field}", self.at) };
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

    /// Notes what screening a text came to. [`finish_in`](Self::finish_in) then takes care that it goes on record.
    pub(crate) fn screened(&mut self, detection: Detection) {
        self.screened.push(detection);
    }

    /// What was built, or every fault.
    pub(crate) fn finish<T>(self, built: Option<T>) -> Result<T, Problem> {
        debug_assert!(self.screened.is_empty(), "texts that were screened go on record: finish_in");
        finish(self.errors, Vec::new(), built)
    }

    /// What was built, or every fault. Texts that were screened go on record: with what `work` commits, or because they were refused.
    pub(crate) fn finish_in<T>(self, work: &mut Work, built: Option<T>) -> Result<T, Problem> {
        let Self { errors, screened, .. } = self;
        if !errors.is_empty() {
            return finish(errors, screened, built);
        }
        work.screened.extend(screened);
        finish(errors, Vec::new(), built)
    }

    /// What was built, or every fault; and what was screened, for whoever takes care that it goes on record.
    pub(crate) fn finish_apart<T>(self, built: Option<T>) -> (Result<T, Problem>, Vec<Detection>) {
        let Self { errors, mut screened, .. } = self;
        if !errors.is_empty() {
            screened.retain(was_refused);
        }
        (finish(errors, Vec::new(), built), screened)
    }
}

/// Of texts that were not saved only those go on record that were refused for what is in them: the others are sent again.
fn finish<T>(
    errors: Vec<FieldError>,
    mut screened: Vec<Detection>,
    built: Option<T>,
) -> Result<T, Problem> {
    screened.retain(was_refused);
    match built {
        Some(built) if errors.is_empty() => Ok(built),
        _ if errors.is_empty() => {
            Err(Problem::Internal(anyhow::anyhow!("a field was refused without a fault")))
        }
        _ if screened.is_empty() => Err(Problem::Invalid(errors)),
        _ => Err(Problem::Screened { errors, refused: screened }),
    }
}

fn was_refused(detection: &Detection) -> bool {
    detection.outcome == Outcome::Refused
}
