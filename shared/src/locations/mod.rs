//! The tenant's places, with the hours at which they are open.
//!
//! An appointment names its location by a text. The text is of a listed one if, folded, it is what that is called or was
//! called before.

pub mod store;

use chrono::{DateTime, Duration, NaiveDateTime, Utc};
use chrono_tz::Tz;

use crate::appointment_types::{key, rename};
use crate::appointments::Label;
use crate::calls::rules::hours::Week;
use crate::ids::LocationId;

/// Most locations of a tenant.
pub const MOST: usize = 200;
/// Most characters of a name: as of an appointment's own text.
pub const MOST_NAME: usize = 200;
/// Most characters of an address.
pub const MOST_ADDRESS: usize = 300;

/// A place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// Its id.
    pub id: LocationId,
    /// What it is called.
    pub name: Label,
    /// Its names, folded: what it is called, then what it was called before.
    pub names: Vec<String>,
    /// Where it is.
    pub address: Option<String>,
    /// Whose clock its hours go by.
    pub zone: Tz,
    /// When it is open. None: not known.
    pub hours: Option<Week>,
    /// New appointments may be there.
    pub active: bool,
    /// Counts changes.
    pub version: i32,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

impl Location {
    /// A new one, whose hours aren't known.
    pub fn new(name: Label, zone: Tz, at: DateTime<Utc>) -> Self {
        Self {
            id: LocationId::new(),
            names: vec![key(&name)],
            name,
            address: None,
            zone,
            hours: None,
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

    /// Whether it is open from `at` on for so many minutes, by its own clock; at the beginning alone if nobody knows how long.
    /// What ends at closing time ends in time. Open if its hours aren't known.
    pub fn is_open(&self, at: DateTime<Utc>, minutes: Option<u16>) -> bool {
        let Some(hours) = &self.hours else { return true };
        let begins = at.with_timezone(&self.zone).naive_local();
        let Some(open) = hours.on(chrono::Datelike::weekday(&begins)) else { return false };
        let midnight = begins.date().and_time(chrono::NaiveTime::MIN);
        let ends = begins + Duration::minutes(minutes.unwrap_or(0).into());
        let of_day = |t: NaiveDateTime| (t - midnight).num_minutes();
        let (opens, closes) = (i64::from(open.opens.minute()), i64::from(open.closes.minute()));
        opens <= of_day(begins) && of_day(begins) < closes && of_day(ends) <= closes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_is_open_by_its_own_clock_until_it_closes() {
        let name = Label::parse("Main Office", MOST_NAME).unwrap();
        let mut place = Location::new(name, chrono_tz::Europe::London, DateTime::UNIX_EPOCH);
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        assert!(place.is_open(at("2026-07-13T02:00:00Z"), Some(30)), "its hours aren't known");
        place.hours = serde_json::from_str(
            r#"{"monday": {"opens": "09:00", "closes": "17:00"}, "sunday": null}"#,
        )
        .ok();
        for (begins, minutes, open, why) in [
            ("2026-07-13T08:00:00Z", Some(30), true, "nine o'clock in summer"),
            ("2026-07-13T07:59:00Z", Some(30), false, "a minute too early"),
            ("2026-07-13T15:30:00Z", Some(30), true, "ends when it closes"),
            ("2026-07-13T15:30:00Z", Some(31), false, "ends a minute later"),
            ("2026-07-13T15:59:00Z", None, true, "nobody knows how long it takes"),
            ("2026-07-13T16:00:00Z", None, false, "begins when it closes"),
            ("2026-01-12T08:30:00Z", None, false, "the same instant is earlier in winter"),
            ("2026-07-12T10:00:00Z", None, false, "closed on Sundays"),
            ("2026-07-13T15:00:00Z", Some(480), false, "past midnight"),
        ] {
            assert_eq!(place.is_open(at(begins), minutes), open, "{why}");
        }
    }
}
