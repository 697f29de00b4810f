//! The tenant's lists, by what their entries are called.

use std::collections::{HashMap, HashSet};

use crate::appointment_types::{AppointmentType, key_of};
use crate::groups::GroupName;
use crate::locations::Location;

/// The tenant's groups, appointment types and locations.
#[derive(Debug, Default)]
pub struct Lists<'l> {
    types: HashMap<&'l str, &'l AppointmentType>,
    locations: HashMap<&'l str, &'l Location>,
    groups: HashSet<String>,
}

impl<'l> Lists<'l> {
    /// Of these entries. A tenant without types or locations is told nothing about them.
    pub fn new<'g>(
        types: &'l [AppointmentType],
        locations: &'l [Location],
        groups: impl IntoIterator<Item = &'g GroupName>,
    ) -> Self {
        // Where two entries had one name, the first is meant, as elsewhere.
        let mut lists =
            Self { groups: groups.into_iter().map(GroupName::key).collect(), ..Self::default() };
        for kind in types {
            kind.names.iter().for_each(|name| {
                lists.types.entry(name).or_insert(kind);
            });
        }
        for place in locations {
            place.names.iter().for_each(|name| {
                lists.locations.entry(name).or_insert(place);
            });
        }
        lists
    }

    pub(super) fn has_types(&self) -> bool {
        !self.types.is_empty()
    }

    pub(super) fn has_locations(&self) -> bool {
        !self.locations.is_empty()
    }

    pub(super) fn kind(&self, text: &str) -> Option<&'l AppointmentType> {
        self.types.get(key_of(text).as_str()).copied()
    }

    pub(super) fn location(&self, text: &str) -> Option<&'l Location> {
        self.locations.get(key_of(text).as_str()).copied()
    }

    pub(super) fn has_group(&self, name: &GroupName) -> bool {
        self.groups.contains(&name.key())
    }
}
