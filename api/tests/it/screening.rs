//! Every free text that a request brings: asked about where staff read it, refused where the voice says it, and each on record
//! once, without a word of the text.

use axum::http::StatusCode;
use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::client::{Answer, Client};

/// Short enough for what a group is called.
const TELLING: &str = "Please ring before the chemotherapy on Monday";
const ORDINARY: &str = "Please ring before noon on Monday";

/// The log, as `field outcome`, in order.
async fn log(client: &Client) -> Vec<String> {
    client.world.texts("select field || ' ' || outcome from phi_detections order by at, id").await
}

/// What the log says of one field: some requests bring a second text, in which nothing is found.
async fn log_of(client: &Client, field: &str) -> Vec<String> {
    log(client).await.into_iter().filter(|row| row.starts_with(field)).collect()
}

/// Of any version, as the administrator.
async fn ask(client: &Client, what: &str, body: &Value) -> Answer {
    client.change(what, "*", body.clone()).await
}

/// A request for each text that staff alone read; `{}` stands where the text goes. What it is logged as, and where its fault is.
async fn for_staff(client: &Client) -> Vec<(String, Value, &'static str, &'static str)> {
    let contact = client.contact().await;
    let mut path = format!("/v1/contacts/{contact}/appointments");
    let at = json!({ "at": client.ahead(TimeDelta::hours(72)).await });
    let booked = client.admin(&format!("POST {path}"), at).await;
    assert_eq!(booked.status, StatusCode::CREATED, "{booked:?}");
    path = format!("{path}/{}", booked.id());
    let group = json!({ "name": "Mornings", "colour": "red" });
    let group = client.admin("POST /v1/groups", group).await.id();
    let view = json!({ "name": "Everybody", "search": {} });
    let view = client.admin("POST /v1/contact-views", view).await.id();
    let confirmed = json!({ "status": "confirmed", "status_reason": "{}" });
    let hold = json!({ "contact_id": contact, "reason": "{}" });
    let described = json!({ "name": "Described", "description": "{}", "colour": "red" });
    let row = |what: String, body: Value, field, pointer| (what, body, field, pointer);
    vec![
        row(format!("PATCH {path}"), confirmed, "status_reason", "/status_reason"),
        row(
            "POST /v1/groups".to_owned(),
            json!({ "name": "{}", "colour": "red" }),
            "group_name",
            "/name",
        ),
        row("POST /v1/groups".to_owned(), described, "group_description", "/description"),
        row(format!("PATCH /v1/groups/{group}"), json!({ "name": "{}" }), "group_name", "/name"),
        row(
            format!("PATCH /v1/groups/{group}"),
            json!({ "description": "{}" }),
            "group_description",
            "/description",
        ),
        row(
            "POST /v1/contact-views".to_owned(),
            json!({ "name": "{}", "search": {} }),
            "view_name",
            "/name",
        ),
        row(
            format!("PATCH /v1/contact-views/{view}"),
            json!({ "name": "{}" }),
            "view_name",
            "/name",
        ),
        row("POST /v1/legal-holds".to_owned(), hold, "legal_hold_reason", "/reason"),
        row(
            "PUT /v1/tenant/closed-dates/2031-05-06".to_owned(),
            json!({ "name": "{}" }),
            "closed_date_name",
            "/name",
        ),
    ]
}

fn with(body: &Value, text: &str) -> Value {
    serde_json::from_str(&body.to_string().replace("\"{}\"", &json!(text).to_string())).unwrap()
}

#[tokio::test]
async fn each_text_for_staff_is_asked_about_and_saved_knowingly() {
    let client = Client::new().await;
    let rows = for_staff(&client).await;
    for (number, (what, body, field, pointer)) in rows.iter().enumerate() {
        client.world.run("truncate phi_detections").await;
        // Some are the only one of their name.
        let (telling, ordinary) = (format!("{TELLING} {number}"), format!("{ORDINARY} {number}"));
        let before = client.everything().await;
        let refused = ask(&client, what, &with(body, &telling)).await;
        assert_eq!(refused.faults(), [format!("{pointer} acknowledgement_needed")], "{what}");
        assert_eq!(client.everything().await, before, "{what}: refused, and changed something");
        assert_eq!(log(&client).await, [format!("{field} refused")], "{what}");

        let mut knowingly = with(body, &telling);
        knowingly["acknowledge_phi"] = json!(true);
        let saved = ask(&client, what, &knowingly).await;
        assert!(saved.status.is_success(), "{what}: {saved:?}");
        let known = [format!("{field} refused"), format!("{field} acknowledged")];
        assert_eq!(log_of(&client, field).await, known, "{what}");
        let on_trail =
            "select count(*) from audit_entries where action = 'phi.acknowledge' and entity =
            (select id from phi_detections where outcome = 'acknowledged')";
        assert_eq!(client.world.number(on_trail).await, 1, "{what}: and on the trail");

        if !what.starts_with("POST /v1/") {
            let again = ask(&client, what, &with(body, &telling)).await;
            assert!(
                again.status.is_success(),
                "{what}: what is kept is not asked about: {again:?}"
            );
            assert_eq!(log_of(&client, field).await, known, "{what}: nor is it on record again");
        }
        if !what.contains("groups") {
            let clean = ask(&client, what, &with(body, &ordinary)).await;
            assert!(clean.status.is_success(), "{what}: {clean:?}");
            assert_eq!(log_of(&client, field).await[2..], [format!("{field} clean")], "{what}");
        }
    }
}

#[tokio::test]
async fn what_stops_calls_is_not_held_up_by_a_word() {
    let client = Client::new().await;
    let contact = client.contact().await;
    let appointments = format!("/v1/contacts/{contact}/appointments");
    let mut booked = Vec::new();
    for days in [3, 4] {
        let at = json!({ "at": client.ahead(TimeDelta::days(days)).await });
        booked.push(client.admin(&format!("POST {appointments}"), at).await.id());
    }
    let number = |last: u16| format!("07700 900{last}");
    let listed = json!({ "number": number(298), "reason": TELLING });
    for (what, body, field) in [
        (
            format!("POST {appointments}/{}/cancel", booked[0]),
            json!({ "reason": TELLING }),
            "status_reason",
        ),
        (
            format!("PATCH {appointments}/{}", booked[1]),
            json!({ "status": "cancelled", "status_reason": TELLING }),
            "status_reason",
        ),
        ("POST /v1/do-not-call".to_owned(), listed, "do_not_call_reason"),
        ("POST /v1/tenant/pause".to_owned(), json!({ "reason": TELLING }), "pause_reason"),
    ] {
        client.world.run("truncate phi_detections").await;
        let done = ask(&client, &what, &body).await;
        assert!(done.status.is_success(), "{what}: {done:?}");
        assert_eq!(log(&client).await, [format!("{field} unasked")], "{what}");
    }
    let cancelled = "select count(*) from appointments where status = 'cancelled'";
    assert_eq!(client.world.number(cancelled).await, 2);
    let figures = client.admin("GET /v1/phi/compliance", Value::Null).await;
    assert_eq!((&figures.body["unasked"], &figures.body["score"]), (&json!(1), &json!(0.0)));

    client.world.run("truncate phi_detections").await;
    let known = json!({ "number": number(297), "reason": TELLING, "acknowledge_phi": true });
    assert!(client.admin("POST /v1/do-not-call", known).await.status.is_success());
    assert_eq!(log(&client).await, ["do_not_call_reason acknowledged"]);
}

#[tokio::test]
async fn what_the_voice_says_of_a_type_has_no_health_information_and_its_own_name_may() {
    let client = Client::new().await;
    let named = json!({ "name": "Chemotherapy", "sensitive": true });
    let made = client.admin("POST /v1/appointment-types", named).await;
    assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    assert!(log(&client).await.is_empty(), "a type's own name is medical on purpose");

    let spoken = json!({ "name": "Infusion", "spoken_name": "your chemotherapy" });
    let refused = client.admin("POST /v1/appointment-types", spoken.clone()).await;
    assert_eq!(refused.faults(), ["/spoken_name health_information"], "{refused:?}");
    let mut insisting = spoken;
    insisting["acknowledge_phi"] = json!(true);
    let refused = client.admin("POST /v1/appointment-types", insisting).await;
    assert_eq!(refused.faults(), ["/acknowledge_phi unknown_field"], "nobody may insist");
    let plain = json!({ "name": "Infusion", "spoken_name": "your visit" });
    let made = client.admin("POST /v1/appointment-types", plain).await;
    assert_eq!(made.status, StatusCode::CREATED, "{made:?}");

    let one = format!("PATCH /v1/appointment-types/{}", made.id());
    let refused = ask(&client, &one, &json!({ "spoken_name": "your chemotherapy" })).await;
    assert_eq!(refused.faults(), ["/spoken_name health_information"]);
    let same = json!({ "spoken_name": "your visit", "duration_minutes": 45 });
    let changed = ask(&client, &one, &same).await;
    assert_eq!(
        (changed.status, &changed.body["spoken_name"]),
        (StatusCode::OK, &json!("your visit"))
    );
    let expected = ["spoken_name refused", "spoken_name clean", "spoken_name refused"];
    assert_eq!(log(&client).await, expected);
}

#[tokio::test]
async fn rows_of_an_import_are_asked_about_one_by_one() {
    let client = Client::new().await;
    let numbers = json!([
        { "number": "07700 900201", "reason": TELLING },
        { "number": "07700 900202", "reason": ORDINARY },
        { "number": "no number", "reason": ORDINARY },
        "07700 900203",
    ]);
    let mut body = json!({ "numbers": numbers });
    let done = client.admin("POST /v1/do-not-call/import", body.clone()).await;
    assert_eq!((&done.body["added"], &done.body["refused"]), (&json!(3), &json!(1)), "{done:?}");
    let mut logged = log(&client).await;
    logged.sort();
    // What was no number was not saved, and nothing was found in its reason.
    assert_eq!(logged, ["do_not_call_reason clean", "do_not_call_reason unasked"]);

    client.world.run("truncate phi_detections").await;
    body["acknowledge_phi"] = json!(true);
    let done = client.admin("POST /v1/do-not-call/import", body).await;
    assert_eq!(done.body["rows"][0]["result"], "already_listed", "{done:?}");
    let mut logged = log(&client).await;
    logged.sort();
    assert_eq!(logged, ["do_not_call_reason acknowledged", "do_not_call_reason clean"]);
}

#[tokio::test]
async fn what_is_on_record_is_there_once_and_says_nothing_of_the_text() {
    let client = Client::new().await;
    let new =
        |notes: &str, phone: &str| json!({ "name": "Ben Example", "phone": phone, "notes": notes });
    let key = [("idempotency-key", "once")];
    let mut body = new(TELLING, "07700 900201");
    body["acknowledge_phi_in_notes"] = json!(true);
    body["appointment"] =
        json!({ "at": client.ahead(TimeDelta::hours(72)).await, "voice_text": ORDINARY });
    for _ in 0..2 {
        let made = client.ask(&client.clinic.admin, "POST /v1/contacts", &key, &body).await;
        assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    }
    let twice = ["notes acknowledged", "voice_text clean"];
    assert_eq!(log(&client).await, twice, "an answer that is given again is no second saving");

    // Of what is not saved, only what was refused for its text.
    let clean = client.admin("POST /v1/contacts", new(ORDINARY, "nonsense")).await;
    assert_eq!(clean.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(log(&client).await.len(), 2);
    let both = client.admin("POST /v1/contacts", new(TELLING, "nonsense")).await;
    assert_eq!(both.faults().len(), 2, "{both:?}");
    assert_eq!(log(&client).await[2..], ["notes refused"]);
    let typed = json!({ "field": "notes", "text": TELLING });
    assert_eq!(
        client.admin("POST /v1/phi/check", typed).await.body["verdict"],
        "acknowledgement_needed"
    );
    assert_eq!(log(&client).await.len(), 3, "what is only typed is not on record");

    let says = "select count(*) from phi_detections d where d::text ilike '%chemo%' or d::text ilike '%ring%'
        or exists (select from contacts c where d::text like '%' || c.id || '%')";
    assert_eq!(client.world.number(says).await, 0);
    let can_see = "select count(*) from phi_detections d where d::text ilike '%procedure%' or d::text ilike '%medication%'";
    assert_eq!(client.world.number(can_see).await, 2, "the question sees what is there");
    let by = format!("key:{}", client.clinic.admin_id);
    let who = client.world.texts("select distinct actor from phi_detections").await;
    assert_eq!(who, [by]);
}

#[tokio::test]
async fn a_refusal_that_cannot_be_put_on_record_is_a_refusal_all_the_same() {
    let client = Client::new().await;
    client.world.run("revoke insert on phi_detections from vio_app").await;
    let new = json!({ "name": "Ben Example", "phone": "07700 900201", "notes": TELLING });
    let refused = client.admin("POST /v1/contacts", new.clone()).await;
    assert_eq!(refused.faults(), ["/notes acknowledgement_needed"], "{refused:?}");
    // What is saved is saved with its record, or not at all.
    let mut knowingly = new;
    knowingly["acknowledge_phi_in_notes"] = json!(true);
    let not = client.admin("POST /v1/contacts", knowingly).await;
    assert!(not.status.is_server_error(), "{not:?}");
    assert_eq!(client.world.number("select count(*) from contacts").await, 0);
}

#[tokio::test]
async fn figures_count_by_field_kind_and_person_and_another_tenant_has_none() {
    let client = Client::new().await;
    let none = client.admin("GET /v1/phi/compliance", Value::Null).await;
    assert_eq!(
        (&none.body["screened"], &none.body["score"]),
        (&json!(0), &Value::Null),
        "{none:?}"
    );
    let (person, signed) = client.signed_in("client_admin").await;
    let new =
        |notes: &str| json!({ "name": "Ben Example", "phone": "07700 900201", "notes": notes });
    for notes in [ORDINARY, ORDINARY, TELLING] {
        client.by(&signed, "POST /v1/contacts", new(notes)).await;
    }
    let pause = json!({ "reason": "Her asthma and her chemotherapy", "acknowledge_phi": true });
    assert_eq!(client.admin("POST /v1/tenant/pause", pause).await.status, StatusCode::OK);
    client.admin("POST /v1/tenant/pause", json!({ "reason": ORDINARY })).await;
    client.admin("POST /v1/tenant/pause", json!({ "reason": "The line is being repaired" })).await;

    let shown = client.admin("GET /v1/phi/compliance?days=1", Value::Null).await.body;
    let counts =
        |of: &Value| ["clean", "refused", "acknowledged"].map(|name| of[name].as_u64().unwrap());
    assert_eq!((counts(&shown), &shown["score"]), ([4, 1, 1], &json!(66.67)), "{shown}");
    assert_eq!(shown["screened"], 6);
    let fields = shown["fields"].as_array().unwrap();
    assert_eq!((&fields[0]["field"], counts(&fields[0])), (&json!("notes"), [2, 1, 0]));
    assert_eq!((&fields[1]["field"], counts(&fields[1])), (&json!("pause_reason"), [2, 0, 1]));
    let kinds = shown["kinds"].as_array().unwrap();
    let of = |kind: &str| kinds.iter().find(|one| one["kind"] == kind).map(|one| &one["texts"]);
    assert_eq!(of("diagnosis"), Some(&json!(1)), "asthma: {kinds:?}");
    assert_eq!(kinds.len(), 2, "{kinds:?}");
    let people = shown["people"].as_array().unwrap();
    let theirs = people.iter().find(|one| one["user_id"] == person.id.as_str()).unwrap();
    assert_eq!(counts(theirs), [2, 1, 0]);
    assert_eq!(theirs["by"], format!("user:{}", person.id));
    assert_eq!(theirs["reminder"], "never_completed");
    let of_key = people.iter().find(|one| one["user_id"].is_null()).unwrap();
    assert_eq!((counts(of_key), &of_key["reminder"]), ([2, 0, 1], &Value::Null));

    let other = client.of_another_tenant().await;
    let theirs = other.admin("GET /v1/phi/compliance?days=365", Value::Null).await.body;
    assert_eq!(theirs["screened"], 0);
    let refused = client.user("GET /v1/phi/compliance", Value::Null).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    for days in ["0", "366"] {
        let odd = client.admin(&format!("GET /v1/phi/compliance?days={days}"), Value::Null).await;
        assert_eq!(odd.faults(), ["days out_of_range"]);
    }
    client.world.run("update phi_detections set at = at - interval '25 hours'").await;
    let yesterday = client.admin("GET /v1/phi/compliance?days=1", Value::Null).await;
    assert_eq!(yesterday.body["screened"], 0, "too long ago");
    let all = client.admin("GET /v1/phi/compliance", Value::Null).await;
    assert_eq!(all.body["screened"], 6, "within 30 days");
}
