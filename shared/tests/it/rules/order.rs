//! Which call goes first, row by row.

use chrono::{DateTime, Duration, NaiveDate, Utc};
use chrono_tz::Tz;
use proptest::prelude::*;
use shared::calls::rules::order::{Candidate, Day, Priority, Queue, pick, two_calling_days};
use shared::calls::rules::planning::Clocks;
use shared::calls::rules::policy::Policy;
use shared::calls::rules::snapshot::CallKind;
use shared::ids::{CallId, CampaignId};
use uuid::Uuid;

use super::facts::{at, tuesday};

const QUIET_DAY: Day = Day {
    daily_limit: 300,
    dials: 0,
    campaign_dials: 0,
    others_due: 0,
    campaign_share_percent: 10,
};

fn near() -> DateTime<Utc> {
    at("2026-03-11T19:58:00Z")
}

fn reminder(id: u128, deadline: &str, priority: Priority) -> Candidate {
    Candidate {
        id: CallId(Uuid::from_u128(id)),
        kind: CallKind::Reminder,
        priority,
        due: tuesday(),
        deadline: at(deadline),
        campaign: None,
    }
}

fn of_campaign(id: u128, campaign: u128, dials_today: u32) -> Candidate {
    Candidate {
        kind: CallKind::Campaign,
        campaign: Some((CampaignId(Uuid::from_u128(campaign)), dials_today)),
        ..reminder(id, "2026-04-09T10:00:00Z", Priority::Normal)
    }
}

fn order(calls: Vec<Candidate>, day: Day) -> Vec<u128> {
    pick(calls, usize::MAX, near(), day).into_iter().map(|id| id.0.as_u128()).collect()
}

#[test]
fn calls_go_in_the_order_of_the_rules() {
    use Priority::{High, Normal, Urgent};
    let now = |id, minute| Candidate {
        kind: CallKind::CallNow,
        due: tuesday() + Duration::minutes(minute),
        ..reminder(id, "2026-03-20T10:00:00Z", Normal)
    };
    let soon = "2026-03-11T10:10:00Z";
    let same_hour = "2026-03-11T10:50:00Z";
    let later = "2026-03-11T11:00:00Z";
    let far = "2026-03-20T10:00:00Z";
    for (calls, expected, why) in [
        (
            vec![reminder(1, soon, Urgent), now(2, 5), now(3, 1)],
            vec![3, 2, 1],
            "call now, as pressed",
        ),
        (
            vec![reminder(1, later, Urgent), reminder(2, soon, Normal)],
            vec![2, 1],
            "the earliest deadline",
        ),
        (
            vec![
                reminder(1, soon, Normal),
                reminder(2, same_hour, High),
                reminder(3, same_hour, Urgent),
            ],
            vec![3, 2, 1],
            "within the hour the priority",
        ),
        (
            vec![reminder(1, far, Urgent), reminder(2, later, Normal)],
            vec![2, 1],
            "near deadlines before far ones",
        ),
        (
            vec![reminder(1, far, Normal), reminder(2, "2026-03-30T10:00:00Z", High)],
            vec![2, 1],
            "far ones by priority",
        ),
        (
            vec![of_campaign(1, 7, 0), of_campaign(2, 7, 0), of_campaign(3, 8, 0)],
            vec![1, 3, 2],
            "campaigns in turn",
        ),
        (
            vec![of_campaign(1, 7, 5), of_campaign(2, 7, 5), of_campaign(3, 8, 4)],
            vec![3, 1, 2],
            "and over the day: the one behind has its turn",
        ),
        (
            vec![of_campaign(1, 7, 0), reminder(2, far, Normal)],
            vec![2, 1],
            "a reminder before a campaign's call",
        ),
    ] {
        assert_eq!(order(calls, QUIET_DAY), expected, "{why}");
    }
}

#[test]
fn campaigns_take_what_the_reminders_of_the_day_leave() {
    let campaign_calls = || (100..140).map(|id| of_campaign(id, 7, 0)).collect::<Vec<_>>();
    for (day, expected, why) in [
        (QUIET_DAY, 40, "nobody else wants the day"),
        (Day { others_due: 285, ..QUIET_DAY }, 30, "285 reminders leave 15; the share is 30"),
        (Day { others_due: 265, ..QUIET_DAY }, 35, "265 reminders leave 35"),
        (Day { others_due: 400, ..QUIET_DAY }, 30, "never less than the share"),
        (
            Day { others_due: 400, dials: 50, campaign_dials: 22, ..QUIET_DAY },
            8,
            "what is missing from it",
        ),
        (Day { dials: 290, ..QUIET_DAY }, 10, "the day's limit binds all"),
        (Day { dials: 300, ..QUIET_DAY }, 0, "the day is full"),
    ] {
        assert_eq!(order(campaign_calls(), day).len(), expected, "{why}");
    }
}

#[test]
fn campaigns_get_their_tenth_while_reminders_queue() {
    let reminders = (0..40).map(|id| reminder(id, "2026-03-11T10:00:00Z", Priority::Urgent));
    let calls = reminders.chain((100..140).map(|id| of_campaign(id, 7, 0))).collect();
    let picked = order(calls, Day { others_due: 400, ..QUIET_DAY });
    let of_campaigns = picked.iter().take(30).filter(|id| **id >= 100).count();
    assert_eq!(of_campaigns, 3, "three of the first thirty");
    assert!(picked[9] >= 100, "the tenth");
}

#[test]
fn a_call_that_admission_stops_costs_the_campaigns_nothing() {
    let calls = vec![of_campaign(1, 7, 0), of_campaign(2, 7, 0)];
    let mut queue = Queue::new(
        calls,
        near(),
        Day { others_due: 300, dials: 270, campaign_dials: 29, ..QUIET_DAY },
    );
    let first = queue.next().unwrap();
    let second = queue.next().unwrap();
    assert_ne!(first.id, second.id, "the first wasn't dialled, so the last place is still there");
    queue.dialled(&second);
    assert_eq!(queue.next(), None);
}

#[test]
fn the_next_two_calling_days_leave_out_closed_ones() {
    let policy = Policy::default();
    for (closed, now, end, why) in [
        (vec![], "2026-03-10T10:00:00Z", "2026-03-11T19:58:00Z", "today and tomorrow"),
        (vec![11, 12], "2026-03-10T10:00:00Z", "2026-03-13T19:58:00Z", "two closed dates between"),
        (vec![], "2026-03-10T21:00:00Z", "2026-03-12T19:58:00Z", "today is over"),
    ] {
        let closed_dates =
            closed.iter().filter_map(|d| NaiveDate::from_ymd_opt(2026, 3, *d)).collect();
        let (tenant_zone, contact_zone) = (Tz::Europe__London, Tz::Europe__London);
        let clocks =
            Clocks { policy: &policy, tenant_zone, contact_zone, closed_dates: &closed_dates };
        assert_eq!(two_calling_days(at(now), tenant_zone, &clocks.calendar()), at(end), "{why}");
    }
}

fn candidates() -> impl Strategy<Value = Vec<Candidate>> {
    let one = (0..3_u8, 0..3_u8, 0..5_u32, -100..100_i64, 0..100_i64, 0..4_u128).prop_map(
        |(kind, priority, dials, due, deadline, campaign)| {
            let kind =
                [CallKind::Reminder, CallKind::CallNow, CallKind::Campaign][usize::from(kind)];
            let priority =
                [Priority::Normal, Priority::High, Priority::Urgent][usize::from(priority)];
            let due = tuesday() + Duration::hours(due);
            let deadline = tuesday() + Duration::hours(deadline);
            let campaign = (kind == CallKind::Campaign)
                .then(|| (CampaignId(Uuid::from_u128(campaign)), dials));
            (kind, priority, due, deadline, campaign)
        },
    );
    prop::collection::vec(one, 0..60).prop_map(|calls| {
        (0_u128..)
            .zip(calls)
            .map(|(id, (kind, priority, due, deadline, campaign))| Candidate {
                id: CallId(Uuid::from_u128(id)),
                kind,
                priority,
                due,
                deadline,
                campaign,
            })
            .collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn the_order_does_not_depend_on_how_the_calls_were_read(
        calls in candidates(),
        dials in 0..310_u32,
        others_due in 0..400_u32,
        room in 0..80_usize,
    ) {
        let day = Day { dials, campaign_dials: dials / 20, others_due, ..QUIET_DAY };
        let picked = pick(calls.clone(), room, near(), day);
        let reversed: Vec<_> = calls.iter().rev().copied().collect();
        prop_assert_eq!(&picked, &pick(reversed, room, near(), day));

        let distinct: std::collections::BTreeSet<_> = picked.iter().collect();
        prop_assert_eq!(distinct.len(), picked.len(), "nobody is picked twice");
        prop_assert!(picked.len() <= room.min((300 - dials.min(300)) as usize));

        let kind = |id: &CallId| calls.iter().find(|call| call.id == *id).unwrap().kind;
        let first_other = picked.iter().position(|id| kind(id) != CallKind::CallNow);
        let after = picked.iter().skip(first_other.unwrap_or(picked.len()));
        prop_assert!(after.clone().all(|id| kind(id) != CallKind::CallNow), "call now goes first");
        if room == 80 && dials == 0 {
            prop_assert_eq!(picked.len(), calls.len().min(80), "a quiet day leaves nobody behind");
        }
    }
}
