//! Admission against the plain rules, minute by minute.

use std::collections::BTreeSet;

use chrono::{DateTime, Duration, Utc};
use proptest::prelude::*;
use shared::calls::rules::admission::{admit, admit_tenant, recheck_before_dial};
use shared::calls::rules::hours::{Opening, Week};
use shared::calls::rules::reason::Reason;
use shared::calls::rules::snapshot::{
    AppointmentStatus, CallKind, CampaignFacts, Channel, NumberDial, Pause, Snapshot,
};
use shared::calls::rules::verdict::{Decision, Verdict};

use crate::rules::facts::{account, dates_near, minutes, reminder, tenant, weeks, zones};
use crate::rules::oracle::{final_at, in_time, stuck};

/// How far the oracle looks.
const MINUTES: i64 = 3 * 1440;

fn ago(now: DateTime<Utc>, most: i64) -> impl Strategy<Value = DateTime<Utc>> {
    (0..most).prop_map(move |minutes| now - Duration::minutes(minutes))
}

fn ahead(now: DateTime<Utc>, most: i64) -> impl Strategy<Value = DateTime<Utc>> {
    (0..most).prop_map(move |minutes| now + Duration::minutes(minutes))
}

fn rarely() -> impl Strategy<Value = bool> {
    prop::bool::weighted(0.02)
}

fn campaigns(now: DateTime<Utc>) -> BoxedStrategy<CampaignFacts> {
    let hours = (0..1440_u16, 0..=1440_u16);
    (
        (rarely(), rarely(), rarely(), any::<bool>()),
        (0..120_i64, prop::option::of(ago(now, 120))),
        prop::collection::btree_set(0..7_u8, 3..=7),
        prop_oneof![Just((480, 1200)), hours],
        ahead(now, 5000),
    )
        .prop_map(move |((stopped, paused, left_out, skip_gap), pace, days, hours, ends_at)| {
            CampaignFacts {
                stopped,
                paused,
                selected: !left_out,
                skip_gap,
                interval: Duration::minutes(pace.0),
                last_dial_at: pace.1,
                days,
                opens_minute: hours.0,
                closes_minute: hours.1,
                ends_at,
            }
        })
        .boxed()
}

fn with_tenant(s: Snapshot) -> BoxedStrategy<Snapshot> {
    let now = s.now;
    let limits = (1..9_u32, 20..40_u32, 0..600_u32, 1..4_u32, 1..5_u32, 0..3_u32);
    let week = prop_oneof![Just(Week::daily(Opening::ALL_DAY)), weeks()];
    let switches = prop::array::uniform5(rarely());
    let pauses =
        prop_oneof![19 => Just(BTreeSet::new()), 1 => Just(BTreeSet::from([Pause::Automatic]))];
    let facts =
        (dates_near(now), prop::collection::vec(ahead(now, 40), 0..8), 0..45_u32, ahead(now, 2));
    (limits, week, zones(), switches, pauses, facts)
        .prop_map(move |(limits, week, zone, switches, pauses, facts)| {
            let mut s = s.clone();
            let policy = &mut s.tenant.policy;
            policy.calling_hours = week;
            policy.window_limit = limits.0;
            policy.daily_limit = limits.1;
            policy.gap_minutes = limits.2;
            policy.max_attempts = limits.3;
            policy.number_week_limit = limits.4;
            policy.number_week_campaign_limit = limits.5;
            [
                s.tenant.refused_by_provider,
                s.tenant.calendar_key_missing,
                s.account.held,
                s.account.breaker_open,
                policy.consent_required,
            ] = switches;
            s.tenant.zone = zone;
            s.tenant.pauses = pauses;
            (
                s.tenant.closed_dates,
                s.tenant.tokens_back_at,
                s.tenant.dials_today,
                s.account.next_start_at,
            ) = facts;
            s
        })
        .boxed()
}

fn with_call(s: Snapshot) -> BoxedStrategy<Snapshot> {
    use AppointmentStatus::{Cancelled, Confirmed, Pending, Rescheduled};
    let now = s.now;
    let dial =
        (ago(now, 9 * 1440), any::<bool>()).prop_map(|(at, campaign)| NumberDial { at, campaign });
    let kind =
        prop::sample::select(vec![CallKind::Reminder, CallKind::CallNow, CallKind::Campaign]);
    let status = prop::sample::select(
        vec![Pending; 9].into_iter().chain([Rescheduled, Confirmed, Cancelled]).collect::<Vec<_>>(),
    );
    let few = prop_oneof![9 => Just(0), 1 => 1..3_u32];
    let some = prop_oneof![-600..=0_i64, -600..600_i64];
    let times = (some.clone(), some, -60..6000_i64);
    let switches = prop::array::uniform7(rarely());
    let past = (few, prop::option::weighted(0.3, ago(now, 700)), prop::collection::vec(dial, 0..4));
    let rest = (
        prop::option::of(ahead(now, 60)),
        0..6_u32,
        prop::bool::weighted(0.8),
        prop::bool::weighted(0.2),
    );
    (kind, status, campaigns(now), zones(), times, switches, past, rest)
        .prop_map(move |(kind, status, campaign, zone, times, switches, past, rest)| {
            let mut s = s.clone();
            let call = &mut s.call;
            call.kind = kind;
            call.appointment = Some(status);
            call.campaign = (kind == CallKind::Campaign).then_some(campaign);
            call.zone = zone;
            call.earliest = now + Duration::minutes(times.0.min(times.1));
            call.due = now + Duration::minutes(times.1);
            call.deadline = now + Duration::minutes(times.2);
            let channel_other;
            let gone;
            [
                call.number_bad,
                call.do_not_call,
                call.under_way,
                channel_other,
                gone,
                call.test_number_to_real_provider,
                _,
            ] = switches;
            call.contact_live = !gone;
            if channel_other {
                call.channel = Channel::Sms;
            }
            (call.attempts, call.last_counted_dial, call.number_dials) = past;
            (call.retry_at, call.calls_now_today, call.consent, call.north_american) = rest;
            s
        })
        .boxed()
}

fn snapshots() -> BoxedStrategy<Snapshot> {
    minutes()
        .prop_map(|now| Snapshot {
            now,
            tenant: tenant(now),
            account: account(now),
            call: reminder(now),
        })
        .prop_flat_map(with_tenant)
        .prop_flat_map(with_call)
        .boxed()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 800, max_shrink_iters: 2000, ..ProptestConfig::default() })]

    #[test]
    fn admission_says_what_the_plain_rules_say(s in snapshots()) {
        let answer = admit(&s);
        let passes = |t| !stuck(&s) && !final_at(&s, t) && in_time(&s, t);
        let end = s.call.campaign.as_ref().map_or(s.call.deadline, |c| c.ends_at.min(s.call.deadline));

        let all_pass = answer.checks.iter().all(|check| check.verdict == Verdict::Pass);
        prop_assert_eq!(answer.decision == Decision::Dial, all_pass);
        prop_assert_eq!(answer.decision == Decision::Dial, passes(s.now));
        prop_assert!(answer.checks.iter().all(|c| (c.verdict == Verdict::Pass) == c.reasons.is_empty()));
        prop_assert_eq!(answer.decision == Decision::Dial, answer.decision.reasons().is_empty());

        match &answer.decision {
            Decision::Dial => prop_assert_eq!(answer.earliest, Some(s.now)),
            Decision::Hold { .. } => prop_assert!(stuck(&s) && !final_at(&s, s.now)),
            Decision::Defer { until, .. } => {
                prop_assert!(!stuck(&s) && *until > s.now && *until <= end);
                let first = (0..MINUTES).map(|m| s.now + Duration::minutes(m)).find(|t| passes(*t));
                if *until == end {
                    prop_assert_eq!(first, None, "it waits until its end only if nothing passes before");
                } else if *until < s.now + Duration::minutes(MINUTES) {
                    prop_assert_eq!(first, Some(*until));
                } else {
                    prop_assert_eq!(first, None);
                }
            }
            Decision::Refuse { reasons } => {
                let forever = (0..MINUTES).map(|m| s.now + Duration::minutes(m)).all(|t| !passes(t));
                prop_assert!(forever, "{:?}", reasons);
                if !final_at(&s, s.now) {
                    let of_time = [Reason::NoTimeBeforeDeadline, Reason::NeverOpen];
                    prop_assert!(reasons.iter().any(|reason| of_time.contains(reason)));
                }
            }
        }
    }

    #[test]
    fn each_check_alone_passes_at_the_instant_it_names_and_not_before(s in snapshots()) {
        for check in admit(&s).checks {
            let Verdict::Defer { until } = check.verdict else { continue };
            // The daily count belongs to the day of `now`, so it can't be asked about a later `now`.
            if check.reasons.contains(&Reason::DailyLimitReached) {
                continue;
            }
            let verdict_at = |now| {
                let later = Snapshot { now, ..s.clone() };
                let same = |c: &&_| {
                    let c: &shared::calls::rules::verdict::CheckResult = c;
                    c.check == check.check && c.scope == check.scope
                };
                admit(&later).checks.iter().find(same).unwrap().verdict
            };
            // A campaign's own end may come before the instant at which its hours would let it go.
            let at_until = verdict_at(until);
            prop_assert!(matches!(at_until, Verdict::Pass | Verdict::Refuse), "{:?}", check);
            let just_before = verdict_at(until - Duration::minutes(1));
            prop_assert!(until - Duration::minutes(1) < s.now || just_before != Verdict::Pass, "{:?}", check);
        }
    }

    #[test]
    fn the_parts_agree_with_the_whole(s in snapshots()) {
        let answer = admit(&s);
        let tenant = admit_tenant(&s.tenant, &s.account, s.now);
        prop_assert_eq!(&tenant.decision, &answer.tenant);
        if answer.decision == Decision::Dial {
            prop_assert_eq!(&answer.tenant, &Decision::Dial);
            prop_assert_eq!(&answer.call, &Decision::Dial);
            prop_assert_eq!(recheck_before_dial(&s).decision, Decision::Dial);
        }
        if let (Some(whole), Some(part)) = (answer.decision.until(), answer.call.until()) {
            prop_assert!(part <= whole);
        }
        for check in &answer.checks {
            prop_assert_eq!(check.explain(&s).len(), check.reasons.len());
        }
    }

    #[test]
    fn no_snapshot_makes_it_panic(s in snapshots(), seconds in any::<i64>(), limit in 0..2_u32) {
        let far = DateTime::from_timestamp(seconds % 8_000_000_000_000, 0).unwrap();
        let mut s = Snapshot { now: far, ..s };
        s.tenant.policy.window_limit = limit;
        s.tenant.policy.daily_limit = limit;
        s.tenant.policy.gap_minutes = u32::MAX;
        s.call.last_counted_dial = Some(far);
        let answer = admit(&s);
        for check in &answer.checks {
            let _ = check.explain(&s);
        }
    }
}
