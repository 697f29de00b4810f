//! Plans against what every plan must be.

use chrono::{DateTime, Duration, Utc};
use proptest::prelude::*;
use shared::calls::rules::hours::{Opening, Week};
use shared::calls::rules::planning::{
    Clocks, Patience, PlanInput, Unplannable, last_chance, moved_enough, plan_call_now,
    plan_reminder, reminder_deadline,
};
use shared::calls::rules::policy::Policy;

use super::facts::{dates_near, minutes, weeks, zones};
use super::oracle::{call_may_start, open_on_wall};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn a_plan_lies_in_open_hours_between_earliest_and_deadline(
        (now, closed_dates) in minutes().prop_flat_map(|t| (Just(t), dates_near(t))),
        week in weeks(),
        (tenant_zone, contact_zone) in (zones(), zones()),
        (booked_ago, ahead) in (0..20_000_i64, -100..20_000_i64),
        call_before_hours in 1..169_u32,
        spread in any::<u64>(),
    ) {
        let policy = Policy { calling_hours: week, ..Policy::default() };
        let clocks = Clocks { policy: &policy, tenant_zone, contact_zone, closed_dates: &closed_dates };
        let input = PlanInput {
            now,
            booked_at: now - Duration::minutes(booked_ago),
            appointment_at: now + Duration::minutes(ahead),
            call_before_hours,
            clocks,
            spread,
        };
        let open = |t| {
            let none = std::collections::BTreeSet::new();
            call_may_start(|t| {
                open_on_wall(tenant_zone, &week, &closed_dates, t)
                    && open_on_wall(contact_zone, &week, &none, t)
            }, t)
        };
        let deadline = reminder_deadline(input.appointment_at, call_before_hours, &policy);
        let due = input.appointment_at - Duration::hours(call_before_hours.into());
        let plan = plan_reminder(&input);
        prop_assert_eq!(plan, plan_reminder(&input), "the same again");
        match plan {
            Ok(plan) => {
                let booked = input.booked_at + Duration::minutes(30);
                prop_assert!(plan.earliest >= booked && plan.due >= plan.earliest.max(now));
                prop_assert!(plan.due < plan.deadline && plan.deadline == deadline);
                prop_assert!(open(plan.due), "{} is closed", plan.due);
                if open(due) && due >= plan.earliest.max(now) {
                    prop_assert_eq!(plan.due, due);
                }
            }
            Err(Unplannable::TooLate) => {
                // From the booking's half hour on (or from now) every minute before the deadline is closed, or lies before
                // the open period that precedes due, which can't be if now is later than due.
                let from = now.max(input.booked_at + Duration::minutes(30)).max(due);
                let minutes = (deadline - from).num_minutes().max(0);
                prop_assert!((0..minutes).all(|m| !open(from + Duration::minutes(m))));
            }
            Err(Unplannable::NeverOpen) => {
                prop_assert!((0..3 * 1440).all(|m| !open(now.max(due) + Duration::minutes(m))));
            }
        }
        let chance = last_chance(deadline, &clocks);
        let left = (0..(deadline - chance).num_minutes())
            .filter(|m| open(chance + Duration::minutes(*m)))
            .count();
        prop_assert!(left == 120 || (left < 120 && deadline - chance == Duration::days(35)));
    }

    #[test]
    fn planning_never_panics(
        (now, booked, appointment) in (any::<i64>(), any::<i64>(), any::<i64>()),
        hours in any::<u32>(),
        zone in zones(),
        spread in any::<u64>(),
        notice in any::<u32>(),
    ) {
        let far = |seconds: i64| DateTime::<Utc>::from_timestamp(seconds % 8_000_000_000_000, 0).unwrap();
        let policy = Policy {
            calling_hours: Week::daily(Opening::ALL_DAY),
            minimum_notice_minutes: notice,
            booking_delay_minutes: notice,
            ..Policy::default()
        };
        let none = std::collections::BTreeSet::new();
        let clocks = Clocks { policy: &policy, tenant_zone: zone, contact_zone: zone, closed_dates: &none };
        let input = PlanInput {
            now: far(now),
            booked_at: far(booked),
            appointment_at: far(appointment),
            call_before_hours: hours,
            clocks,
            spread,
        };
        let _ = plan_reminder(&input);
        let _ = plan_call_now(far(now), Some(far(appointment)), Patience::Minutes, &clocks);
        let _ = plan_call_now(far(now), None, Patience::UntilDeadline, &clocks);
        let _ = last_chance(far(now), &clocks);
        let _ = moved_enough(far(now), far(appointment), zone);
    }
}
