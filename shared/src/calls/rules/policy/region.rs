//! Regions of telephone numbers.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A region by its ISO 3166 code of two capitals, `GB`.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
#[serde(into = "String", try_from = "String")]
#[schemars(inline, extend("pattern" = "^[A-Z]{2}$", "examples" = ["GB"]))]
pub struct Region([u8; 2]);

/// The text isn't two capital letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a region is written as two capital letters")]
pub struct BadRegion;

impl Region {
    /// Great Britain and Northern Ireland, Guernsey, Jersey, the Isle of Man: one numbering plan, +44.
    pub const HOME: [Self; 4] = [Self(*b"GB"), Self(*b"GG"), Self(*b"JE"), Self(*b"IM")];
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|letter| write!(f, "{}", char::from(*letter)))
    }
}

impl TryFrom<String> for Region {
    type Error = BadRegion;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        match *text.as_bytes() {
            [a, b] if a.is_ascii_uppercase() && b.is_ascii_uppercase() => Ok(Self([a, b])),
            _ => Err(BadRegion),
        }
    }
}

impl From<Region> for String {
    fn from(region: Region) -> Self {
        region.to_string()
    }
}
