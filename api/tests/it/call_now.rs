//! Calling somebody now, and asking whether one may.

use axum::http::StatusCode;
use chrono::{DateTime, Duration, Utc};
use serde_json::{Value, json};

use crate::client::{Answer, Client, ada};

/// Ten in the morning, with a contact that has an appointment so far ahead, or none. The contact's address.
async fn morning(appointment: Option<Duration>) -> (Client, String) {
    let client = Client::new().await;
    client.world.wait_for_morning().await;
    let contact = person(&client, "07700 900123", appointment).await;
    (client, contact)
}

async fn person(client: &Client, phone: &str, appointment: Option<Duration>) -> String {
    let mut new = ada();
    new["phone"] = json!(phone);
    if let Some(ahead) = appointment {
        new["appointment"] = json!({ "at": client.ahead(ahead).await });
    }
    let made = client.admin("POST /v1/contacts", new).await;
    assert_eq!(made.status, StatusCode::CREATED, "{:?}", made.body);
    format!("/v1/contacts/{}", made.id())
}

async fn press(client: &Client, contact: &str, body: Value) -> Answer {
    client.admin(&format!("POST {contact}/call-now"), body).await
}

fn time(value: &Value) -> DateTime<Utc> {
    value.as_str().expect("a time").parse().expect("RFC 3339")
}

#[tokio::test]
async fn pressed_it_goes_to_the_front_and_pressed_twice_it_is_one_call() {
    let (client, contact) = morning(None).await;
    let pressed = press(&client, &contact, Value::Null).await;
    assert_eq!(pressed.status, StatusCode::ACCEPTED, "{:?}", pressed.body);
    let call = pressed.body["call_id"].as_str().unwrap().to_owned();
    assert_eq!(pressed.header("location"), format!("/v1/calls/{call}"));
    assert_eq!((&pressed.body["new"], &pressed.body["under_way"]), (&json!(true), &json!(false)));
    let now = client.world.db.now().await.unwrap();
    assert!(time(&pressed.body["expected"]) <= now, "nothing is before it");

    let again = press(&client, &contact, json!({})).await;
    assert_eq!(again.status, StatusCode::ACCEPTED, "{:?}", again.body);
    assert_eq!((&again.body["call_id"], &again.body["new"]), (&json!(call), &json!(false)));
    assert_eq!(
        client.world.texts("select kind || ' ' || state || ' ' || front from calls").await,
        ["call_now planned true"]
    );
    let shown = client.admin(&format!("GET /v1/calls/{call}"), Value::Null).await;
    assert_eq!((&shown.body["in_front"], &shown.body["attempts"]), (&json!(true), &json!([])));
    let wakes = client.world.number("select count(*) from dispatch_wakes").await;
    assert!(wakes > 0, "dispatch looks at once");
}

#[tokio::test]
async fn pressing_again_when_it_could_not_go_out_any_more_takes_nothing_away() {
    let (client, contact) = morning(None).await;
    let first = press(&client, &contact, json!({})).await;
    client.admin("POST /v1/tenant/pause", json!({ "reason": "lunch" })).await;
    let again = press(&client, &contact, json!({})).await;
    assert_eq!(
        (again.status, &again.body["call_id"], &again.body["expected"]),
        (StatusCode::ACCEPTED, &first.body["call_id"], &Value::Null)
    );
}

#[tokio::test]
async fn it_takes_over_the_planned_reminder_with_its_attempts() {
    let (client, contact) = morning(Some(Duration::days(3))).await;
    let reminder = client.world.texts("select id::text from calls").await;
    let pressed = press(&client, &contact, json!({})).await;
    assert_eq!((pressed.status, &pressed.body["new"]), (StatusCode::ACCEPTED, &json!(false)));
    assert_eq!(pressed.body["call_id"], json!(reminder[0]));
    let kept =
        client.world.texts("select concat_ws(' ', kind, front, taken_over) from calls").await;
    assert_eq!(kept, ["reminder t t"], "given back, it is a reminder again");
    let before = client.world.number("select (extract(epoch from p.at - k.deadline) / 60)::int8 from calls k, appointments p").await;
    assert_eq!(before, 120, "taken over for ten minutes, it keeps its deadline");

    client
        .world
        .run(
            "insert into attempts (tenant_id, id, call_id, contact_id, account_id, purpose_key, number_eq, state, reserved_at,
                 expires_at, dialled_at, token_held, holds_slot, settled_at)
             select k.tenant_id, gen_random_uuid(), k.id, k.contact_id, t.account_id, k.purpose_key, c.phone_eq, 'settled',
                 at, at, at, false, false, at
             from calls k join contacts c on c.id = k.contact_id join tenants t on t.id = k.tenant_id,
                 (select app_clock() - n * interval '9 hours' as at from generate_series(1, 2) n) past",
        )
        .await;
    let refused = client.admin(&format!("GET {contact}/callability"), Value::Null).await;
    assert_eq!(refused.body["decision"], "refuse", "{:?}", refused.body);
    assert_eq!(refused.body["reasons"], json!(["attempts_used"]), "its attempts count");
}

#[tokio::test]
async fn a_dial_under_way_is_the_answer() {
    let (client, contact) = morning(Some(Duration::days(3))).await;
    client.world.run("update calls set state = 'dialling', is_due = false").await;
    let before = client.everything().await;
    let pressed = press(&client, &contact, json!({})).await;
    assert_eq!(pressed.status, StatusCode::ACCEPTED, "{:?}", pressed.body);
    assert_eq!((&pressed.body["new"], &pressed.body["under_way"]), (&json!(false), &json!(true)));
    assert_eq!(client.everything().await, before);
}

#[tokio::test]
async fn what_stands_in_the_way_is_told_and_nothing_changes() {
    for (trouble, code, lifted_by) in [
        ("update tenants set paused_at = app_clock()", "paused_by_hand", "tenant_administrator"),
        (
            "update platform_state set stop_all_at = app_clock()",
            "stopped_by_platform",
            "platform_administrator",
        ),
        ("update accounts set breaker_open = true", "breaker_open", "provider"),
        ("update tenants set agent_id = null", "no_agent", "tenant_administrator"),
        ("update tenants set account_id = null", "no_agent", "tenant_administrator"),
        (
            "update contacts set channel = 'sms'; update tenants set policy = policy || '{\"call_anyway\": false}'",
            "prefers_another_channel",
            "contact",
        ),
        (
            "insert into bad_numbers select tenant_id, phone_eq, app_clock(), 'invalid_destination' from contacts",
            "number_bad",
            "staff",
        ),
        ("update accounts set simulator = false", "test_number", "staff"),
    ] {
        let (client, contact) = morning(None).await;
        client.world.run(trouble).await;
        let before = client.everything().await;
        let refused = press(&client, &contact, json!({ "wait": true })).await;
        assert_eq!(
            (refused.status, refused.problem()),
            (StatusCode::CONFLICT, "cannot-call-now"),
            "{trouble}"
        );
        let told = &refused.body["explanation"];
        let reasons: Vec<&Value> = told["checks"]
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|check| check["reasons"].as_array().unwrap())
            .collect();
        assert!(
            reasons.iter().any(|r| r["code"] == code
                && r["lifted_by"] == lifted_by
                && !r["text"].as_str().unwrap().is_empty()),
            "{trouble}: {reasons:?}"
        );
        assert_eq!(told["expected"], Value::Null, "{trouble}: nobody knows when");
        assert_eq!(client.everything().await, before, "{trouble}");

        let asked = client.user(&format!("GET {contact}/callability"), Value::Null).await;
        assert_eq!(asked.status, StatusCode::OK);
        assert_eq!(asked.body["reasons"], told["reasons"], "who only asks is told the same");
        assert_eq!(asked.body["place"], Value::Null, "it isn't planned");
    }
}

#[tokio::test]
async fn in_the_evening_it_waits_for_the_morning_if_the_appointment_does() {
    let (client, contact) = morning(Some(Duration::hours(28))).await;
    client.world.advance(Duration::hours(11)).await;
    let refused = press(&client, &contact, json!({})).await;
    assert_eq!(refused.status, StatusCode::CONFLICT, "nine in the evening is no time for calls");
    let eight = time(&refused.body["explanation"]["expected"]);
    let now = client.world.db.now().await.unwrap();
    assert!(eight - now > Duration::hours(10) && eight - now <= Duration::hours(11), "{eight}");

    let waits = press(&client, &contact, json!({ "wait": true })).await;
    assert_eq!(waits.status, StatusCode::ACCEPTED, "{:?}", waits.body);
    assert_eq!(time(&waits.body["expected"]), eight);
    let until = "select concat_ws(' ', k.front_until = p.at, k.deadline = p.at) from calls k, appointments p";
    assert_eq!(
        client.world.texts(until).await,
        ["t t"],
        "in front until the appointment, which is its deadline"
    );
}

#[tokio::test]
async fn about_no_appointment_it_ends_with_the_day_and_callability_looks_beyond() {
    let (client, contact) = morning(None).await;
    let waits = press(&client, &contact, json!({ "wait": true })).await;
    assert_eq!(waits.status, StatusCode::ACCEPTED);
    let close = "select (extract(epoch from front_until - app_clock()) / 3600)::int8 from calls";
    assert_eq!(client.world.number(close).await, 10, "the tenant closes at eight");
    client.world.run("update calls set state = 'withdrawn', front = false").await;

    client.world.advance(Duration::hours(11)).await;
    let refused = press(&client, &contact, json!({ "wait": true })).await;
    assert_eq!(refused.status, StatusCode::CONFLICT, "today is over");
    let asked = client.admin(&format!("GET {contact}/callability"), Value::Null).await;
    assert_eq!(asked.body["decision"], "defer", "{:?}", asked.body);
    let now = client.world.db.now().await.unwrap();
    let earliest = time(&asked.body["earliest"]) - now;
    assert!(earliest > Duration::hours(10) && earliest <= Duration::hours(11), "tomorrow at eight");
}

#[tokio::test]
async fn the_wait_after_a_dial_that_was_not_placed_is_taken_over_too() {
    for (wait, status) in [
        ("update calls set retry_at = app_clock() + interval '5 minutes'", StatusCode::ACCEPTED),
        ("update calls set retry_at = app_clock() + interval '15 minutes'", StatusCode::CONFLICT),
    ] {
        let (client, contact) = morning(Some(Duration::days(3))).await;
        client.world.run(wait).await;
        let pressed = press(&client, &contact, json!({})).await;
        assert_eq!(pressed.status, status, "{wait}: {:?}", pressed.body);
    }
}

#[tokio::test]
async fn those_in_front_before_it_are_counted() {
    let (client, first) = morning(None).await;
    let version = client.admin("GET /v1/tenant/policy", Value::Null).await;
    let few = json!({ "window_limit": 2 });
    client.change("PATCH /v1/tenant/policy", version.header("etag"), few).await;
    let second = person(&client, "07700 900124", None).await;
    let third = person(&client, "07700 900125", None).await;
    assert_eq!(press(&client, &first, json!({})).await.status, StatusCode::ACCEPTED);
    assert_eq!(press(&client, &second, json!({})).await.status, StatusCode::ACCEPTED);
    let refused = press(&client, &third, json!({})).await;
    assert_eq!(
        refused.status,
        StatusCode::CONFLICT,
        "the window has room for two: {:?}",
        refused.body
    );
    assert_eq!(refused.body["explanation"]["decision"], "dial", "the rule alone would let it");
    let expected =
        time(&refused.body["explanation"]["expected"]) - client.world.db.now().await.unwrap();
    assert!(expected > Duration::minutes(14), "{expected}");
}

#[tokio::test]
async fn the_sixth_in_a_day_is_refused_for_that_contact_only() {
    let (client, contact) = morning(None).await;
    for nth in 1..=5 {
        let pressed = press(&client, &contact, json!({})).await;
        assert_eq!(pressed.status, StatusCode::ACCEPTED, "{nth}: {:?}", pressed.body);
        // As if it had been withdrawn after its ten minutes.
        client.world.run("update calls set state = 'withdrawn', front = false").await;
    }
    let sixth = press(&client, &contact, json!({})).await;
    assert_eq!(sixth.status, StatusCode::CONFLICT);
    assert_eq!(sixth.body["explanation"]["reasons"], json!(["calls_now_used"]));
    let other = person(&client, "07700 900124", None).await;
    assert_eq!(press(&client, &other, json!({})).await.status, StatusCode::ACCEPTED);

    client.world.advance(Duration::hours(24)).await;
    assert_eq!(press(&client, &contact, json!({})).await.status, StatusCode::ACCEPTED, "a new day");
}

#[tokio::test]
async fn the_fifth_is_not_counted_against_itself() {
    let (client, contact) = morning(None).await;
    for _ in 1..=4 {
        press(&client, &contact, json!({})).await;
        client.world.run("update calls set state = 'withdrawn', front = false").await;
    }
    let fifth = press(&client, &contact, json!({})).await;
    let again = press(&client, &contact, json!({})).await;
    assert_eq!(
        (again.status, &again.body["call_id"]),
        (StatusCode::ACCEPTED, &fifth.body["call_id"])
    );
}

#[tokio::test]
async fn yesterdays_request_for_the_same_reminder_counts_today_too() {
    let (client, contact) = morning(Some(Duration::days(3))).await;
    press(&client, &contact, json!({})).await;
    client.world.advance(Duration::hours(24)).await;
    client.world.run("update calls set front = false, front_until = null").await;
    press(&client, &contact, json!({})).await;
    let today = "select count(*) from calls where requested_at > app_clock() - interval '1 minute'";
    assert_eq!(client.world.number(today).await, 1);
}

#[tokio::test]
async fn a_request_with_a_name_presses_once() {
    let (client, contact) = morning(None).await;
    let what = format!("POST {contact}/call-now");
    let ask =
        || client.ask(&client.clinic.admin, &what, &[("idempotency-key", "k1")], &Value::Null);
    client.admin("POST /v1/tenant/pause", json!({ "reason": "lunch" })).await;
    assert_eq!(ask().await.status, StatusCode::CONFLICT);
    client.admin("POST /v1/tenant/resume", json!({})).await;
    let first = ask().await;
    assert_eq!(first.status, StatusCode::ACCEPTED, "a refusal isn't kept: {:?}", first.body);
    let before = client.everything().await;
    let again = ask().await;
    assert_eq!((again.status, &again.body), (first.status, &first.body));
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(client.everything().await, before);
}

#[tokio::test]
async fn a_planned_call_tells_every_check_and_its_place_and_one_that_is_over_how_it_ended() {
    let (client, _) = morning(Some(Duration::days(3))).await;
    person(&client, "07700 900124", Some(Duration::days(2))).await;
    let calls = client.world.texts("select id::text from calls order by deadline").await;
    let mut places = Vec::new();
    for call in &calls {
        let told = client.user(&format!("GET /v1/calls/{call}/explanation"), Value::Null).await;
        assert_eq!((told.status, &told.body["state"]), (StatusCode::OK, &json!("planned")));
        let told = &told.body["explanation"];
        let checks = told["checks"].as_array().unwrap();
        assert_eq!(checks.len(), 21, "20 checks, hours by two clocks: {checks:?}");
        assert_eq!(
            (&told["decision"], &told["reasons"]),
            (&json!("defer"), &json!(["not_due_yet"]))
        );
        assert_eq!(told["earliest"], told["until"]);
        assert!(time(&told["expected"]) >= time(&told["earliest"]));
        places.push(told["place"].clone());
    }
    assert_eq!(places, [json!(1), json!(2)]);

    client.world.run("update calls set state = 'settled', outcome = 'answered_confirmed'").await;
    let over = client.user(&format!("GET /v1/calls/{}/explanation", calls[0]), Value::Null).await;
    assert_eq!(over.body["outcome"], "answered_confirmed");
    assert!(over.body.get("explanation").is_none(), "there is nothing left to explain");
}
