//! Searches that people keep.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::client::{Answer, Client, ada};

async fn keep(client: &Client, view: Value) -> String {
    let kept = client.admin("POST /v1/contact-views", view).await;
    assert_eq!(kept.status, StatusCode::CREATED, "{:?}", kept.body);
    kept.id()
}

async fn by_view(client: &Client, view: &str) -> Answer {
    client.admin("POST /v1/contacts/search", json!({ "view": view })).await
}

fn names(found: &Answer) -> Vec<&str> {
    let rows = found.body["rows"].as_array().unwrap_or_else(|| panic!("{:?}", found.body));
    rows.iter().map(|row| row["contact"]["name"].as_str().unwrap()).collect()
}

fn ids(listed: &Answer) -> Vec<String> {
    let items = listed.body["items"].as_array().unwrap();
    items.iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_kept_search_finds_what_it_would_if_it_were_typed_again() {
    let client = Client::new().await;
    for (name, phone) in [("Anna Smith", "201"), ("Berta Smith", "202"), ("Carla Jones", "203")] {
        let new = json!({ "name": name, "phone": format!("07700 900{phone}") });
        client.admin("POST /v1/contacts", new).await;
    }
    let sort = json!([{ "key": "name", "descending": true }]);
    let smiths = json!({ "query": "smith", "sort": sort, "fields": ["name"] });
    let smiths = keep(&client, json!({ "name": "The Smiths", "search": smiths })).await;
    let ungrouped = json!({ "filter": { "groups": { "ungrouped": true } } });
    let ungrouped = keep(&client, json!({ "name": "In no group", "search": ungrouped })).await;

    let found = by_view(&client, &smiths).await;
    assert_eq!(names(&found), ["Berta Smith", "Anna Smith"]);
    assert_eq!(found.body["rows"][0]["contact"]["phone"], Value::Null, "only what is wanted");
    let other = json!({ "view": smiths, "fields": ["phone"], "limit": 1, "offset": 1 });
    let other = client.admin("POST /v1/contacts/search", other).await;
    assert_eq!(other.body["total"], 2);
    assert_eq!(
        other.body["rows"][0]["contact"]["phone"], "+447700900201",
        "unless others are given"
    );
    assert_eq!(names(&by_view(&client, &ungrouped).await).len(), 3);
    let range = client.admin("POST /v1/contacts/search/ids", json!({ "view": smiths })).await;
    assert_eq!(range.body["total"], 2, "what a bulk act is given");
    client
        .admin("POST /v1/contacts", json!({ "name": "Dora Smith", "phone": "07700 900204" }))
        .await;
    assert_eq!(by_view(&client, &smiths).await.body["total"], 3, "it is searched anew");

    let listed = client.admin("GET /v1/contact-views", Value::Null).await;
    assert_eq!(ids(&listed), [smiths.as_str(), &ungrouped], "what is used most comes first");
    let used: Vec<_> =
        listed.body["items"].as_array().unwrap().iter().map(|it| &it["used"]).collect();
    assert_eq!(used, [4, 1]);
    assert_eq!(listed.body["items"][0]["search"]["query"], "smith");
    let kept = json!({ "filter": { "groups": { "ungrouped": true }, "archived": "no" } });
    assert_eq!(listed.body["items"][1]["search"], kept, "as it was given");
}

#[tokio::test]
async fn what_is_kept_lies_sealed() {
    let client = Client::new().await;
    let view = json!({ "name": "Mrs Quillfeather", "search": { "query": "quillfeather" } });
    keep(&client, view).await;
    for table in
        ["contact_views", "events", "audit_entries", "pending_accesses", "idempotency_keys"]
    {
        let rows = format!(
            "select coalesce(string_agg(encode(convert_to(t::text, 'UTF8'), 'escape'), ' '), '') from {table} t"
        );
        let text = client.world.texts(Box::leak(rows.into_boxed_str())).await.remove(0);
        let hex = hex::encode("uillfeather");
        assert!(!text.to_lowercase().contains("uillfeather") && !text.contains(&hex), "{table}");
    }
}

#[tokio::test]
async fn one_s_own_is_seen_by_nobody_else_and_what_is_shared_by_everybody() {
    let client = Client::new().await;
    let own = keep(&client, json!({ "name": "Mine", "search": {} })).await;
    let shared = json!({ "name": "Ours", "shared": true, "search": { "query": "ada" } });
    let shared = keep(&client, shared).await;
    let theirs =
        client.user("POST /v1/contact-views", json!({ "name": "Theirs", "search": {} })).await;
    assert_eq!(theirs.status, StatusCode::CREATED, "who only reads keeps searches too");
    let theirs = theirs.id();

    let seen = ids(&client.user("GET /v1/contact-views", Value::Null).await);
    assert_eq!(seen, [theirs.as_str(), &shared]);
    for (what, body) in [
        (format!("GET /v1/contact-views/{own}"), Value::Null),
        (format!("PATCH /v1/contact-views/{own}"), json!({ "name": "X" })),
        (format!("DELETE /v1/contact-views/{own}"), Value::Null),
    ] {
        let answer = client.ask(&client.clinic.user, &what, &[("if-match", "*")], &body).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{what}");
    }
    let searched = client.user("POST /v1/contacts/search", json!({ "view": own })).await;
    assert_eq!(searched.faults(), ["/view unknown"]);
    assert_eq!(
        client.user("POST /v1/contacts/search", json!({ "view": shared })).await.status,
        StatusCode::OK
    );

    let wish = json!({ "name": "For all", "shared": true, "search": {} });
    let refused = client.user("POST /v1/contact-views", wish).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "sharing is for who edits contacts");
    for (what, body) in [
        (format!("PATCH /v1/contact-views/{shared}"), json!({ "name": "X" })),
        (format!("DELETE /v1/contact-views/{shared}"), Value::Null),
    ] {
        let answer = client.ask(&client.clinic.user, &what, &[("if-match", "*")], &body).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{what}");
    }
    let stranger = client.of_another_tenant().await;
    assert!(ids(&stranger.admin("GET /v1/contact-views", Value::Null).await).is_empty());
    let searched = stranger.admin("POST /v1/contacts/search", json!({ "view": shared })).await;
    assert_eq!(searched.faults(), ["/view unknown"]);
}

#[tokio::test]
async fn who_may_not_see_notes_or_types_is_not_shown_what_others_look_for_in_them() {
    let client = Client::new().await;
    let sensitive = json!({ "name": "Fertility", "sensitive": true });
    let made = client.admin("POST /v1/appointment-types", sensitive).await;
    assert_eq!(made.status, StatusCode::CREATED, "{:?}", made.body);
    let mut views = Vec::new();
    for search in [
        json!({ "query": "notes:gate" }),
        json!({ "query": "type:fertility" }),
        json!({ "filter": { "type": ["Fertility"] } }),
    ] {
        views
            .push(keep(&client, json!({ "name": "Ours", "shared": true, "search": search })).await);
        let own = json!({ "name": "Mine", "search": search });
        let refused = client.user("POST /v1/contact-views", own).await;
        let faults = refused.faults();
        let place =
            if search["query"].is_string() { "/search/query" } else { "/search/filter/type" };
        assert_eq!(faults, [format!("{place} not_seen")]);
    }
    assert!(ids(&client.user("GET /v1/contact-views", Value::Null).await).is_empty());
    for view in &views {
        let read = client.user(&format!("GET /v1/contact-views/{view}"), Value::Null).await;
        assert_eq!(read.status, StatusCode::NOT_FOUND);
        let searched = client.user("POST /v1/contacts/search", json!({ "view": view })).await;
        assert_eq!(searched.faults(), ["/view unknown"], "as one that isn't there");
    }
    assert_eq!(ids(&client.admin("GET /v1/contact-views", Value::Null).await).len(), 3);
}

#[tokio::test]
async fn what_can_not_be_searched_for_is_not_kept_and_says_where() {
    let client = Client::new().await;
    for (view, faults) in [
        (json!({ "name": " ", "search": {} }), vec!["/name empty"]),
        (
            json!({ "name": "A", "search": { "query": "\"smith" } }),
            vec!["/search/query unclosed_quote"],
        ),
        (
            json!({ "name": "x".repeat(61), "search": { "filter": { "last_contact_within_days": 0 } } }),
            vec!["/name too_long", "/search/filter/last_contact_within_days out_of_range"],
        ),
        (json!({ "name": "A", "search": { "offset": 3 } }), vec!["/search/offset unknown_field"]),
    ] {
        let refused = client.admin("POST /v1/contact-views", view.clone()).await;
        let mut found = refused.faults();
        found.sort();
        assert_eq!(found, faults, "{view}");
    }
    assert_eq!(client.world.number("select count(*) from contact_views").await, 0);
    let view = keep(&client, json!({ "name": "A", "search": {} })).await;
    let both = json!({ "view": view, "query": "x y", "filter": {}, "sort": [] });
    let refused = client.admin("POST /v1/contacts/search", both).await;
    assert_eq!(refused.faults(), ["/query view_given", "/filter view_given", "/sort view_given"]);
}

#[tokio::test]
async fn a_view_is_changed_in_the_version_that_was_read_and_forgotten() {
    let client = Client::new().await;
    client.admin("POST /v1/contacts", ada()).await;
    let view = keep(&client, json!({ "name": "A", "search": { "query": "nobody" } })).await;
    let path = format!("/v1/contact-views/{view}");
    by_view(&client, &view).await;
    let patch = format!("PATCH {path}");
    let changed = client.change(&patch, "\"1\"", json!({ "search": { "query": "ada" } })).await;
    assert_eq!((changed.status, changed.header("etag")), (StatusCode::OK, "\"2\""));
    assert_eq!((&changed.body["name"], &changed.body["used"]), (&json!("A"), &json!(1)));
    let stale = client.change(&patch, "\"1\"", json!({ "name": "B" })).await;
    assert_eq!(stale.status, StatusCode::PRECONDITION_FAILED);
    assert_eq!(by_view(&client, &view).await.body["total"], 1);
    let gone = client.change(&format!("DELETE {path}"), "\"2\"", Value::Null).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    assert_eq!(by_view(&client, &view).await.faults(), ["/view unknown"]);
    let acts = "select string_agg(action, ' ' order by n) from audit_entries \
                where chain = 'changes' and action like 'view.%'";
    let acts = client.world.texts(acts).await.remove(0);
    assert_eq!(acts, "view.create view.change view.delete");
}

#[tokio::test]
async fn nobody_keeps_more_than_they_may() {
    let client = Client::new().await;
    keep(&client, json!({ "name": "A", "search": {} })).await;
    client
        .world
        .run(
            "insert into contact_views select tenant_id, gen_random_uuid(), owner, sealed, version, used, used_at, \
                 created_by, created_at, updated_at from contact_views, generate_series(1, 98)",
        )
        .await;
    // The last place is for one of many who want it at once.
    let wish = || client.admin("POST /v1/contact-views", json!({ "name": "B", "search": {} }));
    let answers = futures::future::join_all((0..5).map(|_| wish())).await;
    let kept = answers.iter().filter(|answer| answer.status == StatusCode::CREATED).count();
    assert_eq!(kept, 1);
    let refused = answers.iter().find(|answer| answer.status != StatusCode::CREATED).unwrap();
    assert_eq!((refused.status, refused.problem()), (StatusCode::CONFLICT, "list-full"));
    let shared = json!({ "name": "C", "shared": true, "search": {} });
    assert_eq!(client.admin("POST /v1/contact-views", shared).await.status, StatusCode::CREATED);
}
