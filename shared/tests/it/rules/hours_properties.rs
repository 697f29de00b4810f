//! Opening hours against an oracle that looks at every minute.

use std::collections::BTreeSet;

use chrono::{DateTime, Duration, Utc};
use chrono_tz::Tz;
use proptest::prelude::*;
use shared::calls::rules::hours::{Calendar, Opening, WallClock, Week};

use super::facts::{at, dates_near, minutes, weeks, zones};
use super::oracle::open_on_wall;

const DAYS: i64 = 4;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn a_calendar_is_open_exactly_when_every_wall_says_so(
        (t, closed) in minutes().prop_flat_map(|t| (Just(t), dates_near(t))),
        (here, there) in (zones(), zones()),
        week in weeks(),
        second in 0..60_i64,
    ) {
        let clocks = [WallClock::new(here, week).except(&closed), WallClock::new(there, week)];
        let calendar = Calendar::for_calls(clocks);
        let wall = |t| {
            open_on_wall(here, &week, &closed, t) && open_on_wall(there, &week, &BTreeSet::new(), t)
        };
        let open: Vec<bool> = (0..DAYS * 1440 + 3).map(|m| wall(t + Duration::minutes(m))).collect();
        let startable = |m: i64| {
            let m = usize::try_from(m).unwrap();
            open[m] && open[m + 1] && open[m + 2]
        };
        let end = t + Duration::days(DAYS);

        // Every minute of four days lies in one of the periods, or in none, as the walls say.
        let periods = calendar.open_periods(t..end);
        for minute in 0..DAYS * 1440 {
            let instant = t + Duration::minutes(minute);
            let inside = periods.iter().any(|period| period.contains(&instant));
            prop_assert_eq!(inside, startable(minute), "minute {} of {}", minute, t);
        }
        prop_assert!(periods.windows(2).all(|two| two[0].end < two[1].start));
        prop_assert!(periods.iter().all(|period| period.start < period.end));

        // The next open instant, from the middle of a minute too.
        let asked = t + Duration::seconds(second);
        let slow = if startable(0) {
            Some(asked)
        } else {
            (1..DAYS * 1440).find(|m| startable(*m)).map(|m| t + Duration::minutes(m))
        };
        let next = calendar.next_open(asked);
        prop_assert_eq!(next.filter(|next| *next < end), slow);
        prop_assert_eq!(calendar.is_open(asked), startable(0));

        // The last open stretch before the end is the last of all, from its true beginning.
        if let Some(last) = periods.last().filter(|last| last.start > t) {
            prop_assert_eq!(calendar.open_period_before(end), Some(last.clone()));
        }
    }

    #[test]
    fn no_instant_is_too_far_away(seconds in any::<i64>(), zone in zones(), week in weeks()) {
        let t = DateTime::from_timestamp(seconds % 8_000_000_000_000, 0).unwrap();
        let calendar = Calendar::for_calls([WallClock::new(zone, week)]);
        let _ = (calendar.next_open(t), calendar.open_period_before(t), calendar.is_open(t));
    }
}

#[test]
fn a_day_is_eight_to_twenty_on_the_wall_when_clocks_change() {
    for (zone, asked, opens, closes, why) in [
        (
            Tz::Europe__London,
            "2026-03-29T00:00:00Z",
            "2026-03-29T07:00:00Z",
            "2026-03-29T18:58:00Z",
            "London's clocks went forward in the night: it opens an hour earlier by UTC",
        ),
        (
            Tz::Europe__London,
            "2026-10-25T00:00:00Z",
            "2026-10-25T08:00:00Z",
            "2026-10-25T19:58:00Z",
            "and back in October",
        ),
        (
            Tz::Australia__Lord_Howe,
            "2026-10-03T14:00:00Z",
            "2026-10-03T21:00:00Z",
            "2026-10-04T08:58:00Z",
            "Lord Howe goes from +10:30 to +11: half an hour earlier than the day before",
        ),
        (
            Tz::Pacific__Apia,
            "2011-12-30T09:00:00Z",
            "2011-12-30T18:00:00Z",
            "2011-12-31T05:58:00Z",
            "Samoa went from Thursday the 29th to Saturday the 31st: the Friday never was",
        ),
    ] {
        let calendar = Calendar::for_calls([WallClock::new(zone, Week::default())]);
        let first = calendar.open_periods(at(asked)..at(asked) + Duration::hours(24));
        assert_eq!(first.first(), Some(&(at(opens)..at(closes))), "{why}");
    }
}

#[test]
fn an_hour_that_occurs_twice_is_open_twice_and_a_skipped_one_never() {
    let early = Opening { opens: "01:00".parse().unwrap(), closes: "02:00".parse().unwrap() };
    let clock = WallClock::new(Tz::Europe__London, Week::daily(early));
    let open = |from: &str, to: &str| -> Duration {
        let periods = Calendar::plain([clock]).open_periods(at(from)..at(to));
        periods
            .iter()
            .map(|period: &std::ops::Range<DateTime<Utc>>| period.end - period.start)
            .sum()
    };
    assert_eq!(open("2026-10-25T00:00:00Z", "2026-10-26T00:00:00Z"), Duration::hours(2));
    assert_eq!(open("2026-03-29T00:00:00Z", "2026-03-29T23:00:00Z"), Duration::zero());
}

#[test]
fn nothing_open_for_five_weeks_is_no_opening() {
    let never = Calendar::for_calls([WallClock::new(Tz::UTC, Week::from_days([None; 7]))]);
    assert_eq!(never.next_open(at("2026-03-10T10:00:00Z")), None);

    let today = at("2026-03-10T10:00:00Z");
    let closed = (0..34).map(|day| (today + Duration::days(day)).date_naive()).collect();
    let later = Calendar::for_calls([WallClock::new(Tz::UTC, Week::default()).except(&closed)]);
    assert_eq!(later.next_open(today), Some(at("2026-04-13T08:00:00Z")));
}

#[test]
fn a_stretch_without_end_reaches_back_as_far_as_is_looked() {
    let always = Calendar::for_calls([WallClock::new(Tz::UTC, Week::daily(Opening::ALL_DAY))]);
    let t = at("2026-03-10T10:00:00Z");
    assert_eq!(always.open_period_before(t), Some(t - Duration::days(35)..t));
}
