//! Arithmetic on stretches of time: sorted, disjoint, each open at its end.

use std::ops::Range;

use chrono::{DateTime, Duration, Utc};

/// A stretch of time: from `start` until just before `end`.
pub type Period = Range<DateTime<Utc>>;

/// `t` moved by `by`, staying at the first or last instant that the calendar knows.
pub(crate) fn shift(t: DateTime<Utc>, by: Duration) -> DateTime<Utc> {
    t.checked_add_signed(by).unwrap_or(if by < Duration::zero() {
        DateTime::<Utc>::MIN_UTC
    } else {
        DateTime::<Utc>::MAX_UTC
    })
}

/// Adds a period behind the others; one that touches the last becomes part of it.
pub(super) fn push_joined(periods: &mut Vec<Period>, next: Period) {
    if next.is_empty() {
        return;
    }
    match periods.last_mut() {
        Some(last) if next.start <= last.end => last.end = last.end.max(next.end),
        _ => periods.push(next),
    }
}

/// What lies in both.
pub(super) fn intersect(left: &[Period], right: &[Period]) -> Vec<Period> {
    let (mut i, mut j) = (0, 0);
    let mut both = Vec::new();
    while let (Some(a), Some(b)) = (left.get(i), right.get(j)) {
        let common = a.start.max(b.start)..a.end.min(b.end);
        if !common.is_empty() {
            both.push(common);
        }
        if a.end <= b.end {
            i += 1;
        } else {
            j += 1;
        }
    }
    both
}

/// The instants that have at least `ahead` of their period before them.
pub(super) fn shorten(periods: Vec<Period>, ahead: Duration) -> Vec<Period> {
    periods
        .into_iter()
        .map(|period| period.start..shift(period.end, -ahead))
        .filter(|period| !period.is_empty())
        .collect()
}
