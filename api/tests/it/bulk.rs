//! Bulk changes as clients ask for them.

use axum::http::StatusCode;
use chrono::Duration;
use serde_json::{Value, json};
use shared::api_keys::ApiKey;

use crate::client::{Client, ada};

/// Contacts with an appointment in three days each.
async fn people(client: &Client, n: usize) -> Vec<String> {
    let mut ids = Vec::new();
    for which in 0..n {
        let mut new = ada();
        new["phone"] = json!(format!("07700 900{which:03}"));
        new["email"] = json!(format!("ada{which}@example.com"));
        new["appointment"] = json!({ "at": client.ahead(Duration::days(3)).await });
        ids.push(client.admin("POST /v1/contacts", new).await.id());
    }
    ids
}

fn confirm(selection: &Value) -> Value {
    let status = json!({ "status": "confirmed", "reason": "They rang us" });
    json!({ "selection": selection, "act": { "status": status } })
}

#[tokio::test]
async fn a_preview_counts_and_changes_nothing() {
    let client = Client::new().await;
    let ids = people(&client, 3).await;
    let settle =
        json!({ "selection": { "ids": [{ "contact_id": ids[0] }] }, "act": { "delete": {} } });
    let before = client.everything().await;
    let shown = client.admin("POST /v1/bulk/preview", confirm(&json!({ "all": true }))).await;
    let counts = json!({ "total": 3, "too_many": false, "changes": 3, "unchanged": 0, "no_contact": 0, "no_appointment": 0 });
    assert_eq!((shown.status, &shown.body), (StatusCode::OK, &counts));
    let shown = client.admin("POST /v1/bulk/preview", settle).await;
    assert_eq!((&shown.body["total"], &shown.body["changes"]), (&json!(1), &json!(1)));
    let found = json!({ "search": { "query": "-ada" } });
    let none = client.admin("POST /v1/bulk/preview", confirm(&found)).await;
    assert_eq!(none.body["total"], 0, "{none:?}");
    let strange = json!({ "ids": [{ "contact_id": uuid::Uuid::now_v7() }, { "contact_id": ids[0], "appointment_id": uuid::Uuid::now_v7() }] });
    let strange = client.admin("POST /v1/bulk/preview", confirm(&strange)).await;
    assert_eq!(
        (&strange.body["no_contact"], &strange.body["no_appointment"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(client.everything().await, before);
}

#[tokio::test]
async fn what_is_wrong_is_pointed_at_and_nothing_is_asked_for() {
    let client = Client::new().await;
    let group = uuid::Uuid::now_v7();
    let all = json!({ "all": true });
    for (body, faults) in [
        (json!({ "selection": {}, "act": { "delete": {} } }), vec!["/selection one_of"]),
        (
            json!({ "selection": { "all": true, "group": group }, "act": { "delete": {} } }),
            vec!["/selection one_of"],
        ),
        (
            json!({ "selection": { "ids": [] }, "act": { "delete": {} } }),
            vec!["/selection/ids empty"],
        ),
        (json!({ "selection": all, "act": {} }), vec!["/act one_of"]),
        (json!({ "selection": all, "act": { "restore": {} } }), vec!["/selection/ids missing"]),
        (json!({ "selection": all, "act": { "edit": {} } }), vec!["/act/edit empty"]),
        (
            json!({ "selection": all, "act": { "edit": { "call_before_hours": 0 } } }),
            vec!["/act/edit/call_before_hours out_of_range", "/act/edit empty"],
        ),
        (json!({ "selection": all, "act": { "groups": {} } }), vec!["/act/groups/add empty"]),
        (
            json!({ "selection": all, "act": { "groups": { "add": [group] } } }),
            vec!["/act/groups/add/0 unknown"],
        ),
        (
            json!({ "selection": all, "act": { "groups": { "add": [group], "remove": [group] } } }),
            vec![
                "/act/groups/remove/0 added_too",
                "/act/groups/add/0 unknown",
                "/act/groups/remove/0 unknown",
            ],
        ),
        (
            json!({ "selection": all, "act": { "status": { "status": "pending", "reason": " " } } }),
            vec!["/act/status/reason empty"],
        ),
        (
            json!({ "selection": all, "act": { "status": { "status": "pending", "reason": "x", "confirmed_by": "sms" } } }),
            vec!["/act/status/confirmed_by not_wanted"],
        ),
        (
            json!({ "selection": { "search": { "query": "\"open" } }, "act": { "delete": {} } }),
            vec!["/selection/search/query unclosed_quote"],
        ),
        (
            json!({ "selection": all, "expected_count": -1, "act": { "delete": {} } }),
            vec!["/expected_count out_of_range"],
        ),
        (
            json!({ "selection": { "ids": vec![json!({ "contact_id": uuid::Uuid::now_v7() }); 101] }, "act": { "call": {} } }),
            vec!["/selection/ids too_many"],
        ),
    ] {
        let refused = client.admin("POST /v1/bulk", body.clone()).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{body}: {refused:?}");
        assert_eq!(refused.faults(), faults, "{body}");
    }
    assert_eq!(client.world.number("select count(*) from jobs").await, 0);
}

#[tokio::test]
async fn health_information_in_a_reason_is_acknowledged_first() {
    let client = Client::new().await;
    let ask = |known: bool| {
        let status = json!({ "status": "confirmed", "reason": "She has diabetes", "acknowledge_phi": known });
        json!({ "selection": { "all": true }, "act": { "status": status } })
    };
    let refused = client.admin("POST /v1/bulk", ask(false)).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.faults()[0].starts_with("/act/status/reason"), "{refused:?}");
    let taken = client.admin("POST /v1/bulk", ask(true)).await;
    assert_eq!(taken.status, StatusCode::ACCEPTED, "{taken:?}");
    assert!(
        !taken.body.to_string().contains("diabetes"),
        "what somebody wrote is not shown with the job"
    );
}

#[tokio::test]
async fn a_change_is_a_job_asked_for_once_however_often_it_is_sent() {
    let client = Client::new().await;
    let ids = people(&client, 1).await;
    let body = confirm(&json!({ "ids": [{ "contact_id": ids[0] }] }));
    let key = [("idempotency-key", "once")];
    let first = client.ask(&client.clinic.admin, "POST /v1/bulk", &key, &body).await;
    assert_eq!((first.status, &first.body["kind"]), (StatusCode::ACCEPTED, &json!("bulk")));
    assert_eq!(first.body["facts"], json!({ "act": "status", "status": "confirmed" }));
    let again = client.ask(&client.clinic.admin, "POST /v1/bulk", &key, &body).await;
    assert_eq!(again.body["id"], first.body["id"]);
    assert_eq!(client.world.number("select count(*) from jobs").await, 1);
}

#[tokio::test]
async fn what_cannot_be_taken_back_says_why() {
    let client = Client::new().await;
    let ids = people(&client, 1).await;
    let asked =
        client.admin("POST /v1/bulk", confirm(&json!({ "ids": [{ "contact_id": ids[0] }] }))).await;
    let id = asked.id();
    let undo = async |why: &str| {
        let path = format!("POST /v1/jobs/{id}/undo");
        let refused = client.admin(&path, json!({})).await;
        assert_eq!((refused.status, refused.problem()), (StatusCode::CONFLICT, "cannot-undo"));
        assert_eq!(refused.body["why"], why);
        let shown = client.admin(&format!("GET /v1/jobs/{id}/undo"), Value::Null).await.body;
        assert_eq!((&shown["why_not"], &shown["until"]), (&json!(why), &Value::Null));
    };
    let set = async |what: &str| {
        let text = format!("update jobs set {what} where id = '{id}'");
        client.world.run(Box::leak(text.into_boxed_str())).await;
    };
    undo("not_ended").await;
    set("state = 'done', ended_at = app_clock()").await;
    undo("nothing_done").await;
    set("done = 1, ended_at = app_clock() - interval '25 hours'").await;
    undo("too_late").await;
    set("ended_at = app_clock()").await;
    let shown = client.admin(&format!("GET /v1/jobs/{id}"), Value::Null).await.body;
    assert!(shown["undo_until"].is_string());
    let taken = client.admin(&format!("POST /v1/jobs/{id}/undo"), json!({})).await;
    assert_eq!((taken.status, &taken.body["undoes"]), (StatusCode::ACCEPTED, &json!(id)));
    undo("undone").await;
    let probe = client.world.probe_job(&client.clinic, 1).await;
    let other = client.admin(&format!("POST /v1/jobs/{probe}/undo"), json!({})).await;
    assert_eq!(other.body["why"], "of_another_kind");
}

#[tokio::test]
async fn who_may_not_say_who_is_in_a_group_does_so_neither_by_many_nor_by_taking_back() {
    let client = Client::new().await;
    people(&client, 1).await;
    let wish = json!({ "name": "Contacts", "role": "client_admin", "scopes": ["contacts.edit", "jobs.edit", "jobs.read"] });
    let made = client.admin("POST /v1/api-keys", wish).await;
    let key = ApiKey::parse(made.body["api_key"].as_str().unwrap()).unwrap();
    let all = json!({ "all": true });
    // Out of all groups, though none is named.
    let nowhere = json!({ "selection": all, "act": { "groups": { "replace": [] } } });
    for what in ["POST /v1/bulk", "POST /v1/bulk/preview"] {
        let refused = client.ask(&key, what, &[], &nowhere).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{what}");
    }
    let asked = client.admin("POST /v1/bulk", nowhere).await.id();
    let ended = format!(
        "update jobs set state = 'done', ended_at = app_clock(), done = 1 where id = '{asked}'"
    );
    client.world.run(Box::leak(ended.into_boxed_str())).await;
    let undo = format!("POST /v1/jobs/{asked}/undo");
    let refused = client.ask(&key, &undo, &[], &json!({})).await;
    assert_eq!((refused.status, refused.problem()), (StatusCode::FORBIDDEN, "forbidden"));
    assert_eq!(client.admin(&undo, json!({})).await.status, StatusCode::ACCEPTED);
}

#[tokio::test]
async fn calling_many_needs_what_calling_one_needs_and_is_not_taken_back() {
    let client = Client::new().await;
    let ids = people(&client, 1).await;
    let body = json!({ "selection": { "ids": [{ "contact_id": ids[0] }] }, "act": { "call": { "wait": true } } });
    let wish = json!({ "name": "Contacts", "role": "client_admin", "scopes": ["contacts.edit", "jobs.edit", "jobs.read"] });
    let key = client.admin("POST /v1/api-keys", wish).await;
    let key = ApiKey::parse(key.body["api_key"].as_str().unwrap()).unwrap();
    let refused = client.ask(&key, "POST /v1/bulk", &[], &body).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "{refused:?}");
    let taken = client.admin("POST /v1/bulk", body).await;
    assert_eq!(taken.body["facts"], json!({ "act": "call", "wait": true }), "{taken:?}");
    let done = format!(
        "update jobs set state = 'done', ended_at = app_clock(), done = 1 where id = '{}'",
        taken.id()
    );
    client.world.run(Box::leak(done.into_boxed_str())).await;
    let undo = client.admin(&format!("GET /v1/jobs/{}/undo", taken.id()), Value::Null).await.body;
    assert_eq!((&undo["until"], &undo["why_not"]), (&Value::Null, &json!("of_another_kind")));
    let job = client.admin(&format!("GET /v1/jobs/{}", taken.id()), Value::Null).await.body;
    assert_eq!(job["links"]["undo"], Value::Null);
}
