//! Reading the trail: who did what, to whom, when; and that reading it is on record.

use axum::http::StatusCode;
use serde_json::{Value, json};
use shared::audit::chain::Chain;
use shared::audit::heads::check::check;
use shared::audit::heads::seal::Sealer;
use shared::testing::World;

use crate::client::{Answer, Client};

async fn read(client: &Client, filter: &str) -> Answer {
    api::Accesses::start(client.world.db.clone()).seal().await.unwrap();
    let answer = client.admin(&format!("GET /v1/audit?{filter}"), Value::Null).await;
    assert_eq!(answer.status, StatusCode::OK, "{filter}: {:?}", answer.body);
    answer
}

fn acts(answer: &Answer) -> Vec<String> {
    let items = answer.body["items"].as_array().unwrap();
    items.iter().map(|item| item["act"].as_str().unwrap().to_owned()).collect()
}

async fn seal(world: &World, client: &Client) {
    let sealer = Sealer::new(world.db.clone(), world.keys.master().head_keys().unwrap());
    for chain in Chain::BOTH {
        sealer.seal(client.clinic.id, chain).await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn a_change_is_told_with_its_values_before_and_after() {
    let client = Client::new().await;
    let contact = client.contact().await;
    let path = format!("/v1/contacts/{contact}");
    let headers = [("if-match", "*")];
    let change = json!({ "name": "Ada King" });
    client.ask(&client.clinic.admin, &format!("PATCH {path}"), &headers, &change).await;
    let told = read(&client, &format!("contact_id={contact}")).await;
    assert_eq!(acts(&told), ["contact.change", "contact.create"], "the latest first");
    let changed = &told.body["items"][0];
    assert_eq!(changed["number"], 2);
    assert_eq!(changed["entity_id"], contact.as_str());
    assert!(changed["actor"].as_str().unwrap().starts_with("key:"));
    let (before, after) = (&changed["values"]["before"], &changed["values"]["after"]);
    assert!(before.to_string().contains("Lovelace"), "{changed}");
    assert!(after.to_string().contains("Ada King"), "{changed}");
}

#[tokio::test]
async fn each_filter_leaves_out_what_is_not_meant() {
    let client = Client::new().await;
    let (ada, other) = (client.contact().await, client.contact().await);
    client.admin(&format!("GET /v1/contacts/{other}"), Value::Null).await;
    client.admin("GET /v1/contacts", Value::Null).await;
    client.user(&format!("GET /v1/contacts/{ada}"), Value::Null).await;
    client.user(&format!("DELETE /v1/contacts/{ada}"), Value::Null).await;
    let all = read(&client, "chain=accesses&limit=200").await;
    let actor = |at: usize| all.body["items"][at]["actor"].as_str().unwrap()[4..].to_owned();
    let (user, admin) = (actor(0), actor(2));
    let from = client.world.db.now().await.unwrap();
    client.world.advance(chrono::Duration::hours(2)).await;
    client.admin("GET /v1/tenant", Value::Null).await;
    let now = from.to_rfc3339_opts(chrono::SecondsFormat::Micros, true);

    let get = "GET /v1/contacts/{contact} 200".to_owned();
    for (sealed, round) in [(false, "no head yet"), (true, "heads stand between")] {
        if sealed {
            seal(&client.world, &client).await;
        }
        for (filter, expected, why) in [
            (
                format!("contact_id={ada}"),
                vec![
                    "DELETE /v1/contacts/{contact} 403".to_owned(),
                    get.clone(),
                    "GET /v1/contacts 200".to_owned(),
                ],
                "asked for, or shown in a list",
            ),
            (
                format!("person_id={user}"),
                vec!["DELETE /v1/contacts/{contact} 403".to_owned(), get.clone()],
                "one person",
            ),
            (
                format!("person_id={admin}&contact_id={other}&act=GET%20/v1/contacts/"),
                vec![get.clone()],
                "all together",
            ),
            (
                format!("act=GET%20/v1/tenant&from={now}"),
                vec!["GET /v1/tenant 200".to_owned()],
                "since then",
            ),
            (format!("act=GET%20/v1/tenant&to={now}"), vec![], "before then"),
            (
                format!("act=DELETE&to={now}"),
                vec!["DELETE /v1/contacts/{contact} 403".to_owned()],
                "a refusal, before then",
            ),
            (format!("person_id={}", uuid::Uuid::now_v7()), vec![], "somebody else"),
        ] {
            let told = read(&client, &format!("chain=accesses&limit=200&{filter}")).await;
            let told: Vec<_> =
                acts(&told).into_iter().filter(|act| !act.contains("/v1/audit")).collect();
            assert_eq!(told, expected, "{round}, {why}: {filter}");
        }
    }
}

#[tokio::test]
async fn pages_follow_each_other_without_gap_or_double() {
    let client = Client::new().await;
    for _ in 0..7 {
        client.contact().await;
    }
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = read(&client, &format!("limit=3{cursor}")).await;
        let items = page.body["items"].as_array().unwrap().clone();
        seen.extend(items.iter().map(|item| item["number"].as_i64().unwrap()));
        let Some(next) = page.body["next"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(seen, [7, 6, 5, 4, 3, 2, 1]);
}

#[tokio::test]
async fn reading_the_trail_is_on_the_trail_and_names_whom_it_was_about() {
    let client = Client::new().await;
    let contact = client.contact().await;
    read(&client, &format!("contact_id={contact}")).await;
    let told = read(&client, &format!("chain=accesses&contact_id={contact}")).await;
    assert_eq!(acts(&told), ["GET /v1/audit 200"], "the one before this one");
    let shown = told.body["items"][0]["shown_ids"].as_array().unwrap();
    assert!(shown.contains(&json!(contact)), "its values were shown");
}

#[tokio::test]
async fn erasing_a_contact_breaks_no_chain_and_takes_the_values() {
    let client = Client::new().await;
    let contact = client.contact().await;
    seal(&client.world, &client).await;
    // As erasing does it: the key goes, in the row and, once they expire, in backups.
    client.world.run("update contacts set key_wrapped = null, name = null, phone = null").await;
    let told = read(&client, &format!("contact_id={contact}")).await;
    assert_eq!(acts(&told), ["contact.create"]);
    assert_eq!(told.body["items"][0]["no_values"], "erased");
    assert!(!told.body.to_string().contains("Lovelace"));
    let keys = client.world.keys.master().head_keys().unwrap();
    for chain in Chain::BOTH {
        let whole = check(&client.world.db, &keys, (client.clinic.id, chain), &[]).await.unwrap();
        assert!(whole.unwrap().sealed > 0 || chain == Chain::Accesses);
    }
}

#[tokio::test]
async fn another_tenants_trail_and_what_is_no_filter_are_refused_or_empty() {
    let client = Client::new().await;
    let contact = client.contact().await;
    let stranger = client.world.tenant().await;
    let path = format!("GET /v1/audit?contact_id={contact}");
    let told = client.ask(&stranger.admin, &path, &[], &Value::Null).await;
    assert_eq!((told.status, &told.body["items"]), (StatusCode::OK, &json!([])));
    assert_eq!(client.user("GET /v1/audit", Value::Null).await.status, StatusCode::FORBIDDEN);
    for (filter, fault) in [
        ("from=2026-11-23T10:00:00Z&to=2026-11-23T10:00:00Z", "to not_after_from"),
        ("cursor=x", "cursor bad_cursor"),
        (&format!("cursor={}", "f".repeat(48)), "cursor bad_cursor"),
        (&format!("cursor=0000000000000000{}", "f".repeat(32)), "cursor bad_cursor"),
        ("limit=0", "limit out_of_range"),
        (&format!("act={}", "x".repeat(201)), "act too_long"),
    ] {
        let told = client.admin(&format!("GET /v1/audit?{filter}"), Value::Null).await;
        assert_eq!(told.faults(), [fault], "{filter}");
    }
}
