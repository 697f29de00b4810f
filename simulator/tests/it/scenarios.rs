//! Every conversation, and who chooses it.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use simulator::{Config, Outcome, Rule, Scenario, Sentiment};

use crate::world::{KEY, TO, World, endless, quick, read, talkative};

/// One row: scenario, status, reason, what the analysis holds, did it ring, did it start.
type Row = (&'static str, &'static str, &'static str, Value, bool, bool);

fn answers(action: &str, opt_out: bool, wrong: bool, follow_up: bool) -> Value {
    json!({"appointment_action": action, "opt_out": opt_out, "wrong_number": wrong,
        "follow_up_required": follow_up})
}

#[tokio::test]
async fn every_conversation_ends_as_the_table_says() {
    let none = json!({});
    let table: [Row; 17] = [
        (
            "confirmed",
            "ended",
            "agent_hangup",
            answers("confirmed", false, false, false),
            true,
            true,
        ),
        (
            "confirmed_follow_up",
            "ended",
            "agent_hangup",
            answers("confirmed", false, false, true),
            true,
            true,
        ),
        (
            "confirmed_displeased",
            "ended",
            "agent_hangup",
            answers("confirmed", false, false, false),
            true,
            true,
        ),
        (
            "cancelled",
            "ended",
            "agent_hangup",
            answers("cancelled", false, false, false),
            true,
            true,
        ),
        (
            "rescheduled_no_time",
            "ended",
            "agent_hangup",
            answers("rescheduled", false, false, false),
            true,
            true,
        ),
        (
            "no_action",
            "ended",
            "user_hangup",
            answers("no_action", false, false, false),
            true,
            true,
        ),
        (
            "no_action_follow_up",
            "ended",
            "user_hangup",
            answers("no_action", false, false, true),
            true,
            true,
        ),
        ("opt_out", "ended", "user_hangup", answers("no_action", true, false, false), true, true),
        (
            "wrong_number",
            "ended",
            "user_hangup",
            answers("no_action", false, true, false),
            true,
            true,
        ),
        ("hung_up", "ended", "user_hangup", none.clone(), true, true),
        ("voicemail", "ended", "voicemail_reached", none.clone(), true, true),
        ("no_answer", "not_connected", "dial_no_answer", none.clone(), true, false),
        ("busy", "not_connected", "dial_busy", none.clone(), false, false),
        ("user_declined", "not_connected", "user_declined", none.clone(), true, false),
        ("invalid_destination", "not_connected", "invalid_destination", none.clone(), false, false),
        ("dial_failed", "not_connected", "dial_failed", none.clone(), false, false),
        (
            "confirmed",
            "ended",
            "agent_hangup",
            answers("confirmed", false, false, false),
            true,
            true,
        ),
    ];
    for (name, status, reason, answers, rang, started) in table {
        let world = World::new().await;
        world.scenario(name);
        world.place(json!({"metadata": {"n": 1}})).await;
        let arrivals = world.receiver.wait(if started { 3 } else { 2 }).await;

        let expected: &[&str] = if started {
            &["call_started", "call_ended", "call_analyzed"]
        } else {
            &["call_ended", "call_analyzed"]
        };
        let mut events = world.receiver.events();
        events.sort_by_key(|event| expected.iter().position(|it| it == event));
        assert_eq!(events, expected, "{name}");

        let analyzed = arrivals.iter().find(|it| it.event() == "call_analyzed").unwrap();
        let call = analyzed.call();
        assert_eq!(call["call_status"], status, "{name}");
        assert_eq!(call["disconnection_reason"], reason, "{name}");
        let analysis = &call["call_analysis"];
        assert_eq!(analysis["custom_analysis_data"], answers, "{name}");
        assert_eq!(analysis["in_voicemail"], name == "voicemail", "{name}");

        let dial = world.last_dial();
        assert_eq!(dial.scenario.as_deref(), Some(name));
        assert_eq!(dial.rang_from.is_some() && dial.rang_until.is_some(), rang, "{name}");
        assert_eq!(dial.disconnection_reason.as_deref(), Some(reason), "{name}");
        assert!(dial.rang_from <= dial.rang_until && dial.rang_until <= dial.ended_at, "{name}");
    }
}

#[tokio::test]
async fn each_event_shows_the_call_as_it_was_then() {
    let world = World::new().await;
    world.place(json!({})).await;
    for arrival in world.receiver.wait(3).await {
        let call = arrival.call();
        let shows = (
            call["call_status"].as_str().unwrap(),
            call.get("disconnection_reason").is_some(),
            call.get("call_analysis").is_some(),
            call.get("start_timestamp").is_some(),
        );
        let expected = match arrival.event() {
            "call_started" => ("ongoing", false, false, true),
            "call_ended" => ("ended", true, false, true),
            _ => ("ended", true, true, true),
        };
        assert_eq!(shows, expected, "{}", arrival.event());
    }
}

#[tokio::test]
async fn a_rescheduled_call_names_a_new_time_or_whatever_it_is_told_to() {
    let world = World::new().await;
    for (given, chosen) in [(None, true), (Some("not a time"), false)] {
        let scenario =
            Scenario { new_time: given.map(str::to_owned), ..Scenario::of(Outcome::Rescheduled) };
        world.rule(Rule::default().scenario(scenario));
        let id = world.place(json!({})).await;
        world.all_analyzed().await;
        let (_, call) = world.fetch(&format!("/v2/get-call/{id}")).await;
        let new_time = call["call_analysis"]["custom_analysis_data"]["new_time"].as_str().unwrap();
        assert_eq!(chrono::DateTime::parse_from_rfc3339(new_time).is_ok(), chosen, "{new_time}");
        assert!(chosen || Some(new_time) == given);
    }
}

#[tokio::test]
async fn mood_and_reason_can_be_chosen() {
    let world = World::new().await;
    world.rule(Rule::default().scenario(Scenario {
        sentiment: Some(Sentiment::Negative),
        disconnection_reason: Some("error_asr".to_owned()),
        ..Scenario::of(Outcome::Confirmed)
    }));
    let id = world.place(json!({})).await;
    world.all_analyzed().await;
    let (_, call) = world.fetch(&format!("/v2/get-call/{id}")).await;
    assert_eq!(call["call_analysis"]["user_sentiment"], "Negative");
    assert_eq!(
        (&call["disconnection_reason"], &call["call_status"]),
        (&"error_asr".into(), &"error".into())
    );
}

#[tokio::test]
async fn the_last_digits_of_a_drama_number_choose() {
    let world = World::new().await;
    let table = [
        ("02", "cancelled"),
        ("10", "no_answer"),
        ("13", "opt_out"),
        ("15", "invalid_destination"),
    ];
    for (digits, scenario) in table {
        world.place(json!({"to_number": format!("+4477009000{digits}")})).await;
        assert_eq!(world.last_dial().scenario.as_deref(), Some(scenario));
    }
    for expected in ["no_answer", "confirmed", "confirmed"] {
        world.place(json!({"to_number": "+447700900020"})).await;
        assert_eq!(world.last_dial().scenario.as_deref(), Some(expected), "in turn");
    }
    let (status, _) = world.create(json!({"to_number": "+447700900037"})).await;
    assert_eq!(status.as_u16(), 503);
    let (status, _) = world.create(json!({"to_number": "+447700900038"})).await;
    assert_eq!(status.as_u16(), 429, "the first time");
    world.place(json!({"to_number": "+447700900038"})).await;
}

#[tokio::test]
async fn an_unlisted_number_confirms() {
    let world = World::new().await;
    world.place(json!({})).await;
    assert_eq!(world.last_dial().scenario.as_deref(), Some("confirmed"));
}

/// What was chosen for each number and turn.
async fn chosen(seed: u64, backwards: bool) -> BTreeMap<(String, usize), String> {
    let rules = serde_json::from_value(json!([{"prefix": "+4420",
        "weights": {"confirmed": 1, "busy": 1, "no_answer": 1, "voicemail": 1},
        "fault_weights": {"none": 1, "duplicated": 1, "list_lag": 1}}]))
    .unwrap();
    let config = Config { seed, rules, ..quick() };
    let accounts = vec![simulator::Account { concurrency: 1_000, ..config.accounts[0].clone() }];
    let world = World::with(Config { accounts, ..config }).await;
    let mut numbers: Vec<String> = (0..40).map(|n| format!("+4420794601{:02}", n % 20)).collect();
    if backwards {
        numbers.reverse();
    }
    for number in numbers {
        world.place(json!({"to_number": number})).await;
    }
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut chosen = BTreeMap::new();
    for dial in world.simulator.dials() {
        let number = dial.to_number.unwrap().to_string();
        let turn = seen.entry(number.clone()).or_default();
        *turn += 1;
        let what = format!("{:?} {:?}", dial.scenario, dial.faults);
        chosen.insert((number, *turn), what);
    }
    chosen
}

#[tokio::test]
async fn a_seed_gives_the_same_choices_in_whatever_order_calls_arrive() {
    let first = chosen(7, false).await;
    assert_eq!(first.len(), 40);
    assert_eq!(first, chosen(7, true).await);
    assert_ne!(first, chosen(8, false).await);
    let kinds: std::collections::BTreeSet<_> = first.values().collect();
    assert!(kinds.len() > 6, "the weights choose among many: {kinds:?}");
}

#[tokio::test]
async fn a_call_can_be_stopped_while_it_rings_and_while_they_talk() {
    for (scenario, ringing) in [(endless("confirmed"), true), (talkative(), false)] {
        let world = World::new().await;
        world.rule(Rule::to(TO).scenario(scenario));
        let id = world.place(json!({})).await;
        let under_way = |it: &simulator::Simulator| {
            let state = it.state();
            if ringing { state.ringing == 1 } else { state.ongoing == 1 }
        };
        assert!(world.simulator.wait_until(crate::world::LIMIT, under_way).await);
        if !ringing {
            world.receiver.wait(1).await;
        }
        let stop = world.post(KEY, &format!("/v2/stop-call/{id}"), &json!({})).await.unwrap();
        let (status, _) = read(stop).await;
        assert_eq!(status.as_u16(), 204);
        let arrivals = world.receiver.wait(if ringing { 2 } else { 3 }).await;
        let ended = arrivals.iter().find(|it| it.event() == "call_ended").unwrap();
        assert_eq!(ended.call()["disconnection_reason"], "manual_stopped");
        assert_eq!(ended.call()["call_status"], "ended");
        assert_eq!(world.last_dial().answered_at.is_some(), !ringing);
        assert_eq!(world.simulator.state().accounts[0].current_concurrency, 0);
    }
}
