//! How webhooks are signed, addressed, repeated and lost.

use axum::http::StatusCode;
use ring::hmac;
use serde_json::json;
use simulator::{Account, Config, Faults, Rule, Simulator};

use crate::receiver::{Arrival, Receiver};
use crate::world::{KEY, LIMIT, World, quick};

/// Milliseconds of the signature, if it is good under the key.
fn verified(arrival: &Arrival, key: &str) -> Option<i64> {
    let header = arrival.headers.get("x-retell-signature")?.to_str().unwrap();
    let (time, digest) = header.strip_prefix("v=")?.split_once(",d=")?;
    let message = [&arrival.raw[..], time.as_bytes()].concat();
    let key = hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes());
    hmac::verify(&key, &message, &hex::decode(digest).ok()?).ok()?;
    time.parse().ok()
}

fn age_ms(time: i64) -> i64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    i64::try_from(now.as_millis()).unwrap() - time
}

#[tokio::test]
async fn webhooks_are_signed_json() {
    let world = World::new().await;
    world.place(json!({"metadata": {"name": "é"}})).await;
    for arrival in world.receiver.wait(3).await {
        let time = verified(&arrival, KEY).expect("a good signature");
        assert!((0..60_000).contains(&age_ms(time)));
        assert_eq!(arrival.headers["content-type"], "application/json");
    }
}

#[tokio::test]
async fn signatures_can_be_bad_stale_or_missing() {
    for (fault, good, aged) in [
        ("bad_signature", false, false),
        ("stale_signature", true, true),
        ("unsigned", false, false),
    ] {
        let world = World::new().await;
        world.faults(fault);
        world.place(json!({})).await;
        for arrival in world.receiver.wait(3).await {
            let time = verified(&arrival, KEY);
            assert_eq!(time.is_some(), good, "{fault}");
            assert_eq!(time.is_some_and(|it| age_ms(it) > 300_000), aged, "{fault}");
            let signed = arrival.headers.contains_key("x-retell-signature");
            assert_eq!(signed, fault != "unsigned");
        }
    }
}

#[tokio::test]
async fn a_calls_own_address_and_events_win() {
    let world = World::new().await;
    let own = Receiver::start().await;
    let agent = json!({"webhook_url": own.url, "webhook_events": ["call_ended"]});
    world.place(json!({"agent_override": {"agent": agent}})).await;
    assert_eq!(own.wait(1).await[0].event(), "call_ended");
    world.all_analyzed().await;
    let idle = |it: &Simulator| it.state().webhooks.pending == 0;
    assert!(world.simulator.wait_until(LIMIT, idle).await);
    assert_eq!(own.events(), ["call_ended"]);
    assert!(world.receiver.events().is_empty());
}

#[tokio::test]
async fn each_account_has_its_own_key_address_and_calls() {
    let (one, two) = (Receiver::start().await, Receiver::start().await);
    let account = |label: &str, url: &str| Account {
        label: label.to_owned(),
        api_key: format!("key_{label}"),
        webhook_url: Some(url.to_owned()),
        ..Account::default()
    };
    let accounts = vec![account("one", &one.url), account("two", &two.url)];
    let world = World::with(Config { accounts, ..quick() }).await;
    let order = crate::world::order(json!({}));
    let reply = world.post("key_two", "/v2/create-phone-call", &order).await.unwrap();
    let (_, call) = crate::world::read(reply).await;
    for arrival in two.wait(3).await {
        assert!(verified(&arrival, "key_two").is_some());
    }
    assert!(one.events().is_empty());
    assert_eq!(world.last_dial().account.as_deref(), Some("two"));

    let url =
        format!("{}/v2/get-call/{}", world.simulator.base_url(), call["call_id"].as_str().unwrap());
    for (key, status) in [("key_one", 422), ("key_two", 200)] {
        let reply = world.client.get(&url).bearer_auth(key).send().await.unwrap();
        assert_eq!(reply.status().as_u16(), status, "{key}");
    }
}

#[tokio::test]
async fn a_webhook_that_isnt_taken_is_sent_three_times_more() {
    let world = World::new().await;
    world.scenario("no_answer");
    let only_ended = json!({"agent_override": {"agent": {"webhook_events": ["call_ended"]}}});
    world.receiver.answer([StatusCode::INTERNAL_SERVER_ERROR; 2]);
    world.place(only_ended.clone()).await;
    let arrivals = world.receiver.wait(3).await;
    assert!(arrivals.iter().all(|it| it.raw == arrivals[0].raw && verified(it, KEY).is_some()));
    let settled = |it: &Simulator| it.state().webhooks.delivered == 1;
    assert!(world.simulator.wait_until(LIMIT, settled).await);

    world.receiver.answer([StatusCode::FOUND; 4]);
    world.place(only_ended).await;
    let given_up = |it: &Simulator| it.state().webhooks.given_up == 1;
    assert!(world.simulator.wait_until(LIMIT, given_up).await);
    assert_eq!(world.receiver.arrivals().len(), 7, "four attempts, and then no more");
    assert_eq!(world.simulator.state().webhooks.pending, 0);
}

#[tokio::test]
async fn an_answer_that_takes_too_long_counts_as_none() {
    let mut config = quick();
    config.webhooks.retry_after_ms = Vec::new();
    let world = World::with(config).await;
    // Takes the connection and says nothing.
    let mute = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", mute.local_addr().unwrap());
    let agent = json!({"webhook_url": url, "webhook_timeout_ms": 40});
    world.place(json!({"agent_override": {"agent": agent}})).await;
    let given_up = |it: &Simulator| it.state().webhooks.given_up == 3;
    assert!(world.simulator.wait_until(LIMIT, given_up).await);
}

#[tokio::test]
async fn webhooks_can_come_twice() {
    let world = World::new().await;
    world.faults("duplicated");
    world.place(json!({})).await;
    world.receiver.wait(6).await;
    for event in ["call_started", "call_ended", "call_analyzed"] {
        let count = world.receiver.events().iter().filter(|it| *it == event).count();
        assert_eq!(count, 2, "{event}");
    }
}

#[tokio::test]
async fn webhooks_can_be_lost() {
    let table: [(&str, &[&str]); 4] = [
        ("lost", &[]),
        ("started_lost", &["call_ended", "call_analyzed"]),
        ("ended_lost", &["call_started", "call_analyzed"]),
        ("analyzed_lost", &["call_started", "call_ended"]),
    ];
    for (fault, expected) in table {
        let world = World::new().await;
        world.faults(fault);
        world.place(json!({})).await;
        world.all_analyzed().await;
        let settled = |it: &Simulator| {
            let webhooks = it.state().webhooks;
            webhooks.pending == 0 && webhooks.delivered == expected.len() as u64
        };
        assert!(world.simulator.wait_until(LIMIT, settled).await, "{fault}");
        let mut events = world.receiver.events();
        events.sort_by_key(|event| expected.iter().position(|it| it == event));
        assert_eq!(events, expected, "{fault}");
    }
}

#[tokio::test]
async fn webhooks_can_come_in_the_wrong_order() {
    let table: [(&str, &str, &[&str]); 3] = [
        ("analyzed_first", "confirmed", &["call_started", "call_analyzed", "call_ended"]),
        ("reversed", "confirmed", &["call_analyzed", "call_ended", "call_started"]),
        ("reversed", "no_answer", &["call_analyzed", "call_ended"]),
    ];
    for (fault, scenario, expected) in table {
        let world = World::new().await;
        let rule = Rule::default().scenario(simulator::Scenario::named(scenario).unwrap());
        world.rule(rule.faults(Faults::named(fault).unwrap()));
        world.place(json!({})).await;
        world.receiver.wait(expected.len()).await;
        assert_eq!(world.receiver.events(), expected, "{fault} {scenario}");
        let analyzed = &world.receiver.arrivals()[usize::from(fault == "analyzed_first")];
        assert!(analyzed.call()["call_analysis"].is_object());
    }
}

#[tokio::test]
async fn a_reversed_call_that_is_never_analysed_sends_what_it_has() {
    let world = World::new().await;
    let reversed = Faults { never_analyzed: true, ..Faults::named("reversed").unwrap() };
    world.rule(Rule::default().faults(reversed));
    world.place(json!({})).await;
    world.receiver.wait(2).await;
    assert_eq!(world.receiver.events(), ["call_ended", "call_started"]);
}

#[tokio::test]
async fn webhooks_can_come_late() {
    let world = World::new().await;
    world.rule(Rule::default().faults(Faults { webhook_delay_ms: 80, ..Faults::none() }));
    world.place(json!({})).await;
    world.all_analyzed().await;
    let arrivals = world.receiver.wait(3).await;
    let answered = world.last_dial().answered_at.unwrap();
    for arrival in arrivals {
        assert!(verified(&arrival, KEY).unwrap() >= answered + 80, "signed when it was sent");
    }
}

#[tokio::test]
async fn webhooks_can_come_before_the_reply() {
    // Ordinary timings: the whole call is lived through in no time before the 201.
    let world = World::with(Config::default()).await;
    world.faults("before_reply");
    let id = world.place(json!({})).await;
    let arrivals = world.receiver.arrivals();
    assert_eq!(arrivals.len(), 3);
    assert!(arrivals.iter().all(|it| it.call()["call_id"] == id.as_str()));
}

#[tokio::test]
async fn webhooks_before_the_reply_dont_wait_for_what_is_never_sent() {
    let world = World::new().await;
    let faults = Faults { webhooks_before_reply: true, ..Faults::named("lost").unwrap() };
    world.rule(Rule::default().faults(faults));
    world.place(json!({})).await;
    assert!(world.receiver.events().is_empty());
}
