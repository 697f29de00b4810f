//! Days and weeks of the tenant's zone, as the instants at which they begin.

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

/// The instant at which a selection is made, and where its days begin. `now` is an argument, as of all rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Calendar {
    /// When the selection is made.
    pub now: DateTime<Utc>,
    /// The tenant's zone.
    pub zone: Tz,
}

/// When an appointment begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AppointmentDate {
    /// On this day.
    Today,
    /// On the next.
    Tomorrow,
    /// In this week; weeks begin on Monday.
    ThisWeek,
    /// In the next.
    NextWeek,
    /// From the first of these days to the last, both included.
    Days(NaiveDate, NaiveDate),
}

impl AppointmentDate {
    /// Those that need no dates.
    pub const NAMED: [Self; 4] = [Self::Today, Self::Tomorrow, Self::ThisWeek, Self::NextWeek];
}

impl Calendar {
    /// This day.
    pub fn today(&self) -> NaiveDate {
        self.now.with_timezone(&self.zone).date_naive()
    }

    /// The first instant of `date`. Where clocks skip midnight, it is the first after.
    pub fn start_of(&self, date: NaiveDate) -> DateTime<Utc> {
        let midnight = date.and_time(NaiveTime::MIN);
        // No zone ever skipped more than a day.
        let shown = (0..=48)
            .filter_map(|halves| midnight.checked_add_signed(TimeDelta::minutes(30 * halves)))
            .find_map(|local| self.zone.from_local_datetime(&local).earliest());
        shown.map_or(DateTime::<Utc>::MAX_UTC, |at| at.to_utc())
    }

    /// From the first instant of `date` to the first that is after it, in microseconds since 1970.
    pub(super) fn bounds(&self, date: AppointmentDate) -> std::ops::Range<i64> {
        let today = self.today();
        let monday = before(today, u64::from(today.weekday().num_days_from_monday()));
        let (first, after) = match date {
            AppointmentDate::Today => (today, later(today, 1)),
            AppointmentDate::Tomorrow => (later(today, 1), later(today, 2)),
            AppointmentDate::ThisWeek => (monday, later(monday, 7)),
            AppointmentDate::NextWeek => (later(monday, 7), later(monday, 14)),
            AppointmentDate::Days(first, last) => (first, later(last, 1)),
        };
        self.start_of(first).timestamp_micros()..self.start_of(after).timestamp_micros()
    }
}

// At the ends of the calendar, which no date of ours reaches, the last day stands for those after it.
fn later(date: NaiveDate, days: u64) -> NaiveDate {
    date.checked_add_days(Days::new(days)).unwrap_or(NaiveDate::MAX)
}

fn before(date: NaiveDate, days: u64) -> NaiveDate {
    date.checked_sub_days(Days::new(days)).unwrap_or(NaiveDate::MIN)
}

#[cfg(test)]
mod tests {
    use chrono_tz::{Africa::Cairo, Europe::London};

    use super::*;

    #[test]
    fn days_begin_and_end_by_the_tenants_clocks() {
        use AppointmentDate::{Days, NextWeek, ThisWeek, Today, Tomorrow};
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        for (now, zone, date, from, to, why) in [
            (
                "2026-11-23T12:00:00Z",
                London,
                Today,
                "2026-11-23T00:00:00Z",
                "2026-11-24T00:00:00Z",
                "winter",
            ),
            (
                "2026-07-01T23:30:00Z",
                London,
                Today,
                "2026-07-01T23:00:00Z",
                "2026-07-02T23:00:00Z",
                "summer: already the second",
            ),
            (
                "2026-10-24T12:00:00Z",
                London,
                Tomorrow,
                "2026-10-24T23:00:00Z",
                "2026-10-26T00:00:00Z",
                "a day of 25 hours",
            ),
            (
                "2026-11-29T12:00:00Z",
                London,
                ThisWeek,
                "2026-11-23T00:00:00Z",
                "2026-11-30T00:00:00Z",
                "Sunday is the last day",
            ),
            (
                "2026-11-23T12:00:00Z",
                London,
                NextWeek,
                "2026-11-30T00:00:00Z",
                "2026-12-07T00:00:00Z",
                "from Monday",
            ),
            (
                "2026-11-23T12:00:00Z",
                London,
                Days(day("2026-12-24"), day("2026-12-26")),
                "2026-12-24T00:00:00Z",
                "2026-12-27T00:00:00Z",
                "the last is included",
            ),
            (
                "2026-04-24T12:00:00Z",
                Cairo,
                Today,
                "2026-04-23T22:00:00Z",
                "2026-04-24T21:00:00Z",
                "no midnight on this day",
            ),
        ] {
            let calendar = Calendar { now: now.parse().unwrap(), zone };
            let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap().timestamp_micros();
            assert_eq!(calendar.bounds(date), at(from)..at(to), "{why}");
        }
        let calendar = Calendar { now: DateTime::<Utc>::MAX_UTC, zone: London };
        assert!(calendar.bounds(NextWeek).start >= calendar.bounds(Today).start, "the end of time");
    }
}
