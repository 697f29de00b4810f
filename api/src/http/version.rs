//! Which version a change is of: `If-Match` (RFC 9110, 13.1.1).

use axum::extract::FromRequestParts;
use axum::http::header;
use axum::http::request::Parts;

use super::body::only;
use super::contract::{Draft, Takes};
use super::problem::{Kind, Problem};
use crate::app::App;

/// The version that the client has read, or any (`*`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IfMatch {
    /// Whatever there is.
    Any,
    /// This one.
    Version(i32),
    /// Something that was never a version of ours.
    Never,
}

impl IfMatch {
    /// Whether `version` is the one that was read.
    pub(crate) fn check(self, version: i32) -> Result<(), Problem> {
        match self {
            Self::Any => Ok(()),
            Self::Version(read) if read == version => Ok(()),
            Self::Version(_) | Self::Never => Err(Problem::PreconditionFailed),
        }
    }

    fn read(text: &str) -> Self {
        if text.trim() == "*" {
            return Self::Any;
        }
        let quoted = text.trim().strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        quoted.and_then(|version| version.parse().ok()).map_or(Self::Never, Self::Version)
    }
}

impl Takes for IfMatch {
    fn describe(draft: &mut Draft<'_>) {
        draft.header("If-Match");
        draft.fails(&[Kind::PreconditionRequired, Kind::PreconditionFailed]);
    }
}

impl FromRequestParts<App> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _app: &App) -> Result<Self, Problem> {
        parts.headers.get(header::IF_MATCH).ok_or(Problem::PreconditionRequired)?;
        let value = only(&parts.headers, &header::IF_MATCH).and_then(|value| value.to_str().ok());
        Ok(value.map_or(Self::Never, Self::read))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_version_that_was_read_matches() {
        for (text, matches, why) in [
            ("\"3\"", true, "the version"),
            ("*", true, "any"),
            ("\"2\"", false, "an older one"),
            ("3", false, "an ETag is quoted"),
            ("W/\"3\"", false, "weak ETags never match"),
            ("\"x\"", false, "no version"),
        ] {
            assert_eq!(IfMatch::read(text).check(3).is_ok(), matches, "{why}");
        }
    }
}
