//! What the tenant's lists of types and locations say of an appointment.

use schemars::JsonSchema;
use serde::Serialize;
use shared::appointment_types::{self, AppointmentType};
use shared::appointments::listed::Listed;
use shared::appointments::{Appointment, Label};
use shared::calls::rules::policy::Policy;
use shared::db::TenantTx;
use shared::ids::ContactId;
use shared::locations::{self, Location};

use crate::http::{Kind, Problem};

/// Something that is allowed and may yet be a mistake.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct Warning {
    /// `possible_duplicate`, `outside_opening_hours`, `unlisted_type`, `inactive_type`, `unlisted_location`,
    /// `inactive_location`; more may come.
    #[schemars(example = &"possible_duplicate")]
    code: &'static str,
    /// With `possible_duplicate`: contacts with the same number and an appointment at the same time.
    contacts: Vec<ContactId>,
}

impl Warning {
    /// Other contacts may be the same person.
    pub(crate) fn possible_duplicate(contacts: Vec<ContactId>) -> Option<Self> {
        (!contacts.is_empty()).then_some(Self { code: "possible_duplicate", contacts })
    }

    fn of(code: &'static str) -> Self {
        Self { code, contacts: Vec::new() }
    }
}

/// The tenant's lists, as far as an appointment names something of them.
#[derive(Debug, Default)]
pub(crate) struct Lists {
    types: Vec<AppointmentType>,
    locations: Vec<Location>,
}

impl Lists {
    /// Reads the list of types if a type is named, that of locations if one is.
    pub(crate) async fn read(
        tx: &mut TenantTx,
        kind: Option<&Label>,
        location: Option<&Label>,
    ) -> Result<Self, Problem> {
        let mut lists = Self::default();
        if kind.is_some() {
            lists.types = appointment_types::store::list(tx).await?;
        }
        if location.is_some() {
            lists.locations = locations::store::list(tx).await?;
        }
        Ok(lists)
    }

    /// Refuses a type that isn't an active one of the list, where the policy wants that. `field` names it in the body.
    pub(crate) fn check_type(
        &self,
        kind: Option<&Label>,
        policy: &Policy,
        field: &str,
    ) -> Result<(), Problem> {
        let Some(kind) = kind.filter(|_| policy.listed_types_only) else { return Ok(()) };
        let (code, detail) = match self.type_of(kind) {
            Some(found) if found.active => return Ok(()),
            Some(_) => ("not_active", "new appointments may not be of this type"),
            None => ("not_listed", "not one of the tenant's appointment types"),
        };
        Err(Problem::field(field, code, detail))
    }

    /// Gives an appointment the length that is usual for its type, unless it has its own.
    pub(crate) fn complete(&self, appointment: &mut Appointment) {
        let of_type = || self.type_of(appointment.kind.as_ref()?)?.duration_minutes;
        appointment.duration_minutes = appointment.duration_minutes.or_else(of_type);
    }

    /// What staff may want to know of an appointment. A tenant that keeps no list is told nothing about it.
    pub(crate) fn warnings(&self, of: &Appointment) -> Vec<Warning> {
        let mut warnings = Vec::new();
        if let Some(kind) = &of.kind
            && !self.types.is_empty()
        {
            match self.type_of(kind) {
                None => warnings.push(Warning::of("unlisted_type")),
                Some(found) if !found.active => warnings.push(Warning::of("inactive_type")),
                Some(_) => {}
            }
        }
        if let Some(location) = &of.location
            && !self.locations.is_empty()
        {
            let found = self.locations.iter().find(|place| place.is_called(location));
            match found {
                None => warnings.push(Warning::of("unlisted_location")),
                Some(place) => {
                    if !place.active {
                        warnings.push(Warning::of("inactive_location"));
                    }
                    if !place.is_open(of.at, of.duration_minutes) {
                        warnings.push(Warning::of("outside_opening_hours"));
                    }
                }
            }
        }
        warnings
    }

    /// What the texts of appointments mean by these lists.
    pub(crate) fn listed(&self) -> Listed {
        Listed::of(&self.types, &self.locations)
    }

    fn type_of(&self, kind: &Label) -> Option<&AppointmentType> {
        self.types.iter().find(|listed| listed.is_called(kind))
    }
}

/// The answer where a list has no room.
pub(crate) fn list_full(most: usize) -> Problem {
    let detail =
        format!("the list has {most} entries, and no more are taken; change one that is not used");
    Problem::Conflict { kind: Kind::ListFull, detail, more: None }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Utc};

    use super::*;

    fn label(text: &str) -> Label {
        Label::parse(text, 80).unwrap()
    }

    fn lists() -> Lists {
        let at = DateTime::UNIX_EPOCH;
        let kind = |name: &str, active| AppointmentType {
            active,
            duration_minutes: Some(45),
            ..AppointmentType::new(label(name), at)
        };
        let place = |name: &str, active| Location {
            active,
            hours: Some(shared::calls::rules::hours::Week::default()),
            ..Location::new(label(name), chrono_tz::Europe::London, at)
        };
        Lists {
            types: vec![kind("Check-up", true), kind("Old", false)],
            locations: vec![place("Main Office", true), place("Annexe", false)],
        }
    }

    #[test]
    fn staff_are_told_what_the_lists_say_of_an_appointment() {
        let (lists, none) = (lists(), Lists::default());
        for (of, kind, location, hour, expected, why) in [
            (&lists, Some("check-up"), Some("MAIN office"), 10, vec![], "all as listed"),
            (&lists, None, None, 3, vec![], "nothing is named"),
            (&lists, Some("Chat"), None, 10, vec!["unlisted_type"], "another type"),
            (&lists, Some("old"), None, 10, vec!["inactive_type"], "a type of former days"),
            (&lists, None, Some("Pub"), 3, vec!["unlisted_location"], "another place"),
            (&lists, None, Some("Main Office"), 3, vec!["outside_opening_hours"], "at night"),
            (
                &lists,
                None,
                Some("annexe"),
                3,
                vec!["inactive_location", "outside_opening_hours"],
                "at night, and not in use",
            ),
            (&none, Some("Chat"), Some("Pub"), 3, vec![], "a tenant that keeps no lists"),
        ] {
            let at: DateTime<Utc> = format!("2026-01-14T{hour:02}:00:00Z").parse().unwrap();
            let mut made = Appointment::new(ContactId::new(), at, 24, at);
            (made.kind, made.location) = (kind.map(label), location.map(label));
            let codes: Vec<_> = of.warnings(&made).iter().map(|warning| warning.code).collect();
            assert_eq!(codes, expected, "{why}");
        }
    }

    #[test]
    fn a_policy_may_want_listed_types_only() {
        let lists = lists();
        let strict = Policy { listed_types_only: true, ..Policy::default() };
        for (policy, kind, taken, why) in [
            (&strict, Some("check-up"), true, "listed"),
            (&strict, None, true, "of no type"),
            (&strict, Some("Old"), false, "not active"),
            (&strict, Some("Chat"), false, "not listed"),
            (&Policy::default(), Some("Chat"), true, "the policy doesn't mind"),
        ] {
            let kind = kind.map(label);
            let checked = lists.check_type(kind.as_ref(), policy, "/type");
            assert_eq!(checked.is_ok(), taken, "{why}");
        }
    }

    #[test]
    fn the_usual_length_of_a_type_is_taken_unless_another_is_given() {
        for (given, expected) in [(None, Some(45)), (Some(20), Some(20))] {
            let at = DateTime::UNIX_EPOCH;
            let mut made = Appointment::new(ContactId::new(), at, 24, at);
            (made.kind, made.duration_minutes) = (Some(label("Check-up")), given);
            lists().complete(&mut made);
            assert_eq!(made.duration_minutes, expected);
        }
    }
}
