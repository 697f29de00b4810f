//! Many writers at once: nothing is lost, nothing is counted twice, and nobody stands in another's way for good.

use axum::http::StatusCode;
use serde_json::{Value, json};
use shared::audit::chain::{Chain, verify};
use shared::audit::store::entries;
use shared::contacts::phone::{PhoneNumber, PhoneRules};
use shared::contacts::{Contact, store};

use super::{change_members, contacts, group, read};
use crate::client::Client;

/// Contacts of the client's tenant that are stored, not posted: for thousands.
pub(super) async fn stored(client: &Client, count: usize) -> Vec<String> {
    let rules = PhoneRules::new(&["GB"], true).unwrap();
    let phone = PhoneNumber::parse("07700 900123", &rules).unwrap();
    let now = client.world.db.now().await.unwrap();
    let mut made = Vec::new();
    let mut tx = client.world.db.tenant(client.clinic.id).await.unwrap();
    let keys = client.world.keys.of(&mut tx).await.unwrap();
    for _ in 0..count {
        let zone = chrono_tz::Europe::London;
        let contact = Contact::new("Ada Example".parse().unwrap(), phone.clone(), zone, now);
        store::insert(&mut tx, &keys, &contact).await.unwrap();
        made.push(contact.id.to_string());
    }
    tx.commit().await.unwrap();
    made
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_who_add_the_same_contacts_each_contact_is_added_by_one() {
    let client = Client::new().await;
    let id = group(&client, "VIP").await;
    let people = contacts(&client, 20).await;
    let mut reversed = people.clone();
    reversed.reverse();
    let writers = (0..8).map(|n| {
        let ids = if n % 2 == 0 { &people } else { &reversed };
        change_members(&client, &id, json!({ "add": ids }))
    });
    let answers = futures::future::join_all(writers).await;
    let mut added = 0;
    for answer in &answers {
        assert_eq!(answer.status, StatusCode::OK, "{:?}", answer.body);
        added += answer.body["added"].as_u64().unwrap();
    }
    assert_eq!((added, &read(&client, &id).await.body["contact_count"]), (20, &json!(20)));
    let told = "select count(*) from events where kind = 'group.member_added'";
    assert_eq!(client.world.number(told).await, 20);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_groups_and_contacts_change_at_once_without_a_deadlock() {
    let client = Client::new().await;
    let groups = [group(&client, "One").await, group(&client, "Two").await];
    let people = contacts(&client, 12).await;
    let doomed = group(&client, "Doomed").await;
    change_members(&client, &doomed, json!({ "add": people })).await;
    let mut reversed = people.clone();
    reversed.reverse();
    let bulk = async |group: &str, ids: &[String], other: &[String]| {
        let mut seen = Vec::new();
        for n in 0..10 {
            let body = if n % 2 == 0 { json!({ "add": ids }) } else { json!({ "remove": other }) };
            seen.push(change_members(&client, group, body).await);
        }
        seen
    };
    let edits = async |from: usize| {
        let mut seen = Vec::new();
        for n in 0..20 {
            let path = format!("PATCH /v1/contacts/{}", people[(from + n) % people.len()]);
            seen.push(client.change(&path, "*", json!({ "notes": format!("{from} {n}") })).await);
        }
        seen
    };
    let renames = async || {
        let mut seen = Vec::new();
        for n in 0..10 {
            let path = format!("PATCH /v1/groups/{}", groups[n % 2]);
            seen.push(client.change(&path, "*", json!({ "description": format!("{n}") })).await);
        }
        seen
    };
    let deletes = async || {
        let mut seen =
            vec![client.change(&format!("DELETE /v1/groups/{doomed}"), "*", Value::Null).await];
        for contact in &people[..3] {
            let path = format!("DELETE /v1/contacts/{contact}");
            seen.push(client.change(&path, "*", Value::Null).await);
        }
        seen
    };
    let (a, b, c, d, e, f, g) = tokio::join!(
        bulk(&groups[0], &people, &reversed),
        bulk(&groups[0], &reversed, &people),
        bulk(&groups[1], &people, &reversed),
        edits(0),
        edits(6),
        renames(),
        deletes(),
    );
    for answer in [a, b, c, d, e, f, g].into_iter().flatten() {
        // A contact that was deleted meanwhile can't be edited; busy would be a deadlock, or a wait of two seconds.
        let fine = answer.status.is_success() || answer.status == StatusCode::NOT_FOUND;
        assert!(fine, "{} {:?}", answer.status, answer.body);
    }
    for group in &groups {
        let counted = read(&client, group).await.body["contact_count"].clone();
        let emptied = change_members(&client, group, json!({ "remove": people })).await;
        assert_eq!(emptied.body["removed"], counted, "the count is who is there");
        assert_eq!(emptied.body["unknown"].as_array().unwrap().len(), 3);
    }
    // Who was added is who was taken out, for each contact that is left.
    let sums = "select count(*) from (select contact_id, entity from events e
         where kind in ('group.member_added', 'group.member_removed')
           and exists (select from contacts c where c.id = e.contact_id and c.deleted_at is null)
         group by contact_id, entity
         having count(*) filter (where kind = 'group.member_added') <> count(*) filter (where kind = 'group.member_removed')) x";
    assert_eq!(client.world.number(sums).await, 0);
    let mut tx = client.world.db.tenant(client.clinic.id).await.unwrap();
    let chain = entries(&mut tx, Chain::Changes, 1, i64::MAX).await.unwrap();
    verify(client.clinic.id, Chain::Changes, &chain).expect("the chain is whole");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_who_take_a_name_one_gets_it() {
    let client = Client::new().await;
    let other = group(&client, "Other").await;
    let body = json!({ "name": "VIP", "colour": "red" });
    let rename = format!("PATCH /v1/groups/{other}");
    let makers = (0..6).map(|_| client.admin("POST /v1/groups", body.clone()));
    let (made, renamed) = tokio::join!(
        futures::future::join_all(makers),
        client.change(&rename, "\"1\"", json!({ "name": "vip" })),
    );
    let mut won = 0;
    for answer in made.into_iter().chain([renamed]) {
        if answer.status.is_success() {
            won += 1;
        } else {
            let told = (answer.status, answer.problem());
            assert_eq!(told, (StatusCode::CONFLICT, "group-name-taken"));
        }
    }
    assert_eq!(won, 1);
}

#[tokio::test]
async fn adding_waits_for_nobody_who_edits_a_contact() {
    let client = Client::new().await;
    let (id, contact) = (group(&client, "VIP").await, client.contact().await);
    let edited = client.world.hold("update contacts set notes = null").await;
    let added = client.admin(&format!("PUT /v1/groups/{id}/members/{contact}"), Value::Null).await;
    assert_eq!(added.status, StatusCode::NO_CONTENT, "while somebody else's edit is open");
    edited.rollback().await.unwrap();
}
