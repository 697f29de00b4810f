//! The checks of the tenant and the account, row by row.

use chrono::Duration;
use chrono_tz::Tz;
use shared::calls::rules::admission::admit;
use shared::calls::rules::hours::{Opening, Week};
use shared::calls::rules::reason::Reason::*;
use shared::calls::rules::snapshot::Pause;
use shared::calls::rules::verdict::Check;
use shared::calls::rules::verdict::Scope::{Account, Tenant};
use shared::calls::rules::verdict::Verdict::{Hold, Pass};

use super::table::{move_to, says, tokens, until};
use crate::rules::facts::{at, passing, tuesday};

#[test]
fn a_tenant_needs_its_configuration() {
    says(
        Check::Configured,
        Tenant,
        [
            (|s| s.tenant.active = false, Hold, &[TenantInactive], "suspended"),
            (|s| s.tenant.has_agent = false, Hold, &[NoAgent], "nobody would speak"),
            (|s| s.tenant.has_caller_number = false, Hold, &[NoCallerNumber], "no number to show"),
            (
                |s| s.tenant.calendar_key_missing = true,
                Hold,
                &[CalendarKeyMissing],
                "a connected calendar needs its key",
            ),
            (|s| s.tenant.refused_by_provider = true, Hold, &[ConfigurationRefused], "after a 422"),
            (
                |s| (s.tenant.has_agent, s.tenant.has_caller_number) = (false, false),
                Hold,
                &[NoAgent, NoCallerNumber],
                "all that is missing is named at once",
            ),
        ],
    );
}

#[test]
fn a_paused_tenant_waits() {
    says(
        Check::Paused,
        Tenant,
        [
            (|s| s.tenant.pauses = [Pause::ByHand].into(), Hold, &[PausedByHand], "by hand"),
            (
                |s| s.tenant.pauses = [Pause::Automatic].into(),
                Hold,
                &[PausedAutomatically],
                "by itself",
            ),
            (|s| s.tenant.pauses = [Pause::StopAll].into(), Hold, &[StoppedByPlatform], "stop-all"),
            (|s| s.tenant.pauses = [Pause::Recovering].into(), Hold, &[Recovering], "a restore"),
            (
                |s| s.tenant.pauses = [Pause::StopAll, Pause::ByHand].into(),
                Hold,
                &[PausedByHand, StoppedByPlatform],
                "lifting one of two isn't enough",
            ),
        ],
    );
}

#[test]
fn the_provider_account_must_take_calls() {
    says(
        Check::Provider,
        Account,
        [
            (|s| s.account.held = true, Hold, &[AccountHeld], "after a 401, 402 or 403"),
            (|s| s.account.breaker_open = true, Hold, &[BreakerOpen], "the breaker is open"),
            (|s| s.account.free_slots = 0, Hold, &[NoFreeSlot], "all lines are taken"),
            (|s| s.account.free_slots = 1, Pass, &[], "one is free"),
            (
                |s| s.account.next_start_at = s.now + Duration::milliseconds(500),
                until("2026-03-10T10:00:00.5Z"),
                &[StartsPerSecondReached],
                "one start a second",
            ),
        ],
    );
}

#[test]
fn the_tenants_wall_clock_must_show_opening_hours() {
    says(
        Check::CallingHours,
        Tenant,
        [
            (
                |s| {
                    move_to(s, "2026-03-10T07:59:59Z");
                    s.call.zone = Tz::Europe__Berlin;
                },
                until("2026-03-10T08:00:00Z"),
                &[OutsideTenantHours],
                "08:00 hasn't struck in London",
            ),
            (|s| move_to(s, "2026-03-10T08:00:00Z"), Pass, &[], "08:00 is open"),
            (|s| move_to(s, "2026-03-10T19:57:59Z"), Pass, &[], "more than two minutes are left"),
            (
                |s| s.tenant.policy.calling_hours = Week::daily(Opening::ALL_DAY),
                Pass,
                &[],
                "open day and night",
            ),
        ],
    );
    let mut evening = passing();
    move_to(&mut evening, "2026-03-10T19:58:00Z");
    let answer = admit(&evening);
    assert_eq!(answer.decision.reasons(), [OutsideTenantHours, OutsideContactHours]);
    let tomorrow = Some(at("2026-03-11T08:00:00Z"));
    assert_eq!(answer.decision.until(), tomorrow, "20:00 comes within two minutes");

    let mut wednesday = passing();
    wednesday.tenant.policy.calling_hours.tuesday = None;
    wednesday.call.deadline = tuesday() + Duration::days(2);
    wednesday.call.zone = Tz::Pacific__Kiritimati;
    let answer = admit(&wednesday);
    assert_eq!(answer.tenant.until(), tomorrow, "closed on Tuesdays");
    assert_ne!(
        answer.call.until(),
        tomorrow,
        "the same hours go by the contact's own weekday: Wednesday there until 20:00"
    );
}

#[test]
fn a_closed_date_waits_for_the_first_open_day() {
    let mut s = passing();
    s.tenant.closed_dates = [tuesday().date_naive()].into();
    s.call.deadline = tuesday() + Duration::days(3);
    let answer = admit(&s);
    assert_eq!(answer.tenant.reasons(), [ClosedDate]);
    let opening = Some(at("2026-03-11T08:00:00Z"));
    assert_eq!(answer.decision.until(), opening, "the date ends at midnight, the night at 08:00");
}

#[test]
fn twenty_five_calls_may_start_within_fifteen_minutes() {
    says(
        Check::Window,
        Tenant,
        [
            (|s| s.tenant.tokens_back_at = tokens(24), Pass, &[], "the 25th may start"),
            (
                |s| s.tenant.tokens_back_at = tokens(25),
                until("2026-03-10T10:01:00Z"),
                &[WindowFull],
                "the 26th waits for the first token",
            ),
            (
                |s| s.tenant.tokens_back_at = tokens(27),
                until("2026-03-10T10:03:00Z"),
                &[WindowFull],
                "after the limit was lowered, for the third",
            ),
            (|s| s.tenant.tokens_back_at = vec![tuesday(); 40], Pass, &[], "back is back"),
        ],
    );
}

#[test]
fn three_hundred_dials_may_be_made_in_a_day() {
    says(
        Check::DailyLimit,
        Tenant,
        [(|s| s.tenant.dials_today = 299, Pass, &[], "the 300th may start")],
    );
    for (zone, midnight, why) in [
        (Tz::Europe__London, "2026-03-11T00:00:00Z", "the 301st waits for the next day"),
        (Tz::Asia__Tokyo, "2026-03-10T15:00:00Z", "which begins in London's afternoon in Tokyo"),
    ] {
        let mut s = passing();
        s.tenant.dials_today = 300;
        s.tenant.zone = zone;
        s.tenant.policy.calling_hours = Week::daily(Opening::ALL_DAY);
        let answer = admit(&s);
        assert_eq!(answer.decision.until(), Some(at(midnight)), "{why}");
        assert_eq!(answer.tenant.reasons(), [DailyLimitReached], "{why}");
    }
}
