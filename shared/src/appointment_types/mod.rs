//! The tenant's types of appointments: what each is called, what the voice may say of it, and whether it says too much.
//!
//! An appointment names its type by a text, as calendars and imports do. The text is of a listed type if, folded, it is what
//! the type is called or was called before: an old appointment keeps the protection of its type when that is renamed.

pub mod store;

use chrono::{DateTime, Utc};

use crate::appointments::Label;
use crate::ids::AppointmentTypeId;
use crate::search::fold;

/// Most types of a tenant.
pub const MOST: usize = 200;
/// Most characters of a name, and of a spoken name: as of an appointment's own text.
pub const MOST_NAME: usize = 80;
/// Most names of a type: the one that it has and those that it had.
pub const MOST_NAMES: usize = 50;

/// A type of appointments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppointmentType {
    /// Its id.
    pub id: AppointmentTypeId,
    /// What it is called.
    pub name: Label,
    /// Its names, folded: what it is called, then what it was called before.
    pub names: Vec<String>,
    /// What the voice says of it. None: nothing.
    pub spoken_name: Option<Label>,
    /// It may say what somebody is treated for: never spoken, and shown by role.
    pub sensitive: bool,
    /// How long such an appointment takes unless it says so itself, 5 to 480 minutes.
    pub duration_minutes: Option<u16>,
    /// New appointments may be of it.
    pub active: bool,
    /// Counts changes.
    pub version: i32,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

impl AppointmentType {
    /// A new one, of which the voice says nothing.
    pub fn new(name: Label, at: DateTime<Utc>) -> Self {
        Self {
            id: AppointmentTypeId::new(),
            names: vec![key(&name)],
            name,
            spoken_name: None,
            sensitive: false,
            duration_minutes: None,
            active: true,
            version: 1,
            created_at: at,
            updated_at: at,
        }
    }

    /// Calls it otherwise. What it was called before stays its own.
    pub fn rename(&mut self, name: Label) {
        rename(&mut self.names, &name);
        self.name = name;
    }

    /// Whether a text is one of its names.
    pub fn is_called(&self, text: &Label) -> bool {
        self.names.contains(&key(text))
    }
}

/// What makes two names the same: neither case nor accents nor white space tell them apart.
pub fn key(name: &Label) -> String {
    key_of(name.as_str())
}

/// The same of a text that nobody has read as a name.
pub fn key_of(text: &str) -> String {
    fold(text).as_str().to_owned()
}

/// Puts a name before all that there were.
pub(crate) fn rename(names: &mut Vec<String>, name: &Label) {
    let key = key(name);
    names.retain(|one| *one != key);
    names.insert(0, key);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label(text: &str) -> Label {
        Label::parse(text, MOST_NAME).unwrap()
    }

    #[test]
    fn a_type_answers_to_what_it_is_called_and_was_called() {
        let mut kind = AppointmentType::new(label("Oncology"), DateTime::UNIX_EPOCH);
        kind.rename(label("Clinic  C"));
        for (text, is_called, why) in [
            ("clinic c", true, "what it is called, in any case and spacing"),
            ("ONCOLOGY", true, "what it was called"),
            ("Onkology", false, "another word"),
        ] {
            assert_eq!(kind.is_called(&label(text)), is_called, "{why}");
        }
        kind.rename(label("Oncology"));
        assert_eq!(kind.names, ["oncology", "clinic c"], "each name once, the present one first");
    }
}
