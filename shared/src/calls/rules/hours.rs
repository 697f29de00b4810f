//! When calls may start: opening hours by one or several wall clocks at once.
//!
//! An instant is open on a wall clock if the local date isn't closed and the local time `t` has
//! `opens <= t < closes`; nothing else is asked. So a day stays 08:00 to 20:00 on the wall when clocks change, an
//! hour that occurs twice is open twice, and a date that a country skips is never open.
//!
//! Instead of stepping through minutes, the time line is cut where a zone's offset changes; in between, local time is
//! UTC plus a constant, and opening hours are plain arithmetic.

mod periods;
mod week;

use std::collections::BTreeSet;

use chrono::{DateTime, Datelike, Duration, NaiveDate, NaiveTime, Offset, TimeZone, Utc};
use chrono_tz::Tz;

use periods::{intersect, push_joined, shorten};

pub use periods::Period;
pub(crate) use periods::shift;
pub use week::{BadTimeOfDay, Opening, TimeOfDay, Week};

/// A call that starts must have this much open time before it, in every zone: phones ring, people greet.
pub const AHEAD: Duration = Duration::minutes(2);

/// How far ahead an opening is looked for.
pub const HORIZON: Duration = Duration::days(35);

/// Offsets are compared this often. No zone has ever changed its offset twice in so short a time.
const STRIDE_SECONDS: i64 = 12 * 3600;

/// Outside the years 1 to 9999 nothing is open, and no sum below can overflow.
const FIRST_YEAR: i32 = 1;
const LAST_YEAR: i32 = 9999;

/// Opening hours by the wall clock of one zone.
#[derive(Debug, Clone, Copy)]
pub struct WallClock<'a> {
    zone: Tz,
    week: Week,
    closed: Option<&'a BTreeSet<NaiveDate>>,
}

impl<'a> WallClock<'a> {
    /// Open in these hours of every week.
    pub const fn new(zone: Tz, week: Week) -> Self {
        Self { zone, week, closed: None }
    }

    /// The same, but closed on these local dates.
    pub const fn except(self, dates: &'a BTreeSet<NaiveDate>) -> Self {
        Self { closed: Some(dates), ..self }
    }

    /// Open stretches within `from..to`, joined where they touch.
    fn periods(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> Vec<Period> {
        let mut open = Vec::new();
        for (span, offset) in spans_of_one_offset(self.zone, from, to) {
            let last = (span.end.naive_utc() + offset).date();
            let first = (span.start.naive_utc() + offset).date();
            for day in first.iter_days().take_while(|day| *day <= last) {
                let Some(opening) = self.opening_on(day) else { continue };
                let midnight = (day.and_time(NaiveTime::MIN) - offset).and_utc();
                let at = |time: TimeOfDay| midnight + Duration::minutes(time.minute().into());
                let start = at(opening.opens).max(span.start);
                push_joined(&mut open, start..at(opening.closes).min(span.end));
            }
        }
        open
    }

    fn opening_on(&self, day: NaiveDate) -> Option<Opening> {
        let closed = self.closed.is_some_and(|dates| dates.contains(&day));
        if closed { None } else { self.week.on(day.weekday()) }
    }
}

/// Several wall clocks, all of which must be open, for the next [`AHEAD`] too.
#[derive(Debug, Clone)]
pub struct Calendar<'a> {
    clocks: Vec<WallClock<'a>>,
    ahead: Duration,
}

impl<'a> Calendar<'a> {
    /// Instants at which a call may start: open on all clocks from then until [`AHEAD`] later, that instant included.
    pub fn for_calls(clocks: impl IntoIterator<Item = WallClock<'a>>) -> Self {
        Self { clocks: clocks.into_iter().collect(), ahead: AHEAD }
    }

    /// Instants at which all clocks are open, whatever comes after.
    pub fn plain(clocks: impl IntoIterator<Item = WallClock<'a>>) -> Self {
        Self { clocks: clocks.into_iter().collect(), ahead: Duration::zero() }
    }

    /// Whether `t` is open.
    pub fn is_open(&self, t: DateTime<Utc>) -> bool {
        let just_after = shift(t, Duration::nanoseconds(1));
        !self.open_periods(t..just_after).is_empty()
    }

    /// The earliest open instant at or after `t`; `None` if there is none within [`HORIZON`].
    pub fn next_open(&self, t: DateTime<Utc>) -> Option<DateTime<Utc>> {
        // Nearly always now or in the next two days: don't lay out five weeks for it.
        let near = shift(t, Duration::days(2));
        let first = |range: Period| self.open_periods(range).first().map(|open| open.start);
        first(t..near).or_else(|| first(near..shift(t, HORIZON)))
    }

    /// The last open stretch that begins before `t`, cut at `t`; `None` if there is none within [`HORIZON`].
    pub fn open_period_before(&self, t: DateTime<Utc>) -> Option<Period> {
        let near = shift(t, Duration::days(-4));
        // A stretch cut off by the search itself would have a false beginning.
        let whole = |open: &Period| open.start > near;
        self.open_periods(near..t)
            .pop()
            .filter(whole)
            .or_else(|| self.open_periods(shift(t, -HORIZON)..t).pop())
    }

    /// The open stretches within `range`, in order, disjoint.
    pub fn open_periods(&self, range: Period) -> Vec<Period> {
        let Some((first, others)) = self.clocks.split_first() else { return vec![range] };
        let to = shift(range.end, self.ahead);
        let mut open = first.periods(range.start, to);
        for clock in others {
            open = intersect(&open, &clock.periods(range.start, to));
        }
        shorten(open, self.ahead)
    }
}

/// The local date at `t`, on the wall of `zone`.
pub(crate) fn local_date(zone: Tz, t: DateTime<Utc>) -> NaiveDate {
    if known(t) { t.with_timezone(&zone).date_naive() } else { t.date_naive() }
}

fn known(t: DateTime<Utc>) -> bool {
    (FIRST_YEAR..=LAST_YEAR).contains(&t.year())
}

fn offset_at(zone: Tz, t: DateTime<Utc>) -> Duration {
    let seconds = zone.offset_from_utc_datetime(&t.naive_utc()).fix().local_minus_utc();
    Duration::seconds(seconds.into())
}

/// Cuts `from..to` where the zone's offset changes, and tells the offset of each piece.
fn spans_of_one_offset(
    zone: Tz,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> Vec<(Period, Duration)> {
    if !known(from) || !known(to) {
        return Vec::new();
    }
    let mut spans = Vec::new();
    let (mut start, mut reached) = (from, from);
    let mut offset = offset_at(zone, from);
    while reached < to {
        let next = (reached + Duration::seconds(STRIDE_SECONDS)).min(to);
        if offset_at(zone, next) == offset {
            reached = next;
            continue;
        }
        let change = first_change(zone, offset, reached, next);
        spans.push((start..change, offset));
        (start, reached, offset) = (change, change, offset_at(zone, change));
    }
    if start < to {
        spans.push((start..to, offset));
    }
    spans
}

/// The second at which the zone leaves `offset`, which holds at `before` and no longer at `after`.
fn first_change(
    zone: Tz,
    offset: Duration,
    before: DateTime<Utc>,
    after: DateTime<Utc>,
) -> DateTime<Utc> {
    let (mut same, mut changed) = (before.timestamp(), after.timestamp());
    while changed - same > 1 {
        let middle = same + (changed - same) / 2;
        match DateTime::from_timestamp(middle, 0) {
            Some(t) if offset_at(zone, t) == offset => same = middle,
            _ => changed = middle,
        }
    }
    DateTime::from_timestamp(changed, 0).unwrap_or(after)
}
