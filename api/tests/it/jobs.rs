//! Jobs as clients see them: how far, why not yet, and what can be done with one.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::client::{Answer, Client};

async fn act(client: &Client, id: &str, act: &str) -> Answer {
    client.admin(&format!("POST /v1/jobs/{id}/{act}"), json!({})).await
}

async fn show(client: &Client, id: &str) -> Value {
    client.admin(&format!("GET /v1/jobs/{id}"), Value::Null).await.body
}

async fn run(client: &Client, statement: String) {
    client.world.run(Box::leak(statement.into_boxed_str())).await;
}

#[tokio::test]
async fn a_job_says_why_it_waits_and_what_it_is_behind() {
    let client = Client::new().await;
    let first = client.world.probe_job(&client.clinic, 1).await.to_string();
    let second = client.world.probe_job(&client.clinic, 1).await.to_string();
    let shown = show(&client, &first).await;
    assert_eq!((&shown["state"], &shown["kind"]), (&json!("queued"), &json!("probe")));
    assert_eq!(shown["waits"]["for_what"], "worker", "{shown}");
    let shown = show(&client, &second).await;
    assert_eq!(shown["waits"]["for_what"], "others_in_line");
    assert_eq!(shown["waits"]["before"], 1);
    let failed = format!(
        "update jobs set ready_at = app_clock() + interval '5 minutes', failures = 2, reason = 'database_away' where id = '{first}';
         insert into job_failures (tenant_id, job_id, run_no, at, code) select tenant_id, id, 1, app_clock(), 'died' from jobs where id = '{first}'"
    );
    run(&client, failed).await;
    let shown = show(&client, &first).await;
    assert_eq!(shown["waits"]["for_what"], "next_try");
    assert!(shown["waits"]["until"].is_string());
    assert_eq!(shown["attempts"][0]["code"], "died");
    let listed = client.admin("GET /v1/jobs?state=queued", Value::Null).await;
    let ids: Vec<_> =
        listed.body["items"].as_array().unwrap().iter().map(|job| &job["id"]).collect();
    assert_eq!(ids, [&json!(second), &json!(first)], "the last one first");
    let none = client.admin("GET /v1/jobs?state=dead", Value::Null).await;
    assert_eq!(none.body["items"], json!([]));
}

#[tokio::test]
async fn what_cannot_be_done_with_a_job_is_a_conflict_that_says_how_it_stands() {
    let client = Client::new().await;
    let id = client.world.probe_job(&client.clinic, 1).await.to_string();
    assert_eq!(act(&client, &id, "pause").await.body["state"], "paused");
    assert_eq!(show(&client, &id).await["waits"]["for_what"], "resumption");
    assert_eq!(act(&client, &id, "resume").await.body["state"], "queued");
    assert_eq!(act(&client, &id, "cancel").await.body["state"], "cancelled");
    let again = act(&client, &id, "cancel").await;
    assert_eq!((again.status, &again.body["state"]), (StatusCode::OK, &json!("cancelled")));
    for what in ["pause", "resume", "retry"] {
        let refused = act(&client, &id, what).await;
        assert_eq!(refused.status, StatusCode::CONFLICT, "{what}");
        assert_eq!((refused.problem(), &refused.body["state"]), ("job-state", &json!("cancelled")));
    }
    let entries =
        "select count(*) from audit_entries where chain = 'changes' and action like 'job.%'";
    assert_eq!(client.world.number(entries).await, 3, "a pause, a resumption, one cancellation");
}

#[tokio::test]
async fn dead_jobs_are_tried_again_one_by_one_and_by_what_they_died_of() {
    let client = Client::new().await;
    let mut ids = Vec::new();
    for reason in ["database_away", "database_away", "killed_its_workers", "panicked"] {
        let id = client.world.probe_job(&client.clinic, 1).await.to_string();
        let died = format!(
            "update jobs set state = 'dead', ended_at = app_clock(), reason = '{reason}', failures = 8 where id = '{id}'"
        );
        run(&client, died).await;
        ids.push(id);
    }
    assert_eq!(act(&client, &ids[3], "retry").await.body["state"], "queued");
    let asked = json!({ "reason": "database_away", "kind": "probe" });
    let retried = client.admin("POST /v1/jobs/retry", asked).await;
    let mut jobs: Vec<_> = retried.body["jobs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|id| id.as_str().unwrap().to_owned())
        .collect();
    jobs.sort_unstable();
    assert_eq!(jobs, ids[..2]);
    assert_eq!(show(&client, &ids[2]).await["state"], "dead");
    assert_eq!(show(&client, &ids[0]).await["state"], "queued");
    let too_long = client.admin("POST /v1/jobs/retry", json!({ "reason": "x".repeat(61) })).await;
    assert_eq!(too_long.faults(), ["/reason too_long"]);
}

#[tokio::test]
async fn what_became_of_each_row_is_listed_page_by_page() {
    let client = Client::new().await;
    let id = client.world.probe_job(&client.clinic, 1).await.to_string();
    let noted = format!(
        "insert into job_items (tenant_id, job_id, n, outcome, code)
         select tenant_id, id, n, case when n % 2 = 0 then 'failed' else 'done' end, case when n % 2 = 0 then 'no_number' end
         from jobs, generate_series(1, 5) n where id = '{id}'"
    );
    run(&client, noted).await;
    let page = client.admin(&format!("GET /v1/jobs/{id}/items?limit=3"), Value::Null).await.body;
    assert_eq!((page["items"].as_array().unwrap().len(), &page["next"]), (3, &json!(3)));
    let rest =
        client.admin(&format!("GET /v1/jobs/{id}/items?limit=3&after=3"), Value::Null).await.body;
    assert_eq!((rest["items"].as_array().unwrap().len(), &rest["next"]), (2, &Value::Null));
    let failed =
        client.admin(&format!("GET /v1/jobs/{id}/items?outcome=failed"), Value::Null).await.body;
    assert_eq!(failed["items"][0]["code"], "no_number");
    assert_eq!(failed["items"].as_array().unwrap().len(), 2);
    let odd = client.admin(&format!("GET /v1/jobs/{id}/items?limit=0"), Value::Null).await;
    assert_eq!(odd.faults(), ["limit out_of_range"]);
}

#[tokio::test]
async fn a_kind_that_only_a_newer_release_knows_spoils_no_list() {
    let client = Client::new().await;
    let known = client.world.probe_job(&client.clinic, 1).await;
    let newer = client.world.probe_job(&client.clinic, 1).await;
    let change = format!("update jobs set kind = 'of_tomorrow' where id = '{newer}'");
    client.world.run(Box::leak(change.into_boxed_str())).await;
    let list = client.admin("GET /v1/jobs", Value::Null).await;
    assert_eq!(list.status, 200, "{list:?}");
    let ids: Vec<_> = list.body["items"].as_array().unwrap().iter().map(|job| &job["id"]).collect();
    assert_eq!(ids, [&json!(known)]);
}
