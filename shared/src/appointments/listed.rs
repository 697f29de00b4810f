//! Which of the tenant's types and locations the texts of appointments mean.

use std::collections::HashMap;

use super::{Appointment, Label};
use crate::appointment_types::{AppointmentType, key};
use crate::ids::{AppointmentTypeId, LocationId};
use crate::locations::Location;

/// What the texts of some appointments mean.
#[derive(Debug, Clone, Default)]
pub struct Listed {
    types: HashMap<String, (AppointmentTypeId, bool)>,
    locations: HashMap<String, LocationId>,
}

impl Listed {
    /// By lists that were read as a whole.
    pub fn of(types: &[AppointmentType], locations: &[Location]) -> Self {
        let mut listed = Self::default();
        for kind in types {
            for name in &kind.names {
                listed.add_type(name.clone(), kind.id, kind.sensitive);
            }
        }
        for place in locations {
            for name in &place.names {
                listed.add_location(name.clone(), place.id);
            }
        }
        listed
    }

    /// Notes that a folded text is a type's, and whether that is sensitive. Of two the sensitive one counts.
    pub(super) fn add_type(&mut self, name: String, id: AppointmentTypeId, sensitive: bool) {
        let known = self.types.entry(name).or_insert((id, sensitive));
        if sensitive && !known.1 {
            *known = (id, true);
        }
    }

    /// Notes that a folded text is a location's.
    pub(super) fn add_location(&mut self, name: String, id: LocationId) {
        self.locations.entry(name).or_insert(id);
    }

    /// The type that a text means, and whether it is sensitive.
    pub fn type_of(&self, text: &Label) -> Option<(AppointmentTypeId, bool)> {
        if self.types.is_empty() { None } else { self.types.get(&key(text)).copied() }
    }

    /// The location that a text means.
    pub fn location_of(&self, text: &Label) -> Option<LocationId> {
        if self.locations.is_empty() { None } else { self.locations.get(&key(text)).copied() }
    }
}

/// The folded texts of appointments, each once: types', then locations'.
pub(super) fn texts<'a>(of: impl Iterator<Item = &'a Appointment>) -> (Vec<String>, Vec<String>) {
    let (mut types, mut locations) = (Vec::new(), Vec::new());
    for appointment in of {
        types.extend(appointment.kind.as_ref().map(key));
        locations.extend(appointment.location.as_ref().map(key));
    }
    for texts in [&mut types, &mut locations] {
        texts.sort_unstable();
        texts.dedup();
    }
    (types, locations)
}
