//! When a call goes out, with what is before it: a forecast by the same limits, pure.

use std::collections::VecDeque;

use chrono::{DateTime, Duration, Utc};
use chrono_tz::Tz;

use super::rules::hours::{Calendar, WallClock};
use super::rules::policy::WINDOW;
use super::rules::snapshot::TenantFacts;
use super::store::day_start;

/// Beyond so many calls ahead the forecast is a guess anyway; it stops counting there.
const MOST_AHEAD: u32 = 20_000;

/// What a forecast is about.
#[derive(Debug, Clone, Copy)]
pub struct Forecast<'a> {
    /// The instant of the forecast.
    pub now: DateTime<Utc>,
    /// Whose call.
    pub tenant: &'a TenantFacts,
    /// How many calls the account may start per second.
    pub starts_per_second: f64,
    /// The account takes no start before.
    pub next_start_at: DateTime<Utc>,
    /// How many of the tenant's calls go before it.
    pub ahead: u32,
    /// The call may be dialled from here on.
    pub from: DateTime<Utc>,
    /// Where the contact lives.
    pub contact_zone: Tz,
}

/// The instant at which the call goes out.
///
/// Each call takes a token of the 15-minute window for 15 minutes and a second, a dial of its day, and a start of the
/// account; nothing happens outside of the tenant's hours, nor of the contact's. `None`: not within the next 35 days.
pub fn expected(about: &Forecast<'_>) -> Option<DateTime<Utc>> {
    let policy = &about.tenant.policy;
    let clock =
        WallClock::new(about.tenant.zone, policy.calling_hours).except(&about.tenant.closed_dates);
    let contact = WallClock::new(about.contact_zone, policy.calling_hours);
    let others = Calendar::for_calls([clock]);
    let own = Calendar::for_calls([clock, contact]);
    let mut line = Line::new(about);
    for _ in 0..about.ahead.min(MOST_AHEAD) {
        line.dial(about.now, &others)?;
    }
    // The contact's hours are others than the tenant's.
    line.open_until = DateTime::<Utc>::MIN_UTC;
    line.dial(about.from, &own)
}

/// What has been used up so far.
struct Line<'a> {
    about: &'a Forecast<'a>,
    apart: Duration,
    /// Instants at which the window's tokens are free: the one used longest ago comes back first.
    tokens: VecDeque<DateTime<Utc>>,
    /// The account takes no start before.
    next: DateTime<Utc>,
    dials: u32,
    day_end: DateTime<Utc>,
    open_until: DateTime<Utc>,
}

impl<'a> Line<'a> {
    fn new(about: &'a Forecast<'a>) -> Self {
        let limit = usize::try_from(about.tenant.policy.window_limit.max(1)).unwrap_or(1);
        let mut back = about.tenant.tokens_back_at.clone();
        back.sort_unstable();
        // More may be out than the limit, if it was lowered: then only the last ones to come back matter.
        let back = back.split_off(back.len().saturating_sub(limit));
        let free = std::iter::repeat_n(about.now, limit - back.len());
        Self {
            about,
            apart: Duration::microseconds((1e6 / about.starts_per_second.max(0.001)) as i64),
            tokens: free.chain(back).collect(),
            next: about.next_start_at.max(about.now),
            dials: about.tenant.dials_today,
            day_end: day_end(about.now, about.tenant.zone),
            open_until: DateTime::<Utc>::MIN_UTC,
        }
    }

    /// The next dial, not before `from`, in the hours of `calendar`.
    fn dial(&mut self, from: DateTime<Utc>, calendar: &Calendar<'_>) -> Option<DateTime<Utc>> {
        let token = self.tokens.pop_front().unwrap_or(self.about.now);
        let mut t = self.next.max(token).max(from);
        if self.dials >= self.about.tenant.policy.daily_limit {
            t = t.max(self.day_end);
        }
        if t >= self.open_until {
            t = calendar.next_open(t)?;
            self.open_until = calendar.open_periods(t..t + Duration::days(1)).first()?.end;
        }
        if t >= self.day_end {
            (self.dials, self.day_end) = (0, day_end(t, self.about.tenant.zone));
        }
        self.dials = self.dials.saturating_add(1);
        self.tokens.push_back(t + WINDOW + Duration::seconds(1));
        self.next = t + self.apart;
        Some(t)
    }
}

/// The end of the local day of `t`, which may be 23 or 25 hours long.
fn day_end(t: DateTime<Utc>, zone: Tz) -> DateTime<Utc> {
    let start = day_start(t, zone);
    day_start(start + Duration::hours(36), zone)
}

#[cfg(test)]
mod tests;
