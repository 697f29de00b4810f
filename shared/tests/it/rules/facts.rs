//! Facts to start from, and random ones.

use std::collections::BTreeSet;

use chrono::{DateTime, Duration, NaiveDate, Utc};
use chrono_tz::Tz;
use proptest::prelude::*;
use shared::calls::rules::hours::{Opening, TimeOfDay, Week};
use shared::calls::rules::policy::Policy;
use shared::calls::rules::snapshot::{
    AccountFacts, AppointmentStatus, CallFacts, CallKind, CampaignFacts, Channel, Snapshot,
    TenantFacts,
};

/// Zones with whole, half and quarter hours, with half-hour and two-hour clock changes, with a skipped date.
pub(crate) const ZONES: [Tz; 12] = [
    Tz::Europe__London,
    Tz::America__New_York,
    Tz::Asia__Kolkata,
    Tz::Australia__Lord_Howe,
    Tz::Pacific__Apia,
    Tz::Pacific__Chatham,
    Tz::Antarctica__Troll,
    Tz::Asia__Kathmandu,
    Tz::Africa__Casablanca,
    Tz::America__St_Johns,
    Tz::America__Havana,
    Tz::UTC,
];

/// Instants at which clocks change in one of them.
const CHANGES: [&str; 12] = [
    "2026-03-29T01:00:00Z",
    "2026-10-25T01:00:00Z",
    "2026-03-08T07:00:00Z",
    "2026-11-01T06:00:00Z",
    "2026-04-04T15:00:00Z",
    "2026-10-03T15:30:00Z",
    "2011-12-30T10:00:00Z",
    "2026-04-04T14:00:00Z",
    "2026-09-26T14:00:00Z",
    "2026-02-15T02:00:00Z",
    "2011-11-06T02:31:00Z",
    "2026-03-08T05:00:00Z",
];

/// The instant written in RFC 3339.
pub(crate) fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// A Tuesday morning in winter, when London's wall shows UTC.
pub(crate) fn tuesday() -> DateTime<Utc> {
    at("2026-03-10T10:00:00Z")
}

/// A reminder in London against which nothing can be said.
pub(crate) fn passing() -> Snapshot {
    let now = tuesday();
    Snapshot { now, tenant: tenant(now), account: account(now), call: reminder(now) }
}

pub(crate) fn tenant(_now: DateTime<Utc>) -> TenantFacts {
    TenantFacts {
        zone: Tz::Europe__London,
        active: true,
        has_agent: true,
        has_caller_number: true,
        calendar_key_missing: false,
        refused_by_provider: false,
        pauses: BTreeSet::new(),
        policy: Policy::default(),
        closed_dates: BTreeSet::new(),
        tokens_back_at: Vec::new(),
        dials_today: 0,
    }
}

pub(crate) fn account(now: DateTime<Utc>) -> AccountFacts {
    AccountFacts { held: false, breaker_open: false, free_slots: 5, next_start_at: now }
}

pub(crate) fn reminder(now: DateTime<Utc>) -> CallFacts {
    CallFacts {
        kind: CallKind::Reminder,
        earliest: now - Duration::hours(1),
        due: now,
        deadline: now + Duration::hours(22),
        zone: Tz::Europe__London,
        contact_live: true,
        number_bad: false,
        north_american: false,
        test_number_to_real_provider: false,
        do_not_call: false,
        channel: Channel::Voice,
        consent: false,
        appointment: Some(AppointmentStatus::Pending),
        campaign: None,
        attempts: 0,
        last_counted_dial: None,
        under_way: false,
        number_dials: Vec::new(),
        calls_now_today: 0,
        retry_at: None,
    }
}

pub(crate) fn campaign(now: DateTime<Utc>) -> CampaignFacts {
    CampaignFacts {
        stopped: false,
        paused: false,
        selected: true,
        interval: Duration::seconds(30),
        last_dial_at: None,
        days: (0..7).collect(),
        opens_minute: 8 * 60,
        closes_minute: 20 * 60,
        ends_at: now + Duration::days(30),
        skip_gap: false,
    }
}

/// The snapshot as a call of that campaign.
pub(crate) fn as_campaign(snapshot: &mut Snapshot) -> &mut CampaignFacts {
    snapshot.call.kind = CallKind::Campaign;
    snapshot.call.appointment = None;
    snapshot.call.deadline = campaign(snapshot.now).ends_at;
    snapshot.call.campaign.insert(campaign(snapshot.now))
}

pub(crate) fn zones() -> impl Strategy<Value = Tz> {
    prop::sample::select(&ZONES[..])
}

/// Whole minutes of the last and next decades, half of them within two days of a clock change.
pub(crate) fn minutes() -> impl Strategy<Value = DateTime<Utc>> {
    let near = (prop::sample::select(&CHANGES[..]), -2880..2880_i64)
        .prop_map(|(change, minute)| at(change) + Duration::minutes(minute));
    let any = (0..13_000_000_i64)
        .prop_map(|minute| at("2011-01-01T00:00:00Z") + Duration::minutes(minute));
    prop_oneof![near, any]
}

/// Any hours of the day, often around the usual ones.
pub(crate) fn openings() -> impl Strategy<Value = Opening> {
    let between = |from: u16, to: u16| {
        (from..to, from..=to).prop_map(|(a, b)| Opening {
            opens: TimeOfDay::of_minute(a.min(b)),
            closes: TimeOfDay::of_minute(a.max(b)),
        })
    };
    prop_oneof![
        3 => Just(Opening::USUAL),
        1 => Just(Opening::ALL_DAY),
        2 => between(8 * 60, 20 * 60),
        2 => between(0, 1440),
        1 => between(0, 240),
    ]
}

pub(crate) fn weeks() -> impl Strategy<Value = Week> {
    prop_oneof![
        openings().prop_map(Week::daily),
        prop::array::uniform7(prop::option::weighted(0.8, openings())).prop_map(Week::from_days),
    ]
}

/// A few dates around an instant.
pub(crate) fn dates_near(t: DateTime<Utc>) -> impl Strategy<Value = BTreeSet<NaiveDate>> {
    prop::collection::btree_set(-3..4_i64, 0..3).prop_map(move |days| {
        days.into_iter().map(|day| t.date_naive() + Duration::days(day)).collect()
    })
}
