//! Health information in free text: told while it is typed, kept out of what the voice says, acknowledged in notes.

use axum::http::StatusCode;
use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::client::{Answer, Client};

const TELLING: &str = "Please ring before the chemotherapy on Monday";
const ORDINARY: &str = "Please arrive 10 minutes early; treatment room 2 is upstairs";

async fn checked(client: &Client, field: &str, text: &str) -> Answer {
    client.user("POST /v1/phi/check", json!({ "field": field, "text": text })).await
}

/// What an error's place or a finding's says of the text it is about.
fn part(text: &str, place: &Value) -> String {
    let units: Vec<u16> = text.encode_utf16().collect();
    let at = |name: &str| usize::try_from(place[name].as_u64().expect("a number")).unwrap();
    String::from_utf16(&units[at("offset")..at("offset") + at("length")]).unwrap()
}

async fn acknowledged(client: &Client, contact: &str) -> usize {
    let listed =
        client.admin(&format!("GET /v1/contacts/{contact}/acknowledgements"), Value::Null).await;
    let items = listed.body["items"].as_array().unwrap();
    items.iter().filter(|entry| entry["kind"] == "phi_in_notes").count()
}

#[tokio::test]
async fn whoever_types_is_told_what_was_found_and_where() {
    let client = Client::new().await;
    let found = checked(&client, "voice_text", TELLING).await;
    assert_eq!(found.status, StatusCode::OK, "{found:?}");
    assert_eq!(found.body["verdict"], "block");
    let findings = found.body["findings"].as_array().unwrap();
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert_eq!(part(TELLING, &findings[0]["place"]), "chemotherapy");
    assert!(findings[0]["alternative"].as_str().is_some_and(|text| !text.is_empty()));

    let found = checked(&client, "notes", TELLING).await;
    assert_eq!(found.body["verdict"], "acknowledgement_needed");
    // Two code units each, as JavaScript counts them: the place is right all the same.
    let text = format!("\u{1f600}\u{1f600} {TELLING}");
    let found = checked(&client, "notes", &text).await;
    assert_eq!(part(&text, &found.body["findings"][0]["place"]), "chemotherapy");
    for field in ["voice_text", "notes"] {
        let found = checked(&client, field, ORDINARY).await;
        assert_eq!(found.body, json!({ "verdict": "accept", "findings": [] }));
    }

    let long = checked(&client, "notes", &"a".repeat(10_001)).await;
    assert_eq!(long.faults(), ["/text too_long"]);
    assert_eq!(checked(&client, "notes", &"a ".repeat(5_000)).await.status, StatusCode::OK);
    let odd = checked(&client, "name", TELLING).await;
    assert_eq!(odd.status, StatusCode::UNPROCESSABLE_ENTITY);
    let quoted = serde_json::to_string(&odd.body).unwrap();
    assert!(!quoted.contains("chemotherapy"), "{quoted}");
}

#[tokio::test]
async fn the_voice_is_given_nothing_in_which_something_was_found() {
    let client = Client::new().await;
    let contact = client.contact().await;
    let at = client.ahead(TimeDelta::hours(72)).await;
    let path = format!("/v1/contacts/{contact}/appointments");
    let new = |text: &str| json!({ "at": at, "voice_text": text });

    let refused = client.admin(&format!("POST {path}"), new(TELLING)).await;
    assert_eq!(refused.faults(), ["/voice_text health_information"], "{refused:?}");
    assert_eq!(part(TELLING, &refused.body["errors"][0]["place"]), "chemotherapy");
    let quoted = serde_json::to_string(&refused.body).unwrap();
    assert!(!quoted.contains("chemotherapy"), "{quoted}");
    let with_contact =
        json!({ "name": "Ben Example", "phone": "07700 900201", "appointment": new(TELLING) });
    let refused = client.admin("POST /v1/contacts", with_contact).await;
    assert_eq!(refused.faults(), ["/appointment/voice_text health_information"]);

    let made = client.admin(&format!("POST {path}"), new(ORDINARY)).await;
    assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    let one = format!("{path}/{}", made.id());
    let change = json!({ "voice_text": TELLING });
    let refused = client.change(&format!("PATCH {one}"), "*", change).await;
    assert_eq!(refused.faults(), ["/voice_text health_information"]);
    let shown = client.admin(&format!("GET {one}"), Value::Null).await;
    assert_eq!(shown.body["voice_text"], ORDINARY, "a refused change changes nothing");
    let cleared = client.change(&format!("PATCH {one}"), "*", json!({ "voice_text": null })).await;
    assert_eq!(cleared.body["voice_text"], Value::Null);
}

#[tokio::test]
async fn notes_have_it_knowingly_or_not_at_all() {
    let client = Client::new().await;
    let new = json!({ "name": "Ben Example", "phone": "07700 900201", "notes": TELLING });
    let refused = client.admin("POST /v1/contacts", new.clone()).await;
    assert_eq!(refused.faults(), ["/notes acknowledgement_needed"]);
    assert_eq!(part(TELLING, &refused.body["errors"][0]["place"]), "chemotherapy");
    let mut knowingly = new;
    knowingly["acknowledge_phi_in_notes"] = json!(true);
    let made = client.admin("POST /v1/contacts", knowingly).await;
    assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    assert_eq!(made.body["notes"], TELLING);
    let contact = made.id();
    assert_eq!(acknowledged(&client, &contact).await, 1);

    let path = format!("PATCH /v1/contacts/{contact}");
    let other = "Has asthma";
    let refused = client.change(&path, "*", json!({ "notes": other })).await;
    assert_eq!(refused.faults(), ["/notes acknowledgement_needed"]);
    // Sending back what is there is no new writing, and neither is a change of something else.
    let same = json!({ "notes": TELLING, "name": "Ben Sample" });
    assert_eq!(client.change(&path, "*", same).await.status, StatusCode::OK);
    assert_eq!(acknowledged(&client, &contact).await, 1);
    let knowingly = json!({ "notes": other, "acknowledge_phi_in_notes": true });
    assert_eq!(client.change(&path, "*", knowingly).await.body["notes"], other);
    assert_eq!(acknowledged(&client, &contact).await, 2);

    // Nothing was found: there is nothing to go on record.
    let clean = json!({ "notes": ORDINARY, "acknowledge_phi_in_notes": true });
    assert_eq!(client.change(&path, "*", clean).await.status, StatusCode::OK);
    assert_eq!(acknowledged(&client, &contact).await, 2);
    let many = client.change(&path, "*", json!({ "notes": format!("{other}. ").repeat(40) })).await;
    assert_eq!(many.faults().len(), 20, "told up to a number");

    let entry = "select count(*) from audit_entries where chain = 'changes' and action = 'contact.acknowledge'";
    assert_eq!(client.world.number(entry).await, 2, "and on the trail");
}
