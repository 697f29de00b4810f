//! Imports as clients ask for them.

use axum::http::StatusCode;
use chrono::Duration;
use serde_json::{Value, json};
use shared::jobs::{Kind, State};

use crate::client::{Answer, Client, ada};

const MAPPED: [(&str, &str); 5] = [
    ("Name", "name"),
    ("Phone", "phone"),
    ("Email", "email"),
    ("Date", "appointment_date"),
    ("Time", "appointment_time"),
];

fn mapping() -> Value {
    let column = |(column, field): (&str, &str)| json!({ "column": column, "field": field });
    json!({ "columns": MAPPED.map(column) })
}

async fn upload(client: &Client, file: &str) -> Answer {
    client.admin("POST /v1/imports", json!(file)).await
}

/// A file of three rows, the second of which is faulty.
async fn file(client: &Client) -> String {
    let day = client.ahead(Duration::days(4)).await;
    let day = &day[..10];
    format!(
        "Name,Phone,Email,Date,Time,Diagnosis\n\
         Ada Lovelace,07700 900001,ada@example.com,{day},10:00,x\n\
         Bob Bell,4.47701E+11,,{day},10:30,\n\
         Cyd Crane,07700 900003,,{day},11:00,\n"
    )
}

#[tokio::test]
async fn a_file_is_uploaded_proposed_previewed_run_and_its_faults_come_back() {
    let client = Client::new().await;
    let made = upload(&client, &file(&client).await).await;
    assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    assert_eq!((&made.body["rows"], &made.body["job_id"]), (&json!(3), &Value::Null));
    let columns = made.body["proposals"]["columns"].as_array().unwrap();
    let fields: Vec<&Value> = columns.iter().map(|column| &column["field"]).collect();
    assert_eq!(fields[0], "name");
    assert_eq!((fields[5], &columns[5]["prohibited"]), (&Value::Null, &json!("diagnosis")));
    assert_eq!(columns[5]["first_values"], json!([]));
    let id = made.id();
    assert_eq!(client.admin(&format!("GET /v1/imports/{id}"), Value::Null).await.body, made.body);

    let options = json!({ "mapping": mapping() });
    let before = client.everything().await;
    let preview = client.admin(&format!("POST /v1/imports/{id}/preview"), options.clone()).await;
    assert_eq!(preview.status, StatusCode::OK, "{preview:?}");
    let counts = ["rows", "faulty", "creates", "adds", "updates", "skips"];
    let counts: Vec<_> = counts.map(|name| preview.body[name].as_u64().unwrap()).into();
    assert_eq!(counts, [3, 1, 2, 0, 0, 0]);
    let fault = &preview.body["faults"][0];
    assert_eq!((&fault["row"], &fault["code"]), (&json!(3), &json!("spreadsheet_number")));
    assert!(!fault["shown"].as_str().unwrap().contains("4.47"), "{fault}");
    assert_eq!(preview.body["sample"][0]["phone"], "+447700900001");
    assert_eq!(client.everything().await, before, "a preview changes nothing");

    let none = client.admin(&format!("GET /v1/imports/{id}/errors"), Value::Null).await;
    assert_eq!(none.status, StatusCode::NOT_FOUND);
    let run = client.admin(&format!("POST /v1/imports/{id}/run"), options.clone()).await;
    assert_eq!(run.status, StatusCode::ACCEPTED, "{run:?}");
    assert_eq!((&run.body["kind"], &run.body["progress"]["total"]), (&json!("import"), &json!(3)));
    let again = client.admin(&format!("POST /v1/imports/{id}/run"), options).await;
    assert_eq!((again.status, again.problem()), (StatusCode::CONFLICT, "job-state"));
    let busy = client.admin(&format!("DELETE /v1/imports/{id}"), Value::Null).await;
    assert_eq!(busy.problem(), "job-state");

    // As a worker leaves it.
    let done = format!(
        "update jobs set state = 'done', ended_at = app_clock(), done = 2, failed = 1 where id = '{}'",
        run.id()
    );
    client.world.run(Box::leak(done.into_boxed_str())).await;
    let item = format!(
        "insert into job_items (tenant_id, job_id, n, outcome, code) select tenant_id, id, 3, 'failed', 'spreadsheet_number' from jobs
         where id = '{}'",
        run.id()
    );
    client.world.run(Box::leak(item.into_boxed_str())).await;
    let job = client.admin(&format!("GET /v1/jobs/{}", run.id()), Value::Null).await.body;
    assert_eq!(job["links"]["errors"], format!("/v1/imports/{id}/errors"));
    assert_eq!(job["links"]["undo"], format!("/v1/jobs/{}/undo", run.id()));
    let errors = client.admin(&format!("GET /v1/imports/{id}/errors"), Value::Null).await;
    assert_eq!(errors.status, StatusCode::OK);
    assert_eq!(errors.header("content-type"), "text/csv");
    assert!(errors.header("content-disposition").starts_with("attachment"), "{errors:?}");
    let gone = client.admin(&format!("DELETE /v1/imports/{id}"), Value::Null).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    assert_eq!(client.admin(&format!("GET /v1/imports/{id}"), Value::Null).await.status, 404);
}

#[tokio::test]
async fn a_preview_knows_who_is_there() {
    let client = Client::new().await;
    let mut new = ada();
    new["name"] = json!("Ada Lovelace");
    new["phone"] = json!("07700 900001");
    new["email"] = json!("ada@example.com");
    let ada = client.admin("POST /v1/contacts", new).await.id();
    let made = upload(&client, &file(&client).await).await.id();
    let path = format!("POST /v1/imports/{made}/preview");
    let ask = |duplicates: &str| json!({ "mapping": mapping(), "duplicates": duplicates });
    let skipped = client.admin(&path, ask("skip")).await.body;
    assert_eq!((&skipped["creates"], &skipped["skips"]), (&json!(1), &json!(1)));
    assert_eq!(
        skipped["known"],
        json!([{ "row": 2, "becomes": "known_person", "contact_id": ada }])
    );
    let updated = client.admin(&path, ask("update")).await.body;
    assert_eq!((&updated["creates"], &updated["updates"]), (&json!(1), &json!(1)));
    let again = client.admin(&path, ask("create")).await.body;
    assert_eq!(
        (&again["creates"], &again["faulty"]),
        (&json!(1), &json!(2)),
        "the address is taken"
    );
    assert_eq!(again["faults_by_code"]["email_taken"], 1);
}

#[tokio::test]
async fn what_is_wrong_is_told_and_nothing_is_kept() {
    let client = Client::new().await;
    let before = client.everything().await;
    for (file, fault) in [
        ("", " empty"),
        ("Name;Phone\n\"open", " cut_off"),
        ("07700 900123,Ada\n", " no_header"),
        ("%PDF-1.7", " not_a_table"),
        ("Name,Phone\n\n", " no_rows"),
    ] {
        let refused = upload(&client, file).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{file}: {refused:?}");
        assert_eq!(refused.faults(), [fault], "{file}");
    }
    assert_eq!(client.everything().await, before);
    let id = upload(&client, &file(&client).await).await.id();
    let column = |column: &str, field: &str| json!({ "column": column, "field": field });
    let group = uuid::Uuid::now_v7();
    for (body, faults) in [
        (
            json!({ "mapping": { "columns": [column("Name", "name"), column("Age", "phone")] } }),
            vec![
                "/mapping/columns unknown_column",
                "/mapping/columns missing_field",
                "/mapping/columns missing_field",
                "/mapping/columns missing_field",
            ],
        ),
        (
            json!({ "mapping": { "columns": [column("Diagnosis", "notes")] } }),
            vec![
                "/mapping/columns missing_field",
                "/mapping/columns missing_field",
                "/mapping/columns missing_field",
                "/mapping/columns missing_field",
                "/mapping/columns prohibited_column",
            ],
        ),
        (json!({ "mapping": mapping(), "groups": [group] }), vec!["/groups/0 unknown"]),
    ] {
        for act in ["preview", "run"] {
            let refused = client.admin(&format!("POST /v1/imports/{id}/{act}"), body.clone()).await;
            assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{body}: {refused:?}");
            assert_eq!(refused.faults(), faults, "{act} {body}");
        }
    }
    let template = json!({ "mapping": mapping(), "template_id": group });
    let refused = client.admin(&format!("POST /v1/imports/{id}/run"), template).await;
    assert_eq!(refused.faults(), ["/template_id unknown"]);
    assert_eq!(client.world.number("select count(*) from jobs").await, 0);
}

#[tokio::test]
async fn templates_are_kept_offered_and_counted() {
    let client = Client::new().await;
    let wish =
        json!({ "name": "Mondays", "options": { "mapping": mapping(), "duplicates": "update" } });
    let kept = client.admin("POST /v1/import-templates", wish).await;
    assert_eq!(kept.status, StatusCode::CREATED, "{kept:?}");
    let other = json!({ "columns": [{ "column": "Surname", "field": "last_name" }] });
    let other = json!({ "name": "Others", "options": { "mapping": other } });
    client.admin("POST /v1/import-templates", other).await.id();
    let made = upload(&client, &file(&client).await).await;
    let offered = made.body["templates"].as_array().unwrap();
    assert_eq!(offered.len(), 1, "the other names a column that isn't there");
    assert_eq!(offered[0], kept.body);
    let body = json!({ "mapping": mapping(), "template_id": kept.id() });
    client.admin(&format!("POST /v1/imports/{}/run", made.id()), body).await.id();
    let listed = client.admin("GET /v1/import-templates", Value::Null).await.body;
    assert_eq!(
        (&listed["items"][0]["id"], &listed["items"][0]["used"]),
        (&json!(kept.id()), &json!(1))
    );
    let refused = json!({ "name": "Has diabetes", "options": { "mapping": mapping() } });
    let refused = client.admin("POST /v1/import-templates", refused).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    let gone = format!("DELETE /v1/import-templates/{}", kept.id());
    assert_eq!(client.admin(&gone, Value::Null).await.status, StatusCode::NO_CONTENT);
    assert_eq!(client.admin(&gone, Value::Null).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn an_import_is_asked_for_once_however_often_it_is_said() {
    let client = Client::new().await;
    let file = json!(file(&client).await);
    let key = [("idempotency-key", "monday")];
    let first = client.ask(&client.clinic.admin, "POST /v1/imports", &key, &file).await;
    let again = client.ask(&client.clinic.admin, "POST /v1/imports", &key, &file).await;
    assert_eq!((first.id(), again.header("idempotency-replayed")), (again.id(), "true"));
    assert_eq!(client.world.number("select count(*) from imports").await, 1);
    let (kind, state) = (Kind::Import.as_str(), State::Queued.as_str());
    let path = format!("POST /v1/imports/{}/run", first.id());
    client.admin(&path, json!({ "mapping": mapping() })).await.id();
    let jobs = format!("GET /v1/jobs?kind={kind}&state={state}");
    let jobs = client.admin(&jobs, Value::Null).await.body;
    assert_eq!(jobs["items"].as_array().unwrap().len(), 1, "{jobs}");
}
