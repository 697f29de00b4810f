//! Groups: sets of contacts that a tenant puts together by hand. A group holds nobody: deleting one keeps its contacts.

mod figures;
pub mod store;
pub mod tell;
#[cfg(test)]
mod tests;

use std::str::FromStr;

use chrono::{DateTime, Utc};

use crate::contacts::text::{self, TextError};
use crate::ids::GroupId;
use crate::search::fold;

pub use figures::{Cell, FEWEST, Figures, Shown};

/// Most characters of a [`GroupName`].
pub const MOST_NAME: usize = 50;
/// Most characters of a [`Description`].
pub const MOST_DESCRIPTION: usize = 255;
/// Most contacts that one request adds or takes out: the bound of bulk work.
pub const MOST_AT_ONCE: usize = 10_000;

/// A set of contacts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Its id.
    pub id: GroupId,
    /// What staff call it; unlike every other group's of the tenant.
    pub name: GroupName,
    /// What it is for.
    pub description: Option<Description>,
    /// How it is told apart at a glance.
    pub colour: Colour,
    /// Since when it is out of the way: it and its members stay as they are.
    pub archived_at: Option<DateTime<Utc>>,
    /// Counts changes of the fields above. Members come and go without it, so that a renaming isn't refused for them.
    pub version: i32,
    /// Who made it: an actor of the audit chain.
    pub created_by: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When one of the fields above was last changed.
    pub updated_at: DateTime<Utc>,
    /// When somebody was last added or taken out.
    pub members_changed_at: Option<DateTime<Utc>>,
}

impl Group {
    /// When the group itself or who is in it was last changed.
    pub fn changed_at(&self) -> DateTime<Utc> {
        self.members_changed_at.map_or(self.updated_at, |at| at.max(self.updated_at))
    }
}

/// A group's name: one line, up to [`MOST_NAME`] characters, trimmed and composed.
///
/// The tenant's words about a purpose, not about a person, so it is not sealed and may be printed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupName(String);

impl GroupName {
    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Folded: names that differ by case, accents or white space only are the same.
    pub fn key(&self) -> String {
        fold(&self.0).to_string()
    }
}

impl FromStr for GroupName {
    type Err = TextError;

    fn from_str(raw: &str) -> Result<Self, Self::Err> {
        let name = Self(text::read(raw, MOST_NAME, |_| false)?);
        // Characters that nobody sees name nothing.
        if name.key().is_empty() { Err(TextError::Empty) } else { Ok(name) }
    }
}

/// What a group is for: lines and tabs allowed, up to [`MOST_DESCRIPTION`] characters, trimmed and composed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description(String);

impl Description {
    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Description {
    type Err = TextError;

    fn from_str(raw: &str) -> Result<Self, Self::Err> {
        let unix_lines = raw.replace("\r\n", "\n");
        text::read(&unix_lines, MOST_DESCRIPTION, |c| matches!(c, '\n' | '\t')).map(Self)
    }
}

/// The palette.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "GroupColour")]
pub enum Colour {
    /// `#c62828`
    Red,
    /// `#d84315`
    Orange,
    /// `#f9a825`
    Yellow,
    /// `#2e7d32`
    Green,
    /// `#00796b`
    Teal,
    /// `#1565c0`
    Blue,
    /// `#6a1b9a`
    Purple,
    /// `#616161`
    Grey,
}

impl Colour {
    /// All of them, in the order in which they are offered.
    pub const PALETTE: [Self; 8] = [
        Self::Red,
        Self::Orange,
        Self::Yellow,
        Self::Green,
        Self::Teal,
        Self::Blue,
        Self::Purple,
        Self::Grey,
    ];

    /// The word in the database and in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Red => "red",
            Self::Orange => "orange",
            Self::Yellow => "yellow",
            Self::Green => "green",
            Self::Teal => "teal",
            Self::Blue => "blue",
            Self::Purple => "purple",
            Self::Grey => "grey",
        }
    }

    /// What a client paints: `#rrggbb`, the same in every client.
    pub fn hex(self) -> &'static str {
        match self {
            Self::Red => "#c62828",
            Self::Orange => "#d84315",
            Self::Yellow => "#f9a825",
            Self::Green => "#2e7d32",
            Self::Teal => "#00796b",
            Self::Blue => "#1565c0",
            Self::Purple => "#6a1b9a",
            Self::Grey => "#616161",
        }
    }

    /// The colour of a word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::PALETTE.into_iter().find(|colour| colour.as_str() == word)
    }
}
