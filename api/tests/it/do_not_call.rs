//! Who is not to be called.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use serde_json::{Value, json};

use crate::client::Client;

#[tokio::test]
async fn a_number_is_listed_once_and_taken_off() {
    let client = Client::new().await;
    let new = json!({ "number": "07700 900123", "reason": "asked us" });
    let added = client.admin("POST /v1/do-not-call", new.clone()).await;
    assert_eq!(
        (added.status, &added.body["number"]),
        (StatusCode::CREATED, &json!("+447700900123"))
    );
    let again = client.admin("POST /v1/do-not-call", json!({ "number": "+447700900123" })).await;
    assert_eq!((again.status, again.id()), (StatusCode::OK, added.id()), "listed already");

    let listed = client.admin("GET /v1/do-not-call", Value::Null).await;
    assert_eq!(listed.body["items"][0]["reason"], "asked us");
    let for_users = client.user("GET /v1/do-not-call", Value::Null).await;
    assert!(for_users.body["items"][0].get("number").is_none(), "numbers are for administrators");

    let path = format!("DELETE /v1/do-not-call/{}", added.id());
    assert_eq!(client.admin(&path, Value::Null).await.status, StatusCode::NO_CONTENT);
    assert_eq!(client.admin(&path, Value::Null).await.status, StatusCode::NOT_FOUND);
    let fresh = client.admin("POST /v1/do-not-call", new).await;
    assert_eq!(fresh.status, StatusCode::CREATED, "it may be listed again");
    let events = client.world.texts("select kind from events order by n").await;
    assert_eq!(events, ["do_not_call.added", "do_not_call.removed", "do_not_call.added"]);
}

#[tokio::test]
async fn an_import_lists_what_is_a_number_and_tells_the_rest() {
    let client = Client::new().await;
    let numbers = json!({ "numbers": [
        "07700 900001", "nonsense", { "number": "07700900002", "reason": "asked" }, "+447700900001",
        "0909 879 0000",
    ]});
    let done = client.admin("POST /v1/do-not-call/import", numbers.clone()).await;
    assert_eq!(done.status, StatusCode::OK, "{:?}", done.body);
    let results: Vec<&str> = done.body["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["result"].as_str().unwrap())
        .collect();
    assert_eq!(results, ["added", "refused", "added", "already_listed", "refused"]);
    assert_eq!(done.body["rows"][1]["code"], "bad_character");
    assert_eq!(done.body["rows"][4]["code"], "premium_rate");

    let again = client.admin("POST /v1/do-not-call/import", numbers).await;
    assert_eq!((&again.body["added"], &again.body["already_listed"]), (&json!(0), &json!(3)));

    let csv = "phone,reason\r\n07700 900003,\"asked, twice\"\r\n07700 900001,\r\n";
    let request = Request::post("/v1/do-not-call/import")
        .header("authorization", format!("Bearer {}", client.clinic.admin.expose()))
        .header("content-type", "text/csv; charset=utf-8")
        .body(Body::from(csv))
        .unwrap();
    let done = client.send(request).await;
    assert_eq!((&done.body["added"], &done.body["already_listed"]), (&json!(1), &json!(1)));
    let rows =
        client.world.number("select count(*) from do_not_call where removed_at is null").await;
    assert_eq!(rows, 3);
}

#[tokio::test]
async fn many_numbers_are_listed_in_one_request_and_too_many_refused() {
    let client = Client::new().await;
    let numbers: Vec<String> = (0..2_000).map(|n| format!("+4474000{n:05}")).collect();
    let done = client.admin("POST /v1/do-not-call/import", json!({ "numbers": numbers })).await;
    assert_eq!((done.status, &done.body["added"]), (StatusCode::OK, &json!(2_000)));
    let more: Vec<String> = (0..10_001).map(|n| format!("+4474001{n:05}")).collect();
    let refused = client.admin("POST /v1/do-not-call/import", json!({ "numbers": more })).await;
    assert_eq!(refused.faults(), ["/numbers out_of_range"]);
}

#[tokio::test]
async fn however_many_are_read_at_a_time_each_row_has_its_own_result() {
    let client = Client::new().await;
    // Every seventh is none, and every eleventh was on the list before.
    let number = |n: usize| format!("+4474000{n:05}");
    let before: Vec<String> = (0..500).step_by(11).map(number).collect();
    client.admin("POST /v1/do-not-call/import", json!({ "numbers": before })).await;
    let written = |n| if n % 7 == 0 { "nonsense".to_owned() } else { number(n) };
    let numbers: Vec<String> = (0..500).map(written).collect();
    let done = client.admin("POST /v1/do-not-call/import", json!({ "numbers": numbers })).await;
    let rows = done.body["rows"].as_array().unwrap();
    for (n, row) in rows.iter().enumerate() {
        let want = match n {
            n if n % 7 == 0 => "refused",
            n if n % 11 == 0 => "already_listed",
            _ => "added",
        };
        assert_eq!((&row["row"], &row["result"]), (&json!(n + 1), &json!(want)));
    }
    assert_eq!(rows.len(), 500);
    // One entry in the chain for all of them, with the ids of those that were added.
    let chain = "select action from audit_entries where chain = 'changes' order by n";
    assert_eq!(client.world.texts(chain).await, ["do_not_call.import"; 2]);
}

#[tokio::test]
async fn why_a_number_is_listed_lies_sealed() {
    let client = Client::new().await;
    let one = json!({ "number": "07700 900123", "reason": "told us of her DIVORCE" });
    client.admin("POST /v1/do-not-call", one).await;
    let many = json!({ "numbers": [{ "number": "07700 900124", "reason": "in PRISON" }] });
    client.admin("POST /v1/do-not-call/import", many).await;
    let rows = client.world.texts("select d::text from do_not_call d").await.join(" ");
    let bytes = "select encode(reason_sealed, 'escape') from do_not_call";
    let rows = rows + &client.world.texts(bytes).await.join(" ");
    assert!(!rows.contains("DIVORCE") && !rows.contains("PRISON"), "{rows}");
    let listed = client.admin("GET /v1/do-not-call", Value::Null).await;
    assert_eq!(listed.body["items"][0]["reason"], "in PRISON");
    assert_eq!(listed.body["items"][1]["reason"], "told us of her DIVORCE");
    client.world.run("update do_not_call set reason = 'of before', reason_sealed = null").await;
    let listed = client.admin("GET /v1/do-not-call", Value::Null).await;
    assert_eq!(listed.body["items"][0]["reason"], "of before", "what the release before wrote");
}
