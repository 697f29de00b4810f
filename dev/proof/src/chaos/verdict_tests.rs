use std::collections::BTreeMap;

use super::*;
use crate::chaos::evidence::{Attempt, Call, Dialled, Evidence, Limits};
use crate::stage::witness::Dial;

const TENANT: Uuid = Uuid::from_u128(1);
/// Ten in the morning.
const TEN: i64 = 20_000 * 86_400_000 + 10 * 3_600_000;
const HOUR: i64 = 60 * MINUTE;

fn dial(n: u128, at: i64) -> Dialled {
    let dial = Dial {
        attempt: Uuid::from_u128(100 + n),
        call: Uuid::from_u128(200 + n),
        tenant: TENANT,
        number: format!("+4477009{n:05}"),
        accepted: true,
        counted: true,
        received: at,
        dialled: Some(at),
        ended: Some(at + 1_000),
    };
    Dialled { dial, at, started: at, straddles: false, late: Some(50) }
}

/// Dials with what the database should say of them: all settled.
fn evidence(dials: Vec<Dialled>) -> Evidence {
    let attempts = dials.iter().map(|it| {
        let id = it.dial.attempt;
        let attempt = Attempt {
            id,
            call_id: it.dial.call,
            state: "settled".into(),
            reserved: it.at - 90,
            intent: Some(it.at - 50),
            adopted: false,
        };
        (id, attempt)
    });
    let calls = dials.iter().map(|it| {
        let id = it.dial.call;
        let call = Call {
            id,
            tenant_id: TENANT,
            contact_id: Uuid::from_u128(id.as_u128() + 100),
            purpose_key: format!("purpose {id}"),
            state: "settled".into(),
            explained: true,
            ..Call::default()
        };
        (id, call)
    });
    let limits = Limits { name: "a".into(), zone: chrono_tz::UTC, window: 25, day: 300 };
    Evidence {
        now: TEN + 48 * HOUR,
        planned: dials.iter().map(|it| it.dial.call).collect(),
        attempts: attempts.collect(),
        calls: calls.collect(),
        tenants: BTreeMap::from([(TENANT, limits)]),
        dials,
        ..Evidence::default()
    }
}

fn breaches(evidence: &Evidence) -> Vec<Breach> {
    let mut found: Vec<Breach> = judge(evidence).iter().map(|finding| finding.breach).collect();
    found.sort();
    found.dedup();
    found
}

/// `n` dials of different numbers, `apart` milliseconds from each other.
fn row(n: u128, apart: i64) -> Vec<Dialled> {
    (0..n).map(|n| dial(n, TEN + apart * n as i64)).collect()
}

/// A call whose only attempt has been in this state for so long.
fn under_way_since(state: &str, ago: i64) -> Evidence {
    let mut evidence = evidence(vec![dial(1, TEN)]);
    let since = evidence.now - ago;
    evidence.calls.values_mut().for_each(|call| call.state = "in_progress".into());
    evidence.attempts.values_mut().for_each(|it| {
        (it.state, it.reserved) = (state.into(), since);
        it.intent = (state != "reserved").then_some(since);
    });
    evidence.dials.clear();
    evidence
}

#[test]
fn what_has_just_begun_is_not_stranded_however_long_ago_the_call_was_dialled_before() {
    for (state, ago, why) in [
        ("reserved", MINUTE, "never dialled before, or hours ago: it was reserved just now"),
        ("dialling", 2 * HOUR, "an unknown attempt is held for two hours"),
        ("placed", 2 * HOUR, "the same"),
    ] {
        assert_eq!(breaches(&under_way_since(state, ago)), [], "{why}");
    }
}

#[test]
fn an_engine_that_keeps_its_promises_is_left_in_peace() {
    assert_eq!(breaches(&evidence(row(25, 1))), []);
    assert_eq!(breaches(&evidence(row(300, MINUTE))), []);
    let mut again = vec![dial(1, TEN), dial(1, TEN + 8 * HOUR)];
    again[1].dial.attempt = Uuid::from_u128(999);
    assert_eq!(breaches(&evidence(again)), [], "a follow-up");
}

#[test]
fn every_breach_is_found() {
    type Case = (Breach, fn() -> Evidence, &'static str);
    let again = |after: i64| {
        let mut second = dial(1, TEN + after);
        second.dial.attempt = Uuid::from_u128(999);
        evidence(vec![dial(1, TEN), second])
    };
    let cases: [Case; 17] = [
        (
            Breach::DoubleDial,
            || evidence(vec![dial(1, TEN), dial(1, TEN + 9 * HOUR)]),
            "one attempt",
        ),
        (Breach::Window, || evidence(row(26, 30_000)), "26 in 13 minutes"),
        (
            Breach::Day,
            || {
                let mut evidence = evidence(row(4, 20 * MINUTE));
                evidence.tenants.values_mut().for_each(|limits| limits.day = 3);
                evidence
            },
            "4 on a day of 3",
        ),
        (Breach::Hours, || evidence(vec![dial(1, TEN + 10 * HOUR)]), "20:00 is closed"),
        (
            Breach::DoNotCall,
            || {
                let mut evidence = evidence(vec![dial(1, TEN)]);
                let number = evidence.dials[0].dial.number.clone();
                evidence.listed.insert((TENANT, number), TEN - HOUR);
                evidence
            },
            "listed an hour before",
        ),
        (
            Breach::Attempts,
            || {
                let dials = [0, 9, 18].map(|hours| {
                    let mut third = dial(
                        1,
                        TEN - 2 * HOUR + hours * HOUR + if hours == 18 { 7 * HOUR } else { 0 },
                    );
                    third.dial.attempt = Uuid::from_u128(900 + hours as u128);
                    third
                });
                evidence(dials.into())
            },
            "three dials for one purpose",
        ),
        (
            Breach::Disowned,
            || {
                let mut evidence = evidence(vec![dial(1, TEN)]);
                evidence.attempts.clear();
                evidence
            },
            "nobody knows of it",
        ),
        (
            Breach::Disowned,
            || {
                let mut evidence = evidence(vec![dial(1, TEN)]);
                evidence.attempts.values_mut().for_each(|it| it.state = "released".into());
                evidence
            },
            "taken for not sent",
        ),
        (
            Breach::Lost,
            || {
                let mut evidence = evidence(vec![]);
                evidence.planned.push(Uuid::from_u128(7));
                evidence
            },
            "gone",
        ),
        (
            Breach::Lost,
            || {
                let mut evidence = evidence(vec![dial(1, TEN)]);
                evidence.calls.values_mut().for_each(|call| call.explained = false);
                evidence
            },
            "no outcome",
        ),
        (
            Breach::Stranded,
            || {
                let mut evidence = evidence(vec![dial(1, TEN)]);
                evidence.calls.values_mut().for_each(|call| call.state = "in_progress".into());
                evidence
            },
            "under way, and no attempt is",
        ),
        (Breach::Stranded, || under_way_since("placed", 49 * HOUR), "under way for ever"),
        (
            Breach::Stranded,
            || under_way_since("reserved", 17 * MINUTE),
            "reserved, and never given back",
        ),
        (
            Breach::Late,
            || {
                let mut evidence = evidence(vec![dial(1, TEN)]);
                evidence.dials[0].late = Some(9_000);
                evidence
            },
            "9 s after its claim",
        ),
        (
            Breach::GivenUp,
            || Evidence { given_up: vec![Uuid::from_u128(1)], ..evidence(vec![]) },
            "its sender was only frozen",
        ),
        (
            Breach::LeftAlone,
            || Evidence { left_alone: vec![Uuid::from_u128(1)], ..evidence(vec![]) },
            "a call now that nobody looked at",
        ),
        (
            Breach::Stranded,
            || {
                let mut evidence = evidence(vec![dial(1, TEN)]);
                let now = evidence.now;
                evidence.calls.values_mut().for_each(|call| {
                    (call.state, call.is_due) = ("planned".into(), true);
                    (call.deadline, call.next_look) = (now + HOUR, now + 9 * HOUR);
                });
                evidence
            },
            "planned, due, and nobody looks",
        ),
    ];
    for (breach, make, why) in cases {
        assert_eq!(breaches(&make()), [breach], "{why}");
    }
    assert_eq!(breaches(&again(8 * HOUR - 6_000)), [Breach::Gap], "some seconds too early");
    assert_eq!(breaches(&again(500)), [Breach::Overlap, Breach::Gap], "while it rings");
}
