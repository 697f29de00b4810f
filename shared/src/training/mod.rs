//! Training of staff (rules.md, HIPAA): modules, who completed which version when, and who is to be reminded. What the modules say
//! is docs/training.md.

pub mod store;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::ids::{CompletionId, UserId};

/// So many texts in which something was found remind whoever wrote them of [`Module::Hipaa`].
pub const REMINDED_AT: u64 = 3;
/// Texts older than these days remind nobody.
pub const REMINDED_WITHIN_DAYS: i64 = 30;

/// A module of the training.
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
#[serde(rename_all = "snake_case")]
#[schemars(rename = "TrainingModule")]
pub enum Module {
    /// What may be said and written about people's health.
    Hipaa,
    /// Contacts, appointments, groups and searches.
    Contacts,
    /// Calls, what came of them, and what then is to be done.
    Calls,
    /// Figures and reports.
    Analytics,
}

impl Module {
    /// In the order in which they are taken.
    pub const ALL: [Self; 4] = [Self::Hipaa, Self::Contacts, Self::Calls, Self::Analytics];

    /// The word in the database, and in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hipaa => "hipaa",
            Self::Contacts => "contacts",
            Self::Calls => "calls",
            Self::Analytics => "analytics",
        }
    }

    /// What it is called.
    pub fn title(self) -> &'static str {
        match self {
            Self::Hipaa => "HIPAA compliance for voice reminders",
            Self::Contacts => "Contact creation and management",
            Self::Calls => "Call management",
            Self::Analytics => "Analytics and reporting",
        }
    }

    /// The version of what docs/training.md says. Who raises it has everybody complete the module again.
    pub fn version(self) -> i32 {
        match self {
            Self::Hipaa | Self::Contacts | Self::Calls | Self::Analytics => 1,
        }
    }

    /// The module that a word of the database names; none, if another release wrote it.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|module| module.as_str() == word)
    }
}

/// Why a module is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "TrainingDue")]
pub enum Due {
    /// It was never completed.
    NeverCompleted,
    /// It says something else since it was.
    NewVersion,
    /// Three or more texts of the person had health information in them within 30 days, since it was completed.
    Detections,
}

/// The last time that somebody completed a module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Last {
    /// Which version.
    pub version: i32,
    /// When.
    pub at: DateTime<Utc>,
}

/// That somebody completes a module now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Completion {
    /// Its id.
    pub id: CompletionId,
    /// Who.
    pub user: UserId,
    /// Which module, in the version that holds.
    pub module: Module,
    /// When.
    pub at: DateTime<Utc>,
}

/// Whether a module is due, and why. `flagged`: texts in which something was found, within [`REMINDED_WITHIN_DAYS`] and since the
/// module was completed.
pub fn due(module: Module, last: Option<Last>, flagged: u64) -> Option<Due> {
    match last {
        None => Some(Due::NeverCompleted),
        Some(last) if last.version < module.version() => Some(Due::NewVersion),
        Some(_) if module == Module::Hipaa && flagged >= REMINDED_AT => Some(Due::Detections),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_is_due_by_what_is_known_of_it() {
        let last = |version| Some(Last { version, at: DateTime::UNIX_EPOCH });
        for (module, last, flagged, expected, why) in [
            (Module::Hipaa, None, 9, Some(Due::NeverCompleted), "that comes first"),
            (Module::Hipaa, last(0), 9, Some(Due::NewVersion), "then what is new"),
            (Module::Hipaa, last(1), 2, None, "two are not yet enough"),
            (Module::Hipaa, last(1), 3, Some(Due::Detections), "three are"),
            (Module::Calls, last(1), 9, None, "another module says nothing of it"),
            (Module::Calls, last(2), 0, None, "a newer release went before this one"),
        ] {
            assert_eq!(due(module, last, flagged), expected, "{why}");
        }
    }

    #[test]
    fn words_of_the_database_are_those_of_answers() {
        for module in Module::ALL {
            assert_eq!(serde_json::to_value(module).unwrap(), module.as_str());
            assert_eq!(Module::from_word(module.as_str()), Some(module));
        }
    }
}
