//! Days of dialling in a second: the rule and the order over a virtual clock, and what must be true afterwards.

mod world;

use std::collections::BTreeMap;

use chrono::Duration;
use proptest::prelude::*;
use shared::calls::rules::policy::Policy;
use shared::calls::rules::reason::Reason;

use super::facts::{dates_near, minutes, weeks, zones};
use super::oracle::{call_may_start, date, open_on_wall};
use world::{Dial, End, Tenant, run};

fn tenants() -> impl Strategy<Value = Vec<Tenant>> {
    let limits = (1..=25_u32, 5..=300_u32, 60..=600_u32, 1..=3_u32, 1..=4_u32);
    let one = minutes().prop_flat_map(move |start| {
        let size = (20..140_usize, 1..12_usize, any::<u64>());
        (Just(start), weeks(), zones(), dates_near(start), limits.clone(), size)
    });
    let tenant = one.prop_map(|(start, week, zone, closed_dates, limits, size)| {
        let policy = Policy {
            calling_hours: week,
            window_limit: limits.0,
            daily_limit: limits.1,
            gap_minutes: limits.2,
            max_attempts: limits.3,
            number_week_limit: limits.4,
            ..Policy::default()
        };
        Tenant::invent(start, zone, policy, closed_dates, size)
    });
    prop::collection::vec(tenant, 1..4)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 60, ..ProptestConfig::default() })]

    #[test]
    fn days_of_dialling_keep_every_limit_and_leave_nobody_behind(mut tenants in tenants()) {
        run(&mut tenants);
        for tenant in &tenants {
            window_and_day(tenant)?;
            hours(tenant)?;
            gaps_and_counts(tenant)?;
            ends(tenant)?;
        }
    }
}

#[test]
fn a_busy_day_fills_the_window_and_the_day_to_their_limits_and_no_further() {
    let start = super::facts::at("2026-03-10T07:00:00Z");
    let policy = Policy { max_attempts: 1, ..Policy::default() };
    let zone = chrono_tz::Tz::Europe__London;
    let mut tenants = [Tenant::invent(start, zone, policy, Default::default(), (700, 25, 1))];
    for call in &mut tenants[0].calls {
        (call.facts.kind, call.facts.campaign) =
            (shared::calls::rules::snapshot::CallKind::Reminder, None);
        (call.facts.earliest, call.facts.due, call.facts.zone) = (start, start, zone);
        call.eligible_at = start;
        call.facts.deadline = start + Duration::days(4);
        call.number = usize::MAX - call.contact;
    }
    run(&mut tenants);
    let tenant = &tenants[0];
    window_and_day(tenant).unwrap();
    let mut days: BTreeMap<_, usize> = BTreeMap::new();
    for dial in &tenant.dials {
        *days.entry(date(zone, dial.start)).or_default() += 1;
    }
    let full: Vec<_> = days.values().copied().collect();
    assert_eq!(full[..2], [300, 300], "two full days");
    let first = tenant.dials[0].start + Duration::minutes(15);
    assert_eq!(
        tenant.dials.iter().filter(|dial| dial.start < first).count(),
        25,
        "and full windows"
    );
}

fn window_and_day(tenant: &Tenant) -> Result<(), TestCaseError> {
    let limit = tenant.policy.window_limit as usize;
    let mut recorded: Vec<_> = tenant.dials.iter().map(|dial| dial.recorded).collect();
    recorded.sort();
    for pair in recorded.windows(limit + 1) {
        prop_assert!(pair[limit] - pair[0] > Duration::minutes(15), "{} in 15 minutes", limit + 1);
    }
    let mut days: BTreeMap<_, u32> = BTreeMap::new();
    for dial in &tenant.dials {
        *days.entry(date(tenant.zone, dial.start)).or_default() += 1;
    }
    prop_assert!(days.values().all(|dials| *dials <= tenant.policy.daily_limit.min(300)));
    Ok(())
}

fn hours(tenant: &Tenant) -> Result<(), TestCaseError> {
    let week = &tenant.policy.calling_hours;
    for dial in &tenant.dials {
        let call = &tenant.calls[dial.call];
        let open = |t| {
            open_on_wall(tenant.zone, week, &tenant.closed_dates, t)
                && open_on_wall(call.facts.zone, week, &Default::default(), t)
        };
        prop_assert!(call_may_start(open, dial.start), "{} is out of hours", dial.start);
        prop_assert!(dial.start >= call.facts.earliest && dial.start < call.facts.deadline);
    }
    Ok(())
}

fn gaps_and_counts(tenant: &Tenant) -> Result<(), TestCaseError> {
    let call = |dial: &Dial| &tenant.calls[dial.call];
    for (i, later) in tenant.dials.iter().enumerate() {
        let same = |dial: &&Dial| {
            call(dial).number == call(later).number || call(dial).contact == call(later).contact
        };
        let before: Vec<_> = tenant.dials[..i].iter().filter(same).collect();
        prop_assert!(before.iter().all(|d| d.end <= later.start), "two phones ring");
        let counted: Vec<_> = before.into_iter().filter(|dial| dial.counts).collect();
        let skips = call(later).facts.campaign.as_ref().is_some_and(|c| c.skip_gap);
        let gap_kept = |dial: &&Dial| later.start - dial.start >= tenant.policy.gap();
        prop_assert!(skips || counted.iter().all(gap_kept), "inside the gap");

        let attempts = counted.iter().filter(|dial| dial.call == later.call).count();
        prop_assert!(attempts < tenant.policy.max_attempts as usize, "one attempt too many");
        let week = counted.iter().filter(|dial| {
            call(dial).number == call(later).number && dial.start > later.start - Duration::days(7)
        });
        prop_assert!(week.count() < tenant.policy.number_week_limit as usize);
    }
    Ok(())
}

/// Everybody was reached, or refused with a reason; and time ran out only where the clock says so.
fn ends(tenant: &Tenant) -> Result<(), TestCaseError> {
    for call in &tenant.calls {
        match &call.end {
            None => prop_assert!(false, "a call was left behind"),
            Some(End::Answered) => {}
            Some(End::Refused { reasons, at }) => {
                prop_assert!(!reasons.is_empty());
                if reasons.contains(&Reason::DeadlinePassed) {
                    prop_assert!(*at >= call.facts.deadline);
                }
            }
        }
    }
    Ok(())
}
