//! One trace, from the request that plans a call to the webhook that settles it, as a collector sees it.
//!
//! Logs and traces can be started once in a process, so what is here runs in processes of its own.

use std::collections::HashMap;
use std::process::Command;

use serde_json::{Value, json};

use crate::product::{Product, Span, Watched};

/// A trace that an outsider says is to be kept.
const THEIRS: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const SETTLED: &str = "select count(*) from calls where state = 'settled'";

/// What attributes may be called: ids, and words of closed sets.
const ATTRIBUTES: [&str; 12] = [
    "answer",
    "attempt.id",
    "busy_ns",
    "call.id",
    "caller",
    "http.request.method",
    "http.response.status_code",
    "idle_ns",
    "request.id",
    "tenant.id",
    "trace.id",
    "webhook.id",
];

/// Runs an ignored test of this binary in a process of its own, and gives what it printed.
pub(crate) fn in_a_process_of_its_own(test: &str) -> String {
    let own = std::env::current_exe().unwrap();
    let ran =
        Command::new(own).args([test, "--exact", "--ignored", "--nocapture"]).output().unwrap();
    let printed = [ran.stdout, ran.stderr].concat();
    let printed = String::from_utf8_lossy(&printed).into_owned();
    assert!(ran.status.success(), "{printed}");
    assert!(printed.contains("1 passed"), "no such test: {test}\n{printed}");
    printed
}

#[test]
fn a_trace_goes_from_the_request_over_task_and_provider_to_the_settlement() {
    in_a_process_of_its_own("traces::one_trace");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a_trace_goes_from_the_request_over_task_and_provider_to_the_settlement runs it in a process of its own"]
async fn one_trace() {
    let watched = Watched::start("info").await;
    let mut product = Product::start().await;
    let contact = json!({
        "name": "Ada Lovelace", "phone": "+447700900001", "appointment": product.in_a_day_and_an_hour().await,
    });
    let made = product
        .request("POST /v1/contacts")
        .header("content-type", "application/json")
        .header("traceparent", THEIRS)
        .body(contact.to_string());
    let (status, answer) = product.answer(made).await;
    assert_eq!(status, 201, "{answer}");
    // Hours lie between a request and its dial; the trace waits on the call's row.
    product.world.advance(chrono::Duration::minutes(61)).await;
    product.until(1, SETTLED).await;
    product.until(0, "select count(*) from webhooks where state = 'stored'").await;
    product.drain().await;

    let spans = watched.spans().await;
    let named = |name: &str| -> &Span {
        spans
            .iter()
            .find(|span| span.name == name)
            .unwrap_or_else(|| panic!("no {name} in {spans:#?}"))
    };
    let request = named("POST /v1/contacts");
    assert_ne!(request.trace, THEIRS[3..35], "an outsider does not choose our trace");
    assert_eq!(request.links, [&THEIRS[3..35]], "but it is pointed to");
    assert_eq!(request.parent, "", "the trace begins here");

    let in_order = ["POST /v1/contacts", "send dial", "dial", "create-phone-call"];
    for pair in in_order.windows(2) {
        assert_eq!(named(pair[1]).parent, named(pair[0]).id, "{} follows {}", pair[1], pair[0]);
    }
    let by_id: HashMap<&str, &Span> = spans.iter().map(|span| (span.id.as_str(), span)).collect();
    let parents = |name| -> Vec<&str> {
        let named = spans.iter().filter(|span| span.name == name);
        let mut names: Vec<_> =
            named.map(|span| by_id.get(span.parent.as_str()).map_or("", |p| &p.name)).collect();
        names.sort_unstable();
        names.dedup();
        names
    };
    assert_eq!(
        parents("store webhook"),
        ["dial"],
        "the provider gives the place back in its metadata"
    );
    assert_eq!(parents("settle"), ["store webhook"]);
    for name in ["send dial", "dial", "create-phone-call", "store webhook", "settle"] {
        assert_eq!(named(name).trace, request.trace, "{name} is in the same trace");
    }

    let dials = product.simulator.dials();
    let call = named("create-phone-call");
    let expected = format!("00-{}-{}-01", call.trace, call.id);
    assert_eq!(dials[0].traceparent.as_deref(), Some(expected.as_str()), "the provider was told");
    assert!(dials[0].metadata()["trace"].as_str().unwrap().contains(&request.trace));

    for span in &spans {
        for (name, value) in &span.attributes {
            assert!(ATTRIBUTES.contains(&name.as_str()), "{}: {name}={value}", span.name);
        }
    }
    one_line_for_each_request(&watched, request);
}

/// Every request leaves one line, with its template and not its path, and with who asked.
fn one_line_for_each_request(watched: &Watched, request: &Span) {
    let lines = String::from_utf8(watched.lines.bytes()).unwrap();
    let lines: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).expect("a JSON object a line"))
        .collect();
    let answered: Vec<&Value> = lines.iter().filter(|line| line["message"] == "answered").collect();
    let made: Vec<_> = answered.iter().filter(|line| line["route"] == "/v1/contacts").collect();
    assert_eq!(made.len(), 1, "{answered:#?}");
    assert_eq!((&made[0]["method"], &made[0]["status"]), (&json!("POST"), &json!(201)));
    assert_eq!((&made[0]["caller"], &made[0]["trace.id"]), (&json!("key"), &json!(request.trace)));
    assert!(made[0]["duration_ms"].is_f64() && made[0]["request.id"].is_string(), "{}", made[0]);
    let webhook =
        answered.iter().find(|line| line["route"] == "/v1/webhooks/retell/{account}").unwrap();
    assert_eq!(webhook.get("caller"), None, "nobody signed in: {webhook}");
}
