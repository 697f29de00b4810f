//! Exports as clients ask for them. What is in a file is tested with the worker (`worker/tests/it/exports.rs`).

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::client::{Client, ada};

#[tokio::test]
async fn what_is_wrong_with_an_export_is_told_and_nothing_is_asked_for() {
    let client = Client::new().await;
    let (all, one) = (json!({ "all": true }), uuid::Uuid::now_v7());
    for (body, faults) in [
        (json!({ "selection": {} }), vec!["/selection one_of"]),
        (
            json!({ "selection": { "all": true, "group": uuid::Uuid::now_v7() } }),
            vec!["/selection one_of"],
        ),
        (json!({ "selection": { "ids": [] } }), vec!["/selection/ids empty"]),
        (
            json!({ "selection": { "ids": [{ "contact_id": one }, { "contact_id": one }] } }),
            vec!["/selection/ids/1 twice"],
        ),
        (json!({ "selection": all, "fields": "custom" }), vec!["/columns missing"]),
        (json!({ "selection": all, "fields": "custom", "columns": [] }), vec!["/columns empty"]),
        (
            json!({ "selection": all, "fields": "custom", "columns": ["name", "phone", "name"] }),
            vec!["/columns/2 twice"],
        ),
        (json!({ "selection": all, "columns": ["name"] }), vec!["/columns not_wanted"]),
        (json!({ "selection": all, "expected_count": -1 }), vec!["/expected_count out_of_range"]),
        (
            json!({ "selection": all, "options": { "tenant_id": 1 } }),
            vec!["/options/tenant_id unknown_field"],
        ),
    ] {
        for path in ["POST /v1/exports", "POST /v1/exports/preview"] {
            let refused = client.admin(path, body.clone()).await;
            assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{body}: {refused:?}");
            assert_eq!(refused.faults(), faults, "{body}");
        }
    }
    assert_eq!(client.world.number("select count(*) from jobs").await, 0);
    let refused = client.user("POST /v1/exports", json!({ "selection": all })).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "staff take no contacts along");
}

#[tokio::test]
async fn a_preview_counts_and_names_the_columns() {
    let client = Client::new().await;
    client.admin("POST /v1/contacts", ada()).await.id();
    let ask = json!({ "selection": { "all": true }, "fields": "hipaa_safe" });
    let preview = client.admin("POST /v1/exports/preview", ask).await;
    assert_eq!(preview.status, StatusCode::OK, "{preview:?}");
    assert_eq!((&preview.body["total"], &preview.body["too_many"]), (&json!(1), &json!(false)));
    let header =
        json!(["Name", "Phone", "Appointment date", "Appointment time", "Status", "Attempts"]);
    assert_eq!(preview.body["header"], header);
    assert_eq!(client.world.number("select count(*) from jobs").await, 0);
}

#[tokio::test]
async fn a_file_is_there_when_its_job_is_done_and_for_a_day() {
    let client = Client::new().await;
    let asked = client.admin("POST /v1/exports", json!({ "selection": { "all": true } })).await;
    assert_eq!(asked.status, StatusCode::ACCEPTED, "{asked:?}");
    assert_eq!(asked.header("location"), format!("/v1/jobs/{}", asked.id()));
    assert_eq!(asked.body["links"]["file"], Value::Null);
    let path = format!("GET /v1/exports/{}/file", asked.id());
    let early = client.admin(&path, Value::Null).await;
    assert_eq!((early.status, early.problem()), (StatusCode::CONFLICT, "job-state"));
    assert_eq!(early.body["state"], "queued");
    // As a worker leaves it that found nobody.
    let done = format!(
        "update jobs set state = 'done', ended_at = app_clock() where id = '{}'",
        asked.id()
    );
    client.world.run(Box::leak(done.into_boxed_str())).await;
    let job = client.admin(&format!("GET /v1/jobs/{}", asked.id()), Value::Null).await.body;
    assert_eq!(job["links"]["file"], format!("/v1/exports/{}/file", asked.id()));
    assert_eq!(job["undo_until"], Value::Null, "there is nothing to take back");
    let file = client.admin(&path, Value::Null).await;
    assert_eq!((file.status, file.header("content-type")), (StatusCode::OK, "text/csv"));
    assert_eq!(file.header("content-disposition"), "attachment; filename=\"contacts.csv\"");
    assert_eq!(file.header("cache-control"), "no-store");
    let user = client.user(&path, Value::Null).await;
    assert_eq!(user.status, StatusCode::FORBIDDEN);
    client.world.advance(chrono::Duration::hours(24)).await;
    assert_eq!(client.admin(&path, Value::Null).await.status, StatusCode::NOT_FOUND);
    let job = client.admin(&format!("GET /v1/jobs/{}", asked.id()), Value::Null).await.body;
    assert_eq!(job["links"]["file"], Value::Null);
    let other = client.world.probe_job(&client.clinic, 1).await;
    let other = client.admin(&format!("GET /v1/exports/{other}/file"), Value::Null).await;
    assert_eq!(other.status, StatusCode::NOT_FOUND, "a job that is no export");
}

#[tokio::test]
async fn without_a_store_of_files_nobody_is_kept_waiting_for_one() {
    let client = Client::with(|app| app.files = None).await;
    let refused = client.admin("POST /v1/exports", json!({ "selection": { "all": true } })).await;
    assert_eq!(
        (refused.status, refused.problem()),
        (StatusCode::SERVICE_UNAVAILABLE, "files-away")
    );
    assert!(!refused.header("retry-after").is_empty());
    assert_eq!(client.world.number("select count(*) from jobs").await, 0);
}
