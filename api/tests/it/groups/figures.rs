//! How groups fare.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::{change_members, contacts, group, read};
use crate::client::Client;

async fn figures(client: &Client, group: &str) -> Value {
    let told = client.user(&format!("GET /v1/groups/{group}/figures"), Value::Null).await;
    assert_eq!(told.status, StatusCode::OK, "{:?}", told.body);
    told.body
}

async fn overview(client: &Client) -> Value {
    client.user("GET /v1/groups/overview", Value::Null).await.body
}

#[tokio::test]
async fn figures_are_told_of_five_people_and_withheld_of_fewer() {
    let client = Client::new().await;
    let (small, large) = (group(&client, "Small").await, group(&client, "Large").await);
    let people = contacts(&client, 8).await;
    change_members(&client, &small, json!({ "add": people[..4] })).await;
    change_members(&client, &large, json!({ "add": people })).await;
    client
        .world
        .run(
            "insert into appointments (tenant_id, id, contact_id, at, call_before_hours, status, booked_at, created_at, updated_at)
             select tenant_id, gen_random_uuid(), id, now() + interval '3 days', 24,
                 case when row_number() over (order by created_at, id) <= 5 then 'confirmed' else 'cancelled' end, now(), now(), now()
             from contacts",
        )
        .await;
    let told = figures(&client, &large).await;
    assert_eq!(told["contact_count"], 8);
    assert_eq!(told["appointments"]["confirmed"], 5);
    assert_eq!(told["appointments"]["pending"], 0, "of nobody");
    assert_eq!(told["appointments"]["cancelled"], Value::Null, "of three");
    assert_eq!(told["confirmation_rate"], Value::Null, "it would give the three away");
    assert_eq!(told["calls_in_30_days"], 0);

    client
        .world
        .run("update appointments set status = 'confirmed' where status = 'cancelled'")
        .await;
    assert_eq!(figures(&client, &large).await["confirmation_rate"], 1.0);
    let told = figures(&client, &small).await;
    assert_eq!(told["contact_count"], 4, "who may see each may see how many");
    assert_eq!(told["appointments"]["confirmed"], Value::Null);

    client.world.run("update appointments set at = now() - interval '31 days'").await;
    let told = figures(&client, &large).await;
    assert_eq!(
        (&told["appointments"]["confirmed"], &told["confirmation_rate"]),
        (&json!(0), &Value::Null)
    );
}

#[tokio::test]
async fn the_overview_names_the_largest_the_most_active_and_the_newest() {
    let client = Client::new().await;
    let stranger = client.world.tenant().await;
    let nothing = overview(&client).await;
    let expected = json!({ "total": 0, "archived": 0, "largest": null, "most_active": null, "recent": [], "groups": [] });
    assert_eq!(nothing, expected);

    let mut groups = Vec::new();
    for n in 0..6 {
        groups.push(group(&client, &format!("Group {n}")).await);
    }
    let people = contacts(&client, 3).await;
    change_members(&client, &groups[1], json!({ "add": people })).await;
    change_members(&client, &groups[2], json!({ "add": people[..1] })).await;
    change_members(&client, &groups[3], json!({ "add": people[1..] })).await;
    let told = overview(&client).await;
    assert_eq!((&told["total"], &told["largest"]["id"]), (&json!(6), &json!(groups[1])));
    assert_eq!(told["most_active"], Value::Null, "nobody was called");
    let recent: Vec<&str> =
        told["recent"].as_array().unwrap().iter().map(|g| g["id"].as_str().unwrap()).collect();
    let newest: Vec<&str> = groups.iter().rev().take(5).map(String::as_str).collect();
    assert_eq!(recent, newest);
    let sizes: Vec<i64> = told["groups"]
        .as_array()
        .unwrap()
        .iter()
        .map(|g| g["contact_count"].as_i64().unwrap())
        .collect();
    assert_eq!(sizes, [3, 2, 1, 0, 0, 0]);

    // Calls of the last contact only: the third group has it, and so has the second; the older calls are too old.
    client
        .world
        .run(
            "insert into calls (tenant_id, id, contact_id, kind, purpose_key, state, earliest, due, deadline, eligible_at,
                 planned_at, updated_at, settled_at, outcome)
             select tenant_id, gen_random_uuid(), id, 'call_now', 'x', 'settled', now(), now(), now(), now(), now(), now(),
                 now() + interval '1 hour', 'no_answer' from contacts;
             insert into attempts (tenant_id, id, call_id, contact_id, account_id, purpose_key, number_eq, state, reserved_at,
                 expires_at, dialled_at, check_at, holds_slot)
             select k.tenant_id, gen_random_uuid(), k.id, k.contact_id, t.account_id, 'x', c.phone_eq, 'settled',
                 now() - case when row_number() over (order by c.created_at, c.id) = 1 then interval '40 days' else interval '1 day' end,
                 now(), now(), '9999-12-31 00:00:00+00', false
             from calls k join contacts c on c.id = k.contact_id join tenants t on t.id = k.tenant_id",
        )
        .await;
    let path = format!("PATCH /v1/groups/{}", groups[1]);
    client.change(&path, "*", json!({ "archived": true })).await;
    let told = overview(&client).await;
    assert_eq!(told["most_active"]["id"], json!(groups[3]), "of those that are not archived");
    assert_eq!(told["largest"]["id"], json!(groups[3]));
    let of_third = told["groups"].as_array().unwrap().iter().find(|g| g["id"] == json!(groups[3]));
    assert_eq!(of_third.unwrap()["calls_in_30_days"], Value::Null, "of two people");

    let theirs = client.ask(&stranger.user, "GET /v1/groups/overview", &[], &Value::Null).await;
    assert_eq!(theirs.body, expected, "another tenant's overview has nothing of it");
}

#[tokio::test]
async fn the_last_activity_is_the_latest_of_what_happened() {
    let client = Client::new().await;
    let (id, contact) = (group(&client, "VIP").await, client.contact().await);
    let at = async || read(&client, &id).await.body["last_activity"].as_str().unwrap().to_owned();
    let made = at().await;
    let member = format!("/v1/groups/{id}/members/{contact}");
    client.admin(&format!("PUT {member}"), Value::Null).await;
    let added = at().await;
    assert!(added > made, "somebody came");
    client
        .world
        .run(
            "insert into calls (tenant_id, id, contact_id, kind, purpose_key, state, earliest, due, deadline, eligible_at,
                 planned_at, updated_at, settled_at, outcome)
             select tenant_id, gen_random_uuid(), id, 'call_now', 'x', 'settled', now(), now(), now(), now(), now(), now(),
                 now() + interval '1 hour', 'no_answer' from contacts",
        )
        .await;
    let called = at().await;
    assert!(called > added, "a member was called");
    client.admin(&format!("DELETE {member}"), Value::Null).await;
    let removed = at().await;
    assert!(removed > added && removed < called, "the call isn't a member's any more");
    client.change(&format!("PATCH /v1/groups/{id}"), "*", json!({ "colour": "blue" })).await;
    assert!(at().await > removed, "the group was changed");
}
