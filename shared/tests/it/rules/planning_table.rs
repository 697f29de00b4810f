//! When is a reminder due? The paragraph, sentence by sentence.

use std::collections::BTreeSet;

use chrono::{DateTime, Duration, NaiveDate, Utc};
use chrono_tz::Tz;
use shared::calls::rules::planning::{
    Clocks, Patience, PlanInput, Unplannable, last_chance, moved_enough, plan_call_now,
    plan_reminder,
};
use shared::calls::rules::policy::Policy;

use super::facts::at;

struct Case {
    policy: Policy,
    closed: BTreeSet<NaiveDate>,
    contact: Tz,
    now: &'static str,
    booked: &'static str,
    appointment: &'static str,
    before: u32,
    spread: u64,
}

/// Booked and planned a week ahead, for a Wednesday afternoon.
fn usual() -> Case {
    Case {
        policy: Policy::default(),
        closed: BTreeSet::new(),
        contact: Tz::Europe__London,
        now: "2026-03-04T12:00:00Z",
        booked: "2026-03-04T12:00:00Z",
        appointment: "2026-03-11T15:00:00Z",
        before: 24,
        spread: 0,
    }
}

impl Case {
    fn clocks(&self) -> Clocks<'_> {
        Clocks {
            policy: &self.policy,
            tenant_zone: Tz::Europe__London,
            contact_zone: self.contact,
            closed_dates: &self.closed,
        }
    }

    /// Earliest, due and deadline.
    fn plan(&self) -> Result<[DateTime<Utc>; 3], Unplannable> {
        let planned = plan_reminder(&PlanInput {
            now: at(self.now),
            booked_at: at(self.booked),
            appointment_at: at(self.appointment),
            call_before_hours: self.before,
            clocks: self.clocks(),
            spread: self.spread,
        })?;
        assert_eq!(planned.eligible_at, planned.due);
        Ok([planned.earliest, planned.due, planned.deadline])
    }
}

#[test]
fn a_reminder_is_due_where_the_paragraph_says() {
    let early = "2026-03-11T05:00:00Z";
    let sundays = || {
        let mut policy = Policy::default();
        policy.calling_hours.sunday = None;
        policy
    };
    let rows: Vec<(Case, [&str; 3], &str)> = vec![
        (
            usual(),
            ["2026-03-10T08:00:00Z", "2026-03-10T15:00:00Z", "2026-03-11T13:00:00Z"],
            "due is open and ahead: due; earliest is that morning's opening, the deadline two hours' notice",
        ),
        (
            Case { before: 2, ..usual() },
            ["2026-03-11T08:00:00Z", "2026-03-11T13:00:00Z", "2026-03-11T14:00:00Z"],
            "half of two hours is less than the notice",
        ),
        (
            Case { before: 168, ..usual() },
            ["2026-03-04T12:30:00Z", "2026-03-04T15:00:00Z", "2026-03-11T13:00:00Z"],
            "earliest is half an hour after the booking, if that is later than the opening",
        ),
        (
            Case { appointment: "2026-03-11T22:00:00Z", ..usual() },
            ["2026-03-10T08:00:00Z", "2026-03-11T08:00:00Z", "2026-03-11T20:00:00Z"],
            "due at 22:00 is closed: the first open instant after it, four hours and more before the deadline",
        ),
        (
            Case {
                now: "2026-03-11T09:10:00Z",
                booked: "2026-03-11T09:00:00Z",
                appointment: "2026-03-11T19:00:00Z",
                ..usual()
            },
            ["2026-03-11T09:30:00Z", "2026-03-11T09:30:00Z", "2026-03-11T17:00:00Z"],
            "due has passed when it was booked: the first open instant, half an hour after the booking",
        ),
        (
            Case {
                now: "2026-03-10T14:50:00Z",
                booked: "2026-03-10T14:50:00Z",
                appointment: "2026-03-11T15:10:00Z",
                ..usual()
            },
            ["2026-03-10T15:20:00Z", "2026-03-10T15:20:00Z", "2026-03-11T13:10:00Z"],
            "due is ahead, but not yet half an hour after the booking",
        ),
        (
            Case { appointment: early, spread: 3600, ..usual() },
            ["2026-03-09T08:00:00Z", "2026-03-10T08:00:00Z", "2026-03-11T03:00:00Z"],
            "due at 05:00 is closed, 08:00 is early enough",
        ),
        (
            Case { appointment: "2026-03-11T09:00:00Z", before: 4, spread: 3600, ..usual() },
            ["2026-03-10T08:00:00Z", "2026-03-10T09:00:00Z", "2026-03-11T07:00:00Z"],
            "nothing is open between 05:00 and the deadline: spread over the day before, here one hour into it",
        ),
        (
            Case {
                appointment: "2026-03-11T09:00:00Z",
                before: 4,
                spread: 11 * 3600 + 58 * 60 + 5,
                ..usual()
            },
            ["2026-03-10T08:00:00Z", "2026-03-10T08:00:05Z", "2026-03-11T07:00:00Z"],
            "the spread goes round and round",
        ),
        (
            Case { policy: sundays(), appointment: "2026-03-09T07:00:00Z", spread: 60, ..usual() },
            ["2026-03-07T08:00:00Z", "2026-03-07T08:01:00Z", "2026-03-09T05:00:00Z"],
            "Monday at seven, closed on Sunday: Saturday",
        ),
        (
            Case {
                now: "2026-03-10T18:58:30Z",
                booked: "2026-03-10T18:00:00Z",
                appointment: "2026-03-11T09:00:00Z",
                before: 4,
                spread: 30,
                ..usual()
            },
            ["2026-03-10T18:30:00Z", "2026-03-10T18:59:00Z", "2026-03-11T07:00:00Z"],
            "booked in that evening: what is left of it, from now on",
        ),
        (
            Case {
                now: "2026-03-10T21:00:00Z",
                booked: "2026-03-10T21:00:00Z",
                appointment: "2026-03-11T11:00:00Z",
                before: 12,
                ..usual()
            },
            ["2026-03-10T21:30:00Z", "2026-03-11T08:00:00Z", "2026-03-11T09:00:00Z"],
            "no open instant is comfortable and the evening is past: the first one before the deadline",
        ),
        (
            Case { contact: Tz::America__New_York, appointment: "2026-03-11T09:00:00Z", ..usual() },
            ["2026-03-09T12:00:00Z", "2026-03-10T12:00:00Z", "2026-03-11T07:00:00Z"],
            "09:00 is night in New York and its noon opening leaves time: wait for it",
        ),
        (
            Case {
                appointment: "2026-03-29T09:30:00Z",
                now: "2026-03-20T12:00:00Z",
                booked: "2026-03-20T12:00:00Z",
                ..usual()
            },
            ["2026-03-28T08:00:00Z", "2026-03-28T09:30:00Z", "2026-03-29T07:30:00Z"],
            "24 elapsed hours before 10:30 summer time is 09:30 winter time",
        ),
        (
            Case {
                appointment: "2026-03-30T06:30:00Z",
                now: "2026-03-20T12:00:00Z",
                booked: "2026-03-20T12:00:00Z",
                ..usual()
            },
            ["2026-03-28T08:00:00Z", "2026-03-29T07:00:00Z", "2026-03-30T04:30:00Z"],
            "on the day the clocks go forward it opens at 07:00 by UTC",
        ),
        (
            Case {
                appointment: "2026-10-26T07:30:00Z",
                now: "2026-10-20T12:00:00Z",
                booked: "2026-10-20T12:00:00Z",
                ..usual()
            },
            ["2026-10-24T07:00:00Z", "2026-10-25T08:00:00Z", "2026-10-26T05:30:00Z"],
            "on the day they go back at 08:00 by UTC",
        ),
        (
            Case { closed: [NaiveDate::from_ymd_opt(2026, 3, 10).unwrap()].into(), ..usual() },
            ["2026-03-09T08:00:00Z", "2026-03-11T08:00:00Z", "2026-03-11T13:00:00Z"],
            "due falls on a closed date: next morning is still comfortable",
        ),
    ];
    for (case, expected, why) in rows {
        assert_eq!(case.plan(), Ok(expected.map(at)), "{why}");
    }
}

#[test]
fn what_can_not_be_called_in_time_is_not_planned() {
    let closed = |days: std::ops::Range<i64>| -> BTreeSet<NaiveDate> {
        days.map(|day| (at("2026-03-10T00:00:00Z") + Duration::days(day)).date_naive()).collect()
    };
    for (case, error, why) in [
        (
            Case { now: "2026-03-11T13:00:00Z", ..usual() },
            Unplannable::TooLate,
            "the deadline is now",
        ),
        (
            Case { now: "2026-03-11T12:40:00Z", booked: "2026-03-11T12:40:00Z", ..usual() },
            Unplannable::TooLate,
            "half an hour after the booking is past the deadline",
        ),
        (
            Case {
                now: "2026-03-10T20:00:00Z",
                booked: "2026-03-10T20:00:00Z",
                appointment: "2026-03-11T09:00:00Z",
                ..usual()
            },
            Unplannable::TooLate,
            "booked in the evening for next morning at nine: it opens after the deadline",
        ),
        (
            Case {
                now: "2026-03-10T00:00:00Z",
                booked: "2026-03-10T00:00:00Z",
                closed: closed(-40..60),
                ..usual()
            },
            Unplannable::NeverOpen,
            "closed for more than five weeks",
        ),
    ] {
        assert_eq!(case.plan(), Err(error), "{why}");
    }
}

#[test]
fn a_call_now_has_until_its_appointment_or_the_close_of_the_day() {
    let case = usual();
    let now = at("2026-03-10T10:00:00Z");
    let plan = |now, appointment, patience| {
        plan_call_now(now, appointment, patience, &case.clocks())
            .map(|plan| (plan.times.deadline, plan.in_front_until))
    };
    let close = at("2026-03-10T20:00:00Z");
    let tomorrow = at("2026-03-11T15:00:00Z");
    let minutes = |m| now + Duration::minutes(m);
    for (appointment, patience, expected, why) in [
        (
            Some(tomorrow),
            Patience::UntilDeadline,
            (tomorrow, tomorrow),
            "in front until the appointment",
        ),
        (Some(tomorrow), Patience::Minutes, (tomorrow, minutes(10)), "put back after ten minutes"),
        (None, Patience::UntilDeadline, (close, close), "about nothing: until today's close"),
        (None, Patience::Minutes, (close, minutes(10)), "about nothing, put back"),
        (
            Some(minutes(4)),
            Patience::Minutes,
            (minutes(4), minutes(4)),
            "never later than the appointment",
        ),
        (
            Some(minutes(-4)),
            Patience::Minutes,
            (close, minutes(10)),
            "an appointment that is past has no deadline",
        ),
    ] {
        assert_eq!(plan(now, appointment, patience), Ok(expected), "{why}");
    }
    assert_eq!(plan(close, None, Patience::Minutes), Err(Unplannable::TooLate), "closed for today");
    let before_opening = plan(at("2026-03-10T05:00:00Z"), None, Patience::UntilDeadline);
    assert_eq!(before_opening, Ok((close, close)), "today's close is still ahead at five");
}

#[test]
fn an_appointment_moves_enough_by_two_hours_or_to_another_local_day() {
    let old = at("2026-07-10T22:30:00Z");
    for (new, zone, moved, why) in [
        ("2026-07-10T20:30:00Z", Tz::UTC, true, "two hours earlier"),
        ("2026-07-10T20:31:00Z", Tz::UTC, false, "a minute less"),
        ("2026-07-10T23:30:00Z", Tz::UTC, false, "an hour later the same day"),
        ("2026-07-10T23:00:00Z", Tz::Europe__London, true, "from 23:30 to midnight in summer"),
        ("2026-07-10T22:30:00Z", Tz::Europe__London, false, "not at all"),
    ] {
        assert_eq!(moved_enough(old, at(new), zone), moved, "{why}");
    }
}

#[test]
fn the_last_chance_is_two_calling_hours_before_the_deadline() {
    let case = usual();
    for (deadline, chance, why) in [
        ("2026-03-11T13:00:00Z", "2026-03-11T11:00:00Z", "within one day"),
        (
            "2026-03-11T09:00:00Z",
            "2026-03-10T18:58:00Z",
            "one hour that morning, one the evening before",
        ),
        (
            "2026-03-11T03:00:00Z",
            "2026-03-10T17:58:00Z",
            "all of it the evening before: calls start until 19:58",
        ),
    ] {
        assert_eq!(last_chance(at(deadline), &case.clocks()), at(chance), "{why}");
    }
}
