//! From a time on the wall to an instant.

use chrono::{DateTime, NaiveDateTime, TimeZone, Utc};
use chrono_tz::Tz;

/// The clocks of the zone skip this time: it never happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the clocks skip this time")]
pub struct Skipped;

/// The instant at which the wall clocks of `zone` show `local`. A time that occurs twice means the earlier.
///
/// # Errors
/// [`Skipped`] if the clocks never show it.
pub fn instant(local: NaiveDateTime, zone: Tz) -> Result<DateTime<Utc>, Skipped> {
    zone.from_local_datetime(&local).earliest().map(|at| at.to_utc()).ok_or(Skipped)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_that_clocks_skip_is_none_and_a_double_one_is_the_earlier() {
        use chrono_tz::{America::New_York, Europe::London};
        for (local, zone, expected, why) in [
            ("2026-06-01T09:00:00", London, Some("2026-06-01T08:00:00Z"), "summer time"),
            ("2026-03-29T01:30:00", London, None, "skipped in spring"),
            ("2026-03-29T02:00:00", London, Some("2026-03-29T01:00:00Z"), "the first after"),
            ("2026-10-25T01:30:00", London, Some("2026-10-25T00:30:00Z"), "twice in autumn"),
            ("2026-03-29T01:30:00", New_York, Some("2026-03-29T05:30:00Z"), "not skipped there"),
        ] {
            let found = instant(local.parse().unwrap(), zone).ok();
            assert_eq!(found, expected.map(|text| text.parse().unwrap()), "{why}");
        }
    }
}
