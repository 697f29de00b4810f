//! When a call goes out, with what is before it: a forecast by the same limits, pure.

use chrono::{DateTime, Duration, Utc};

use super::rules::hours::{Calendar, WallClock};
use super::rules::policy::WINDOW;
use super::rules::snapshot::TenantFacts;
use super::store::day_start;

/// Beyond so many calls ahead the forecast is a guess anyway; it stops counting there.
const MOST_AHEAD: u32 = 20_000;

/// The earliest instant at which a call goes out that may be dialled from `from` on and has `ahead` others before it.
///
/// Each takes a token of the 15-minute window for 15 minutes, a dial of its day, and a start of the account's
/// `starts_per_second`; nothing happens outside of the tenant's hours. `None`: not within the next 35 days.
pub fn expected(
    now: DateTime<Utc>,
    tenant: &TenantFacts,
    starts_per_second: f64,
    ahead: u32,
    from: DateTime<Utc>,
) -> Option<DateTime<Utc>> {
    let policy = &tenant.policy;
    let clock = WallClock::new(tenant.zone, policy.calling_hours).except(&tenant.closed_dates);
    let calendar = Calendar::for_calls([clock]);
    let apart = Duration::microseconds((1e6 / starts_per_second.max(0.001)) as i64);
    let limit = usize::try_from(policy.window_limit.max(1)).unwrap_or(1);

    // Instants at which each of the window's tokens is free, a ring: the one used longest ago comes back first.
    let mut back: Vec<DateTime<Utc>> = tenant.tokens_back_at.clone();
    back.sort_unstable();
    let mut tokens: std::collections::VecDeque<DateTime<Utc>> =
        std::iter::repeat_n(now, limit.saturating_sub(back.len()))
            .chain(back.into_iter().take(limit))
            .collect();
    let (mut t, mut dials, mut day_end) =
        (now, tenant.dials_today, day_start(now, tenant.zone) + Duration::days(1));
    let mut open_until = now;
    let mut dial = |not_before: DateTime<Utc>| -> Option<DateTime<Utc>> {
        let token = tokens.pop_front().unwrap_or(now);
        t = (t + apart).max(token).max(not_before);
        if dials >= policy.daily_limit {
            t = t.max(day_end);
        }
        if t >= open_until {
            t = calendar.next_open(t)?;
            open_until = calendar.open_periods(t..t + Duration::days(1)).first()?.end;
        }
        if t >= day_end {
            (dials, day_end) = (0, day_start(t, tenant.zone) + Duration::days(1));
        }
        dials = dials.saturating_add(1);
        tokens.push_back(t + WINDOW + Duration::seconds(1));
        Some(t)
    };
    for _ in 0..ahead.min(MOST_AHEAD) {
        dial(now)?;
    }
    dial(from)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::calls::rules::policy::Policy;

    fn tenant(tokens_out: usize, dials_today: u32) -> TenantFacts {
        TenantFacts {
            zone: chrono_tz::Europe::London,
            active: true,
            has_agent: true,
            has_caller_number: true,
            calendar_key_missing: false,
            refused_by_provider: false,
            pauses: BTreeSet::new(),
            policy: Policy::default(),
            closed_dates: BTreeSet::new(),
            tokens_back_at: vec![at(10, 5); tokens_out],
            dials_today,
        }
    }

    /// A Tuesday in winter, when London's wall clock is UTC.
    fn at(hour: u32, minute: u32) -> DateTime<Utc> {
        chrono::NaiveDate::from_ymd_opt(2026, 12, 1)
            .unwrap()
            .and_hms_opt(hour, minute, 0)
            .unwrap()
            .and_utc()
    }

    #[test]
    fn forecasts_by_window_day_and_hours() {
        let ten = at(10, 0);
        for (tokens_out, today, ahead, from, want, why) in [
            (0, 0, 0, ten, ten, "nothing in the way"),
            (0, 0, 24, ten, ten, "the last token of the window"),
            (25, 0, 0, ten, at(10, 5), "the first token that comes back"),
            (0, 0, 25, ten, at(10, 15), "the window after this one"),
            (0, 0, 0, at(12, 0), at(12, 0), "it isn't wanted before"),
            (
                0,
                300,
                0,
                ten,
                at(10, 0) + Duration::hours(22),
                "the day is used up: tomorrow at eight",
            ),
            (
                0,
                0,
                0,
                at(19, 59),
                at(8, 0) + Duration::days(1),
                "less than two open minutes are left",
            ),
        ] {
            let got = expected(ten, &tenant(tokens_out, today), 1_000.0, ahead, from).unwrap();
            let late = got - want;
            assert!(
                late >= Duration::zero() && late < Duration::seconds(3),
                "{why}: {got} for {want}"
            );
        }
    }

    #[test]
    fn a_day_that_is_used_up_goes_on_tomorrow() {
        let got = expected(at(10, 0), &tenant(0, 290), 1_000.0, 10, at(10, 0)).unwrap();
        assert!(
            got >= at(8, 0) + Duration::days(1),
            "ten are left today, and ten go before: {got}"
        );
    }
}
