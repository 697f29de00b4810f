//! Forecasts that can be told in words.

use std::collections::BTreeSet;

use chrono_tz::Europe::London;

use super::*;
use crate::calls::rules::policy::Policy;

fn tenant(tokens_out: usize, dials_today: u32) -> TenantFacts {
    TenantFacts {
        zone: London,
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
    on(2026, 12, 1, hour, minute)
}

fn on(year: i32, month: u32, day: u32, hour: u32, minute: u32) -> DateTime<Utc> {
    let day = chrono::NaiveDate::from_ymd_opt(year, month, day).unwrap();
    day.and_hms_opt(hour, minute, 0).unwrap().and_utc()
}

fn forecast(now: DateTime<Utc>, tenant: &TenantFacts) -> Forecast<'_> {
    Forecast {
        now,
        tenant,
        starts_per_second: 1_000.0,
        next_start_at: now,
        ahead: 0,
        from: now,
        contact_zone: London,
    }
}

fn near(got: DateTime<Utc>, want: DateTime<Utc>, why: &str) {
    let late = got - want;
    assert!(late >= Duration::zero() && late < Duration::seconds(3), "{why}: {got} for {want}");
}

#[test]
fn forecasts_by_window_day_and_hours() {
    let ten = at(10, 0);
    let tomorrow = at(8, 0) + Duration::days(1);
    for (tokens_out, today, ahead, from, want, why) in [
        (0, 0, 0, ten, ten, "nothing in the way"),
        (0, 0, 24, ten, ten, "the last token of the window"),
        (25, 0, 0, ten, at(10, 5), "the first token that comes back"),
        (0, 0, 25, ten, at(10, 15), "the window after this one"),
        (0, 0, 0, at(12, 0), at(12, 0), "it isn't wanted before"),
        (0, 300, 0, ten, tomorrow, "the day is used up"),
        (0, 290, 10, ten, tomorrow, "ten are left today, and ten go before"),
        (0, 0, 0, at(19, 59), tomorrow, "less than two open minutes are left"),
    ] {
        let tenant = tenant(tokens_out, today);
        let about = Forecast { ahead, from, ..forecast(ten, &tenant) };
        near(expected(&about).unwrap(), want, why);
    }
}

#[test]
fn a_start_that_the_account_may_make_now_is_made_now() {
    let tenant = tenant(0, 0);
    let about = Forecast { starts_per_second: 0.1, ..forecast(at(10, 0), &tenant) };
    assert_eq!(expected(&about), Some(at(10, 0)));
    let busy = Forecast { next_start_at: at(10, 1), ..about };
    assert_eq!(expected(&busy), Some(at(10, 1)), "the account's next start");
}

#[test]
fn a_token_that_comes_back_while_the_contact_sleeps_is_taken_when_it_wakes() {
    let mut tenant = tenant(0, 0);
    tenant.tokens_back_at = vec![at(15, 30); 25];
    let contact_zone = chrono_tz::Asia::Karachi;
    let about = Forecast { contact_zone, ..forecast(at(14, 0), &tenant) };
    let got = expected(&about).unwrap();
    near(got, at(8, 0) + Duration::days(1), "eight in the evening there is three in London");
}

#[test]
fn a_day_without_dials_left_ends_at_midnight_though_the_clocks_change() {
    // On 25 October 2026 London's day is 25 hours long, on 29 March 23.
    for (now, want) in [
        (on(2026, 10, 25, 10, 0), on(2026, 10, 26, 8, 0)),
        (on(2026, 3, 29, 10, 0), on(2026, 3, 30, 7, 0)),
    ] {
        let mut tenant = tenant(0, 300);
        tenant.policy.calling_hours =
            crate::calls::rules::hours::Week::daily(crate::calls::rules::hours::Opening::ALL_DAY);
        let about = forecast(now, &tenant);
        let midnight = want - Duration::hours(8);
        near(expected(&about).unwrap(), midnight, "open all day, so at midnight");
    }
}

#[test]
fn a_window_that_was_made_smaller_waits_for_the_last_tokens() {
    let mut tenant = tenant(0, 0);
    tenant.policy.window_limit = 2;
    tenant.tokens_back_at = vec![at(10, 1), at(10, 2), at(10, 3), at(10, 4)];
    near(expected(&forecast(at(10, 0), &tenant)).unwrap(), at(10, 3), "three are back, one is out");
}
