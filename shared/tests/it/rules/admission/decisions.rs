//! How the checks' verdicts become one decision.

use chrono::Duration;
use chrono_tz::Tz;
use shared::calls::rules::admission::{admit, admit_tenant, recheck_before_dial};
use shared::calls::rules::hours::{Opening, Week};
use shared::calls::rules::reason::Reason::{self, *};
use shared::calls::rules::snapshot::{AppointmentStatus, CallKind, NumberDial, Pause, Snapshot};
use shared::calls::rules::verdict::Decision;

use super::table::{move_to, tokens};
use crate::rules::facts::{at, passing};

#[test]
fn call_now_skips_nothing_but_its_due_time() {
    let mut s = passing();
    s.call.kind = CallKind::CallNow;
    s.call.attempts = 2;
    s.call.do_not_call = true;
    s.tenant.policy.consent_required = true;
    let refused = Decision::Refuse { reasons: vec![AttemptsUsed, OnDoNotCallList] };
    assert_eq!(
        admit(&s).decision,
        refused,
        "refuse outweighs hold, and every reason of that weight is named"
    );
}

#[test]
fn hold_turns_into_refuse_at_the_deadline_and_says_what_was_in_the_way() {
    let mut s = passing();
    s.tenant.has_agent = false;
    assert_eq!(admit(&s).decision, Decision::Hold { reasons: vec![NoAgent] });
    s.now = s.call.deadline;
    s.call.zone = s.tenant.zone;
    let Decision::Refuse { reasons } = admit(&s).decision else {
        panic!("refused at the deadline")
    };
    assert_eq!(reasons[0], DeadlinePassed);
    assert!(reasons.contains(&NoAgent));
}

#[test]
fn a_gap_that_outlasts_the_deadline_refuses_at_once() {
    let mut s = passing();
    s.call.last_counted_dial = Some(s.now);
    s.call.deadline = s.now + Duration::hours(8);
    let refused = Decision::Refuse { reasons: vec![NoTimeBeforeDeadline, GapNotOver] };
    assert_eq!(admit(&s).decision, refused);
}

#[test]
fn a_full_window_never_refuses_before_the_deadline() {
    let mut s = passing();
    s.tenant.tokens_back_at = vec![s.now + Duration::hours(2); 25];
    s.call.deadline = s.now + Duration::hours(1);
    let waits = Decision::Defer { until: s.call.deadline, reasons: vec![WindowFull] };
    assert_eq!(admit(&s).decision, waits, "a reservation may give its token back any second");
}

#[test]
fn a_last_attempt_under_way_is_waited_for() {
    let mut s = passing();
    s.call.attempts = 2;
    s.call.under_way = true;
    let held = Decision::Hold { reasons: vec![LastAttemptUnderWay, DialUnderWay] };
    assert_eq!(admit(&s).decision, held, "it may be found not to have been placed");
}

#[test]
fn a_tenant_closed_for_five_weeks_never_opens() {
    let mut s = passing();
    s.call.deadline = s.now + Duration::days(60);
    s.tenant.closed_dates = (0..40).map(|day| (s.now + Duration::days(day)).date_naive()).collect();
    let refused = Decision::Refuse { reasons: vec![NeverOpen] };
    assert_eq!(admit(&s).decision, refused);
    assert_eq!(admit_tenant(&s.tenant, &s.account, s.now).decision, refused);
}

#[test]
fn clocks_that_are_never_open_together_never_open() {
    let mut s = passing();
    s.call.deadline = s.now + Duration::days(60);
    s.call.zone = Tz::Pacific__Auckland;
    let (opens, closes) = ("10:00".parse().unwrap(), "12:00".parse().unwrap());
    s.tenant.policy.calling_hours = Week::daily(Opening { opens, closes });
    let refused = Decision::Refuse { reasons: vec![NeverOpen, OutsideContactHours] };
    assert_eq!(admit(&s).decision, refused, "ten in London is the night in Auckland");
}

#[test]
fn a_call_wanted_in_two_months_waits_for_it_whatever_is_closed_before() {
    let mut s = passing();
    s.call.due = s.now + Duration::days(60);
    s.call.deadline = s.call.due + Duration::hours(20);
    let due = Some(at("2026-05-09T10:00:00Z"));
    assert_eq!(admit(&s).decision.until(), due);
    s.tenant.closed_dates = (0..40).map(|day| (s.now + Duration::days(day)).date_naive()).collect();
    let answer = admit(&s);
    assert_eq!((answer.decision.until(), answer.earliest), (due, due));
}

#[test]
fn earliest_leaves_the_queue_and_the_provider_aside() {
    let mut s = passing();
    s.tenant.tokens_back_at = vec![s.now + Duration::minutes(9); 25];
    s.account.free_slots = 0;
    s.call.last_counted_dial = Some(s.now - Duration::hours(7));
    assert_eq!(admit(&s).earliest, Some(s.now + Duration::hours(1)));
    s.tenant.pauses.insert(Pause::ByHand);
    assert_eq!(admit(&s).earliest, None, "nobody knows when a pause ends");
}

#[test]
fn a_plus_one_number_is_dialled_once_on_its_own_calendar_day() {
    let mut s = passing();
    s.now = at("2026-03-10T15:00:00Z");
    s.account.next_start_at = s.now;
    s.tenant.policy.gap_minutes = 0;
    s.call.deadline = s.now + Duration::days(3);
    (s.call.north_american, s.call.consent, s.call.zone) = (true, true, Tz::America__New_York);
    s.call.number_dials = vec![NumberDial { at: at("2026-03-10T12:30:00Z"), campaign: false }];
    let until = at("2026-03-11T12:00:00Z");
    let waits = Decision::Defer { until, reasons: vec![NorthAmericanDayReached] };
    assert_eq!(admit(&s).decision, waits, "dialled at 08:30 there: tomorrow at 08:00 there");
    s.call.number_dials[0].at = at("2026-03-10T03:30:00Z");
    assert_eq!(admit(&s).decision, Decision::Dial, "23:30 the evening before, there");
}

/// What is changed after the reservation, whether the dial still goes, and why.
type Row = (fn(&mut Snapshot), Decision, &'static str);

#[test]
fn just_before_dialling_only_what_can_have_changed_is_asked_again() {
    let rows: [Row; 12] = [
        (|s| s.tenant.tokens_back_at = tokens(25), Decision::Dial, "its own token is among them"),
        (|s| s.tenant.dials_today = 300, Decision::Dial, "it is the 300th itself"),
        (|s| s.call.last_counted_dial = Some(s.now), Decision::Dial, "that is its own reservation"),
        (|s| s.call.attempts = 2, Decision::Dial, "it is the second itself"),
        (|s| s.call.under_way = true, Decision::Dial, "it is under way itself"),
        (|s| s.account.free_slots = 0, Decision::Dial, "it has its slot"),
        (|s| s.account.breaker_open = true, Decision::Dial, "it may be the probe"),
        (
            |s| s.account.held = true,
            Decision::Hold { reasons: vec![AccountHeld] },
            "the provider would refuse it",
        ),
        (
            |s| s.tenant.pauses = [Pause::StopAll].into(),
            Decision::Hold { reasons: vec![StoppedByPlatform] },
            "stop means stop",
        ),
        (
            |s| s.call.do_not_call = true,
            Decision::Refuse { reasons: vec![OnDoNotCallList] },
            "opted out this second",
        ),
        (
            |s| s.call.appointment = Some(AppointmentStatus::Confirmed),
            Decision::Refuse { reasons: vec![AlreadyConfirmed] },
            "confirmed by SMS this second",
        ),
        (
            |s| move_to(s, "2026-03-10T19:58:00Z"),
            Decision::Defer {
                until: at("2026-03-11T08:00:00Z"),
                reasons: vec![OutsideTenantHours, OutsideContactHours],
            },
            "it has become too late in the evening",
        ),
    ];
    for (change, decision, why) in rows {
        let mut snapshot = passing();
        change(&mut snapshot);
        assert_eq!(recheck_before_dial(&snapshot).decision, decision, "{why}");
    }
}

#[test]
fn every_reason_has_a_code_of_its_own_and_is_explained_without_anything_personal() {
    let snapshot = passing();
    let codes: std::collections::BTreeSet<_> = Reason::ALL.iter().map(|r| r.code()).collect();
    assert_eq!(codes.len(), Reason::ALL.len());
    for reason in Reason::ALL {
        assert_eq!(serde_json::to_value(reason).unwrap(), reason.code());
        let sentence = reason.explain(&snapshot);
        assert!(sentence.ends_with('.') && sentence.len() > 15, "{reason:?}: {sentence}");
    }
}
