//! When a dial that was definitely not placed is tried again.
//!
//! Exponential with full jitter: the pause is drawn evenly from nothing up to a ceiling that doubles. It counts dials
//! that were not placed, never time, so that what a breaker, a pause or closed hours take is not used up.

use chrono::{DateTime, Duration, Utc};

/// The ceiling of the first pause.
pub const FIRST_CEILING: Duration = Duration::seconds(30);

/// No pause is longer.
pub const LAST_CEILING: Duration = Duration::minutes(15);

/// The earliest instant of the next try, or `None` if it would be at or after `deadline`.
///
/// `not_placed_in_a_row` counts this call's dials, the one that just failed included (so at least 1). `jitter` is a
/// random number in [0, 1), drawn by the caller; outside of it the nearer bound is taken.
pub fn retry_at(
    now: DateTime<Utc>,
    not_placed_in_a_row: u32,
    jitter: f64,
    deadline: DateTime<Utc>,
) -> Option<DateTime<Utc>> {
    let ceiling = ceiling(not_placed_in_a_row);
    // Milliseconds of at most 15 minutes are exact in a double. NaN becomes 0.
    let pause_ms = (ceiling.num_milliseconds() as f64 * jitter.clamp(0.0, 1.0)) as i64;
    let at = now + Duration::milliseconds(pause_ms);
    (at < deadline).then_some(at)
}

/// The longest pause that may be drawn after so many dials not placed in a row.
pub fn ceiling(not_placed_in_a_row: u32) -> Duration {
    // Five doublings pass the last ceiling; more would only risk an overflow.
    let doublings = not_placed_in_a_row.saturating_sub(1).min(5);
    (FIRST_CEILING * (1 << doublings)).min(LAST_CEILING)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn doubles_from_half_a_minute_to_a_quarter_of_an_hour() {
        for (row, seconds) in
            [(0, 30), (1, 30), (2, 60), (3, 120), (4, 240), (5, 480), (6, 900), (u32::MAX, 900)]
        {
            assert_eq!(ceiling(row), Duration::seconds(seconds), "{row} in a row");
        }
    }

    #[test]
    fn draws_the_whole_pause_and_stops_at_the_deadline() {
        let now = DateTime::UNIX_EPOCH;
        let after = |seconds| now + Duration::seconds(seconds);
        for (row, jitter, deadline, want, why) in [
            (1, 0.0, 3600, Some(0), "full jitter may be nothing"),
            (1, 0.5, 3600, Some(15), "half of 30 s"),
            (3, 0.25, 3600, Some(30), "a quarter of 120 s"),
            (3, 7.0, 3600, Some(120), "a bad draw is cut"),
            (3, -7.0, 3600, Some(0), "a bad draw is cut"),
            (3, f64::NAN, 3600, Some(0), "a bad draw is cut"),
            (3, 0.5, 60, None, "at the deadline is too late"),
            (3, 0.5, 61, Some(60), "just before it"),
            (1, 0.0, 0, None, "the deadline is now"),
        ] {
            assert_eq!(retry_at(now, row, jitter, after(deadline)), want.map(after), "{why}");
        }
    }

    proptest! {
        #[test]
        fn never_later_than_the_ceiling_nor_the_deadline(
            row in any::<u32>(), jitter in 0.0..1.0f64, left in -1000..2000i64,
        ) {
            let now = DateTime::UNIX_EPOCH;
            let deadline = now + Duration::seconds(left);
            if let Some(at) = retry_at(now, row, jitter, deadline) {
                prop_assert!(now <= at && at < deadline && at <= now + ceiling(row));
            }
        }
    }
}
