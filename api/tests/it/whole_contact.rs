//! Types and locations, attendance, acknowledgements, archived contacts, and what a card says.

use axum::http::StatusCode;
use chrono::Duration;
use serde_json::{Value, json};

use crate::client::{Client, ada};

/// A contact with an appointment of a sensitive type; and the path of the appointment.
async fn treated(client: &Client) -> (String, String) {
    let kind = json!({ "name": "Oncology", "sensitive": true, "duration_minutes": 45 });
    let made = client.admin("POST /v1/appointment-types", kind).await;
    assert_eq!(made.status, StatusCode::CREATED, "{:?}", made.body);
    let mut new = ada();
    let at = client.ahead(Duration::days(3)).await;
    new["appointment"] = json!({ "at": at, "type": "ONCOLOGY" });
    let made = client.admin("POST /v1/contacts", new).await;
    assert_eq!(made.status, StatusCode::CREATED, "{:?}", made.body);
    assert_eq!(made.body["warnings"], json!([]));
    let appointment = made.body["appointment"]["id"].as_str().unwrap().to_owned();
    (made.id(), format!("/v1/contacts/{}/appointments/{appointment}", made.id()))
}

/// An appointment that began an hour ago.
async fn begun(client: &Client, path: &str) {
    let id = path.rsplit('/').next().unwrap();
    let moved =
        format!("update appointments set at = app_clock() - interval '1 hour' where id = '{id}'");
    client.world.run(Box::leak(moved.into_boxed_str())).await;
}

#[tokio::test]
async fn a_sensitive_type_is_shown_by_role_wherever_it_is_shown() {
    let client = Client::new().await;
    let (contact, appointment) = treated(&client).await;
    let seen = client.admin(&format!("GET {appointment}"), Value::Null).await;
    assert_eq!((&seen.body["type"], &seen.body["sensitive"]), (&json!("ONCOLOGY"), &json!(true)));
    assert_eq!(seen.body["duration_minutes"], 45, "as is usual for the type");

    let ways = [
        (format!("GET {appointment}"), Value::Null, ""),
        (format!("GET /v1/contacts/{contact}/appointments"), Value::Null, "/items/0"),
        (format!("GET /v1/contacts/{contact}"), Value::Null, "/appointment"),
        (format!("GET /v1/contacts/{contact}"), Value::Null, "/next_appointment"),
        ("GET /v1/contacts".to_owned(), Value::Null, "/items/0/appointment"),
        ("POST /v1/contacts/search".to_owned(), json!({}), "/rows/0/appointment"),
        ("POST /v1/contacts/search".to_owned(), json!({}), "/rows/0/contact/next_appointment"),
    ];
    for (way, body, place) in &ways {
        let seen = client.user(way, body.clone()).await;
        assert_eq!(seen.status, StatusCode::OK, "{way}");
        let shown = seen.body.pointer(place).unwrap_or_else(|| panic!("{way}: {:?}", seen.body));
        assert_eq!(
            (&shown["type"], &shown["type_id"], &shown["sensitive"]),
            (&Value::Null, &Value::Null, &json!(true)),
            "{way}"
        );
        assert!(!seen.body.to_string().to_lowercase().contains("oncology"), "{way}");
    }
    let policy = json!({ "users_see_sensitive_types": true });
    let changed = client.change("PATCH /v1/tenant/policy", "*", policy).await;
    assert_eq!(changed.body["policy"]["users_see_sensitive_types"], true, "{:?}", changed.body);
    for (way, body, place) in &ways {
        let seen = client.user(way, body.clone()).await;
        assert_eq!(seen.body.pointer(place).unwrap()["type"], "ONCOLOGY", "{way}");
    }
}

#[tokio::test]
async fn who_may_not_see_a_type_learns_nothing_by_searching_for_it() {
    let client = Client::new().await;
    treated(&client).await;
    let found = async |body: Value| client.user("POST /v1/contacts/search", body).await;
    let by_text = json!({ "query": "oncology" });
    assert_eq!(found(by_text.clone()).await.body["total"], 0);
    let seen = client.admin("POST /v1/contacts/search", by_text).await;
    assert_eq!(seen.body["total"], 1, "{:?}", seen.body);
    let named = found(json!({ "query": "type:oncology" })).await;
    assert_eq!(named.faults(), ["/query not_seen"]);
    let filtered = found(json!({ "filter": { "type": ["Oncology"] } })).await;
    assert_eq!(filtered.faults(), ["/filter/type not_seen"]);
    let counted = found(json!({ "facets": true })).await;
    assert_eq!(counted.body["facets"]["type"], json!({}), "{:?}", counted.body);
}

#[tokio::test]
async fn a_type_keeps_the_names_it_had_and_a_sensitive_one_is_not_spoken() {
    let client = Client::new().await;
    let (_, appointment) = treated(&client).await;
    let types = client.admin("GET /v1/appointment-types", Value::Null).await;
    let id = types.body["items"][0]["id"].as_str().unwrap().to_owned();
    let path = format!("PATCH /v1/appointment-types/{id}");
    let renamed = client.change(&path, "\"1\"", json!({ "name": "Clinic C" })).await;
    assert_eq!((renamed.status, renamed.header("etag")), (StatusCode::OK, "\"2\""));
    let seen = client.user(&format!("GET {appointment}"), Value::Null).await;
    assert_eq!((&seen.body["type"], &seen.body["sensitive"]), (&Value::Null, &json!(true)));

    for (body, expected, why) in [
        (json!({ "name": "oncology" }), "name-taken", "it was called so"),
        (json!({ "name": "CLINIC  c" }), "name-taken", "it is called so"),
        (json!({ "name": "\u{200b}" }), "invalid", "nothing is left of it"),
        (json!({ "name": "X", "duration_minutes": 4 }), "invalid", "too short"),
        (json!({ "name": "X", "sensitive": true, "spoken_name": "x" }), "invalid", "never spoken"),
        (json!({ "name": "X", "version": 7 }), "invalid", "not for clients to set"),
        (json!({ "name": "X", "tenant_id": id }), "invalid", "nor this"),
    ] {
        let refused = client.admin("POST /v1/appointment-types", body).await;
        assert_eq!(refused.problem(), expected, "{why}: {:?}", refused.body);
    }
    let stale = client.change(&path, "\"1\"", json!({ "active": false })).await;
    assert_eq!(stale.status, StatusCode::PRECONDITION_FAILED);
}

#[tokio::test]
async fn what_the_lists_say_of_a_booking_is_a_warning_unless_the_policy_wants_listed_types() {
    let client = Client::new().await;
    treated(&client).await;
    let closed = json!({ "monday": null, "tuesday": null, "wednesday": null, "thursday": null,
                         "friday": null, "saturday": null, "sunday": null });
    let place = json!({ "name": "Main Office", "address": "1 Elm Street", "hours": closed });
    let made = client.admin("POST /v1/locations", place).await;
    assert_eq!((made.status, &made.body["zone"]), (StatusCode::CREATED, &json!("Europe/London")));
    let path = format!("POST /v1/contacts/{}/appointments", client.contact().await);
    let at = client.ahead(Duration::days(4)).await;
    let booking = json!({ "at": at, "type": "Chat", "location": "main office" });
    let booked = client.admin(&path, booking.clone()).await;
    assert_eq!(booked.status, StatusCode::CREATED, "{:?}", booked.body);
    let codes = |answer: &Value| -> Vec<String> {
        let warnings = answer["warnings"].as_array().unwrap();
        warnings.iter().map(|warning| warning["code"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(codes(&booked.body), ["unlisted_type", "outside_opening_hours"]);
    assert_eq!(booked.body["location_id"], made.body["id"]);

    client.change("PATCH /v1/tenant/policy", "*", json!({ "listed_types_only": true })).await;
    let before = client.everything().await;
    let refused = client.admin(&path, booking.clone()).await;
    assert_eq!(refused.faults(), ["/type not_listed"]);
    let mut new = ada();
    new["appointment"] = booking;
    let refused = client.admin("POST /v1/contacts", new).await;
    assert_eq!(refused.faults(), ["/appointment/type not_listed"]);
    assert_eq!(client.everything().await, before);
    let kept = booked.header("location").to_owned();
    let moved =
        client.change(&format!("PATCH {kept}"), "\"1\"", json!({ "owner_name": "Dr Grey" })).await;
    assert_eq!(moved.status, StatusCode::OK, "what was taken before stays: {:?}", moved.body);
}

#[tokio::test]
async fn a_day_that_closes_before_it_opens_is_named() {
    let client = Client::new().await;
    let hours = json!({ "monday": { "opens": "17:00", "closes": "09:00" } });
    let refused = client.admin("POST /v1/locations", json!({ "name": "A", "hours": hours })).await;
    assert_eq!(refused.faults(), ["/hours/monday/closes too_short"]);
    let zone = json!({ "name": "A", "zone": "Mars/Olympus" });
    assert_eq!(client.admin("POST /v1/locations", zone).await.faults(), ["/zone unknown_zone"]);
}

#[tokio::test]
async fn attendance_is_said_once_an_appointment_has_begun() {
    let client = Client::new().await;
    let (_, path) = treated(&client).await;
    let say = async |version: &str, body: Value| {
        client.change(&format!("PUT {path}/attendance"), version, body).await
    };
    let early = say("\"1\"", json!({ "attendance": "attended" })).await;
    assert_eq!((early.status, early.problem()), (StatusCode::CONFLICT, "no-attendance"));
    assert_eq!(early.body["reason"], "not_begun");
    assert_eq!(say("\"1\"", json!({})).await.faults(), ["/attendance missing"]);
    assert_eq!(
        say("\"1\"", json!({ "attendance": "late" })).await.faults(),
        ["/attendance wrong_type"]
    );

    begun(&client, &path).await;
    let said = say("\"1\"", json!({ "attendance": "no_show" })).await;
    assert_eq!((said.status, said.header("etag")), (StatusCode::OK, "\"2\""));
    assert_eq!(said.body["attendance"], "no_show");
    assert!(said.body["attendance_by"].as_str().unwrap().starts_with("key:"));
    let same = say("\"2\"", json!({ "attendance": "no_show" })).await;
    assert_eq!(same.header("etag"), "\"2\"", "nothing changed");
    let unsaid = say("\"2\"", json!({ "attendance": null })).await;
    assert_eq!(
        (&unsaid.body["attendance"], &unsaid.body["attendance_at"]),
        (&Value::Null, &Value::Null)
    );
    let audit = "select action from audit_entries where chain = 'changes' order by n desc limit 2";
    assert_eq!(client.world.texts(audit).await, ["appointment.attendance"; 2]);

    let cancelled = client.change(&format!("POST {path}/cancel"), "\"3\"", json!({})).await;
    assert_eq!(cancelled.status, StatusCode::OK, "{:?}", cancelled.body);
    let gone = say("*", json!({ "attendance": "attended" })).await;
    assert_eq!(gone.body["reason"], "cancelled");
}

#[tokio::test]
async fn what_was_acknowledged_and_each_consent_stay_on_record() {
    let client = Client::new().await;
    let contact = client.contact().await;
    let path = format!("/v1/contacts/{contact}");
    let about = format!("{path}/acknowledgements");
    let read = json!({ "kind": "hipaa_requirements", "text_version": "2026-01" });
    let made = client.admin(&format!("POST {about}"), read).await;
    assert_eq!(made.status, StatusCode::CREATED, "{:?}", made.body);
    let given = json!({ "consent": true, "consent_how": "verbal", "consent_text_version": "v2" });
    client.change(&format!("PATCH {path}"), "\"1\"", given).await;
    let again = client.change(&format!("PATCH {path}"), "\"2\"", json!({ "consent": true })).await;
    assert_eq!(again.header("etag"), "\"2\"", "said twice, recorded once");
    client.change(&format!("PATCH {path}"), "\"2\"", json!({ "consent": false })).await;

    let listed = client.user(&format!("GET {about}?limit=2"), Value::Null).await;
    let next = listed.body["next"].as_str().unwrap();
    let rest = client.user(&format!("GET {about}?limit=2&cursor={next}"), Value::Null).await;
    let entries = |page: &Value| page["items"].as_array().unwrap().clone();
    let all: Vec<Value> = entries(&listed.body).into_iter().chain(entries(&rest.body)).collect();
    let said: Vec<_> = all.iter().map(|e| (&e["kind"], &e["how"], &e["text_version"])).collect();
    assert_eq!(
        said,
        [
            (&json!("consent_withdrawn"), &Value::Null, &Value::Null),
            (&json!("consent_recorded"), &json!("verbal"), &json!("v2")),
            (&json!("hipaa_requirements"), &Value::Null, &json!("2026-01")),
        ]
    );
    assert!(all.iter().all(|entry| entry["by"].as_str().unwrap().starts_with("key:")));
    for (body, fault) in [
        (json!({ "kind": "hipaa", "text_version": "1" }), "/kind wrong_type"),
        (json!({ "kind": "consent_recorded", "text_version": "1" }), "/kind wrong_type"),
        (json!({ "kind": "staff_trained" }), "/text_version missing"),
        (
            json!({ "kind": "staff_trained", "text_version": "a note" }),
            "/text_version bad_character",
        ),
        (json!({ "kind": "staff_trained", "text_version": "1", "by": "x" }), "/by unknown_field"),
    ] {
        assert_eq!(client.admin(&format!("POST {about}"), body).await.faults(), [fault]);
    }
    let how = json!({ "consent_how": "verbal" });
    let lost = client.change(&format!("PATCH {path}"), "*", how).await;
    assert_eq!(lost.faults(), ["/consent_how not_wanted"]);
}

#[tokio::test]
async fn an_archived_contact_is_out_of_the_way_until_it_is_brought_back() {
    let client = Client::new().await;
    let (contact, appointment) = treated(&client).await;
    let path = format!("/v1/contacts/{contact}");
    let planned = "select count(*) from calls where state = 'planned'";
    assert_eq!(client.world.number(planned).await, 1);
    let archived = client.change(&format!("POST {path}/archive"), "\"1\"", Value::Null).await;
    assert_eq!((archived.status, archived.header("etag")), (StatusCode::OK, "\"2\""));
    assert!(archived.body["archived_at"].is_string());
    assert_eq!(archived.body["calling_state"], "none");
    assert_eq!(client.world.number(planned).await, 0, "what is planned is withdrawn");
    let same = client.change(&format!("POST {path}/archive"), "\"2\"", Value::Null).await;
    assert_eq!(same.header("etag"), "\"2\"", "archived already");

    let listed = client.admin("GET /v1/contacts", Value::Null).await;
    assert_eq!(listed.body["items"], json!([]));
    let listed = client.admin("GET /v1/contacts?archived=true", Value::Null).await;
    assert_eq!(listed.body["items"][0]["id"], json!(contact));
    let pressed = client.admin(&format!("POST {path}/calls"), json!({})).await;
    assert_eq!(pressed.status, StatusCode::CONFLICT, "{:?}", pressed.body);
    let lead = json!({ "call_before_hours": 48 });
    client.change(&format!("PATCH {appointment}"), "*", lead).await;
    assert_eq!(client.world.number(planned).await, 0, "no change of an appointment plans a call");

    let back = client.change(&format!("POST {path}/unarchive"), "\"2\"", Value::Null).await;
    assert_eq!((back.status, &back.body["archived_at"]), (StatusCode::OK, &Value::Null));
    assert_eq!(client.world.number(planned).await, 1, "planned anew");
    client.change(&format!("POST {path}/archive"), "*", Value::Null).await;
    let at = client.ahead(Duration::days(9)).await;
    client.admin(&format!("POST {path}/appointments"), json!({ "at": at })).await;
    let shown = client.admin(&format!("GET {path}"), Value::Null).await;
    assert_eq!(shown.body["archived_at"], Value::Null, "a booking brings it back");
    let told = "select kind from events where kind like 'contact.%archived' order by n";
    let kinds =
        ["contact.archived", "contact.unarchived", "contact.archived", "contact.unarchived"];
    assert_eq!(client.world.texts(told).await, kinds);
}

#[tokio::test]
async fn a_card_says_what_may_be_done_and_shows_the_latest_appointment_if_none_is_ahead() {
    let client = Client::new().await;
    let (contact, appointment) = treated(&client).await;
    let refused = |card: &Value| -> Vec<String> {
        let actions = card["allowed_actions"].as_array().unwrap();
        let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let refused = actions.iter().filter(|action| action["allowed"] == false);
        refused.map(|a| format!("{} {}", word(&a["action"]), word(&a["reason"]))).collect()
    };
    let path = format!("GET /v1/contacts/{contact}");
    let card = client.admin(&path, Value::Null).await;
    assert_eq!(refused(&card.body), ["mark_attended not_begun", "unarchive not_archived"]);
    assert!(card.body["next_call_at"].is_string());
    assert_eq!(card.body["attempts"], 0);
    let card = client.user(&path, Value::Null).await;
    assert_eq!(refused(&card.body).len(), 13, "who may only read: {:?}", refused(&card.body));

    begun(&client, &appointment).await;
    client
        .world
        .run("update appointments set last_contact_at = app_clock() - interval '2 hours'")
        .await;
    client
        .world
        .run(
            "with g as (insert into groups (tenant_id, id, name, name_key, colour, created_by, created_at, updated_at)
                 select tenant_id, gen_random_uuid(), 'VIP', 'vip', 'red', 'x', app_clock(), app_clock() from contacts returning *)
             insert into group_members (tenant_id, group_id, contact_id, added_by, added_at)
             select c.tenant_id, g.id, c.id, 'x', app_clock() from contacts c, g",
        )
        .await;
    let card = client.admin(&path, Value::Null).await;
    assert_eq!(card.body["next_appointment"], Value::Null);
    assert_eq!(card.body["appointment"]["type"], "ONCOLOGY", "the latest");
    assert!(card.body["last_contact_at"].is_string());
    assert_eq!(card.body["groups"].as_array().unwrap().len(), 1);
    assert_eq!(refused(&card.body), ["unarchive not_archived"]);
}

#[tokio::test]
async fn whoever_makes_a_booking_is_told_by_its_source() {
    let client = Client::new().await;
    let (_, appointment) = treated(&client).await;
    let shown = client.admin(&format!("GET {appointment}"), Value::Null).await;
    assert_eq!(shown.body["source"], "api", "a key");
    let (_, admin) = client.signed_in("client_admin").await;
    let mut new = ada();
    new["appointment"] = json!({ "at": client.ahead(Duration::days(3)).await });
    let made = client.speak(Some(&admin), "POST /v1/contacts", &[], &new).await;
    assert_eq!(made.body["appointment"]["source"], "manual", "a person: {:?}", made.body);
}
