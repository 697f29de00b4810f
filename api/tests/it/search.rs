//! Searching contacts over HTTP: who is found, what is shown of them, and what nobody learns.

use axum::http::StatusCode;
use chrono::Duration;
use serde_json::{Value, json};

use crate::client::{Client, app};

/// Three people, of whom each has something that the others haven't.
async fn people(client: &Client) -> [String; 3] {
    let at = client.ahead(Duration::days(3)).await;
    let later = client.ahead(Duration::days(30)).await;
    let mut ids = Vec::new();
    for new in [
        json!({ "name": "José Núñez", "phone": "07700 900111", "email": "jose@example.com", "notes": "side door",
                "appointment": { "at": at, "type": "Check-up", "owner_name": "Dr Ann", "priority": "high",
                                 "voice_text": "Bring the blue form." } }),
        json!({ "name": "Anna Strauß", "phone": "07700 900222", "notes": "ask for José",
                "appointment": { "at": later, "owner_name": "Dr Bob" } }),
        json!({ "name": "Łukasz O'Brien", "phone": "07700 900333" }),
    ] {
        let made = client.admin("POST /v1/contacts", new).await;
        assert_eq!(made.status, StatusCode::CREATED, "{:?}", made.body);
        ids.push(made.id());
    }
    ids.try_into().unwrap()
}

async fn search(client: &Client, ask: Value) -> Value {
    let found = client.admin("POST /v1/contacts/search", ask).await;
    assert_eq!(found.status, StatusCode::OK, "{:?}", found.body);
    found.body
}

fn ids(found: &Value) -> Vec<String> {
    let rows = found["rows"].as_array().unwrap();
    rows.iter().map(|row| row["contact_id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn contacts_are_found_by_what_is_typed_and_by_filters() {
    let client = Client::new().await;
    let [jose, anna, lukasz] = people(&client).await;
    for (ask, wanted, why) in [
        (json!({}), vec![&anna, &jose, &lukasz], "everybody, by name"),
        (json!({ "query": "jose" }), vec![&jose, &anna], "a name weighs more than a note"),
        (json!({ "query": "07700 9003" }), vec![&lukasz], "a number as people write it"),
        (json!({ "query": "owner:bob" }), vec![&anna], "a field"),
        (json!({ "query": "blue -anna" }), vec![&jose], "what the voice says"),
        (json!({ "filter": { "priority": ["high"] } }), vec![&jose], "a filter"),
        (json!({ "filter": { "calling": ["scheduled"] } }), vec![&anna, &jose], "planned calls"),
        (
            json!({ "filter": { "groups": { "ungrouped": true }, "last_contact": "never" } }),
            vec![&anna, &jose, &lukasz],
            "two parts",
        ),
        (json!({ "query": "jose", "filter": { "owner": ["Dr Bob"] } }), vec![&anna], "both"),
        (json!({ "filter": { "archived": "only" } }), vec![], "nobody is archived"),
        (
            json!({ "sort": [{ "key": "appointment", "descending": true }] }),
            vec![&anna, &jose, &lukasz],
            "who has no appointment comes last",
        ),
        (
            json!({ "sort": [{ "key": "priority", "descending": true }, { "key": "name", "descending": true }] }),
            vec![&jose, &anna, &lukasz],
            "two keys",
        ),
        (json!({ "offset": 1, "limit": 1 }), vec![&jose], "a window"),
        (json!({ "query": "nobody" }), vec![], "nobody"),
    ] {
        let found = search(&client, ask).await;
        assert_eq!(ids(&found), wanted.into_iter().cloned().collect::<Vec<_>>(), "{why}");
    }
    let found = search(&client, json!({ "offset": 1, "limit": 1, "query": "07700" })).await;
    assert_eq!(found["total"], 3, "the total is of all, not of the window");
}

#[tokio::test]
async fn a_row_shows_where_it_was_found_and_only_what_was_asked_for() {
    let client = Client::new().await;
    let [jose, ..] = people(&client).await;
    let found = search(&client, json!({ "query": "núñez dr 900111 check" })).await;
    let row = &found["rows"][0];
    assert_eq!(row["contact"]["name"], "José Núñez");
    assert_eq!(row["appointment"]["owner_name"], "Dr Ann");
    assert_eq!(
        row["highlights"],
        json!({
            "name": [{ "offset": 5, "length": 5 }],
            "phone": [{ "offset": 7, "length": 6 }],
            "type": [{ "offset": 0, "length": 5 }],
            "owner": [{ "offset": 0, "length": 2 }],
        })
    );
    assert!(row["score"].as_u64().unwrap() > 0);
    let found = search(&client, json!({ "query": "jose", "fields": ["phone"], "limit": 1 })).await;
    assert_eq!(
        found["rows"],
        json!([{ "contact_id": jose, "contact": { "id": jose, "phone": "+447700900111" }, "score": 8 }])
    );
}

#[tokio::test]
async fn every_choice_of_the_filter_is_counted() {
    let client = Client::new().await;
    people(&client).await;
    let ask = json!({ "facets": true, "filter": { "owner": ["Dr Ann"] }, "limit": 0 });
    let found = search(&client, ask).await;
    let facets = &found["facets"];
    assert_eq!((&found["total"], &found["rows"]), (&json!(1), &json!([])));
    assert_eq!(facets["owner"], json!({ "Dr Ann": 1, "Dr Bob": 1 }), "its own part doesn't narrow");
    assert_eq!(facets["priority"], json!({ "normal": 0, "high": 1, "urgent": 0 }), "others do");
    assert_eq!(facets["status"]["pending"], 1);
    assert_eq!(facets["ungrouped"], 1);
    assert_eq!(facets["archived"], json!({ "no": 1, "only": 0 }));
    assert_eq!(facets["last_contact"], json!({ "never": 1, "today": 0, "week": 0, "month": 0 }));
    let plain = search(&client, json!({})).await;
    assert_eq!(plain["facets"], Value::Null, "nobody asked");
}

#[tokio::test]
async fn pages_go_on_where_the_last_one_ended() {
    let client = Client::new().await;
    people(&client).await;
    let all = ids(&search(&client, json!({ "sort": [{ "key": "created" }] })).await);
    let ask = |after: Value| json!({ "sort": [{ "key": "created" }], "limit": 1, "after": after });
    let (mut seen, mut after) = (Vec::new(), Value::Null);
    loop {
        let page = search(&client, ask(after)).await;
        seen.extend(ids(&page));
        after = page["next"].clone();
        if after.is_null() {
            break;
        }
        assert!(!after.as_str().unwrap().contains("Anna"), "sealed");
    }
    assert_eq!(seen, all);
    let range =
        client.admin("POST /v1/contacts/search/ids", json!({ "offset": 1, "limit": 10_000 })).await;
    let listed = range.body["ids"].as_array().unwrap();
    assert_eq!((listed.len(), &range.body["total"]), (2, &json!(3)));
    assert!(listed.iter().all(|one| all.contains(&one["contact_id"].as_str().unwrap().to_owned())));
}

#[tokio::test]
async fn what_can_not_be_asked_is_refused_and_says_where() {
    let client = Client::new().await;
    people(&client).await;
    let page = search(&client, json!({ "limit": 1 })).await;
    let other = client.world.tenant().await;
    let theirs = json!({ "after": page["next"] });
    let refused = client.ask(&other.admin, "POST /v1/contacts/search", &[], &theirs).await;
    assert_eq!(refused.body["errors"][0]["code"], "bad_cursor", "another tenant's");
    for (ask, field, code, place) in [
        (
            json!({ "query": "anna \"open" }),
            "/query",
            "unclosed_quote",
            json!({ "offset": 5, "length": 5 }),
        ),
        (
            json!({ "query": "foo:bar" }),
            "/query",
            "unknown_field",
            json!({ "offset": 0, "length": 3 }),
        ),
        (json!({ "query": "a" }), "/query", "too_short", json!({ "offset": 0, "length": 1 })),
        (json!({ "limit": 1001 }), "/limit", "out_of_range", Value::Null),
        (json!({ "offset": -1 }), "/offset", "out_of_range", Value::Null),
        (json!({ "offset": 0, "after": "00" }), "/after", "offset_given", Value::Null),
        (json!({ "after": "00" }), "/after", "bad_cursor", Value::Null),
        (
            json!({ "after": page["next"], "sort": [{ "key": "created" }] }),
            "/after",
            "bad_cursor",
            Value::Null,
        ),
        (
            json!({ "filter": { "date": "today", "date_to": "2027-01-01" } }),
            "/filter/date",
            "range_given",
            Value::Null,
        ),
        (
            json!({ "filter": { "date_from": "2027-01-02", "date_to": "2027-01-01" } }),
            "/filter/date_to",
            "before_from",
            Value::Null,
        ),
        (
            json!({ "filter": { "date_from": "-200000-01-01" } }),
            "/filter/date_from",
            "out_of_range",
            Value::Null,
        ),
        (json!({ "filter": { "colour": "red" } }), "/filter/colour", "unknown_field", Value::Null),
        (json!({ "sort": [{ "key": "notes" }] }), "/sort/0/key", "wrong_type", Value::Null),
        (json!({ "fields": ["password"] }), "/fields/0", "wrong_type", Value::Null),
    ] {
        let refused = client.admin("POST /v1/contacts/search", ask.clone()).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{ask}");
        let error = &refused.body["errors"][0];
        assert_eq!(
            (&error["field"], &error["code"], &error["place"]),
            (&json!(field), &json!(code), &place),
            "{ask}"
        );
    }
}

#[tokio::test]
async fn who_may_not_see_notes_learns_nothing_of_them_by_searching() {
    let client = Client::new().await;
    people(&client).await;
    for (query, wanted) in [("door", 0), ("blue", 0), ("jose", 1), ("-door", 3)] {
        let found = client.user("POST /v1/contacts/search", json!({ "query": query })).await;
        assert_eq!(found.body["total"], wanted, "{query}");
        assert!(!found.body.to_string().contains("door"));
    }
    for query in ["notes:door", "-notes:door", "instructions:blue"] {
        let refused = client.user("POST /v1/contacts/search", json!({ "query": query })).await;
        assert_eq!(refused.body["errors"][0]["code"], "not_seen", "{query}");
    }
    let read = client.admin("GET /v1/tenant/policy", Value::Null).await;
    let etag = read.header("etag").to_owned();
    let seen = json!({ "users_see_notes": true });
    let set = client.change("PATCH /v1/tenant/policy", &etag, seen).await;
    assert_eq!(set.status, StatusCode::OK, "{:?}", set.body);
    let found = client.user("POST /v1/contacts/search", json!({ "query": "notes:door" })).await;
    assert_eq!(found.body["total"], 1);
}

#[tokio::test]
async fn a_change_is_found_at_once_in_every_process() {
    let client = Client::new().await;
    let [jose, ..] = people(&client).await;
    let beside = client.beside(app(&client.world));
    assert_eq!(search(&beside, json!({ "query": "zoe" })).await["total"], 0);
    for n in 0..12 {
        let name = json!({ "name": format!("Zoe {}", "a".repeat(n + 1)) });
        let read = client.admin(&format!("GET /v1/contacts/{jose}"), Value::Null).await;
        let etag = read.header("etag").to_owned();
        let changed = client.change(&format!("PATCH /v1/contacts/{jose}"), &etag, name).await;
        assert_eq!(changed.status, StatusCode::OK);
        for process in [&client, &beside] {
            let ask = json!({ "query": format!("\"zoe {}\"", "a".repeat(n + 1)) });
            assert_eq!(ids(&search(process, ask).await), [jose.as_str()]);
        }
    }
    let read = client.admin(&format!("GET /v1/contacts/{jose}"), Value::Null).await;
    let etag = read.header("etag").to_owned();
    client.change(&format!("DELETE /v1/contacts/{jose}"), &etag, Value::Null).await;
    for process in [&client, &beside] {
        assert_eq!(search(process, json!({ "query": "zoe" })).await["total"], 0, "deleted");
    }
}

#[tokio::test]
async fn nobody_finds_what_is_another_tenants() {
    let client = Client::new().await;
    people(&client).await;
    let other = client.world.tenant().await;
    let nobody = client.ask(&other.admin, "POST /v1/contacts/search", &[], &json!({})).await;
    assert_eq!((&nobody.body["total"], &nobody.body["rows"]), (&json!(0), &json!([])));
    let facets = json!({ "facets": true, "filter": { "owner": ["Dr Ann"] } });
    let counted = client.ask(&other.admin, "POST /v1/contacts/search", &[], &facets).await;
    assert_eq!(counted.body["facets"]["owner"], json!({}));
}

#[tokio::test]
async fn who_was_shown_is_on_record_and_what_was_searched_for_is_not() {
    let client = Client::new().await;
    people(&client).await;
    search(&client, json!({ "query": "strauss" })).await;
    let noted = client
        .world
        .texts(
            "select action || ' ' || length(shown) / 16 from pending_accesses where action like '%search%'
             union all
             select action || ' ' || length(detail) / 16 from audit_entries where action like '%search%'",
        )
        .await;
    assert_eq!(noted, ["POST /v1/contacts/search 200 1"]);
}
