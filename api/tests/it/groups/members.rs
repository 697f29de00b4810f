//! Who is in a group.

use std::collections::{BTreeMap, BTreeSet};

use axum::http::StatusCode;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use shared::audit::chain::{Chain, verify};
use shared::audit::store::entries;
use uuid::Uuid;

use super::{change_members, contacts, group, read};
use crate::client::Client;

async fn groups_of(client: &Client, contact: &str) -> Vec<Value> {
    let list = client.admin(&format!("GET /v1/contacts/{contact}/groups"), Value::Null).await;
    assert_eq!(list.status, StatusCode::OK, "{:?}", list.body);
    list.body["items"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_contact_is_added_and_taken_out_once_however_often_it_is_said() {
    let client = Client::new().await;
    let (id, contact) = (group(&client, "VIP").await, client.contact().await);
    let path = format!("/v1/groups/{id}/members/{contact}");
    for _ in 0..2 {
        let added = client.admin(&format!("PUT {path}"), Value::Null).await;
        assert_eq!(added.status, StatusCode::NO_CONTENT);
    }
    let [membership] = &groups_of(&client, &contact).await[..] else { panic!("one group") };
    assert_eq!((&membership["id"], &membership["name"]), (&json!(id), &json!("VIP")));
    assert!(membership["added_by"].as_str().unwrap().starts_with("key:"));
    assert!(membership["added_at"].is_string());
    assert_eq!(read(&client, &id).await.body["contact_count"], 1);
    for _ in 0..2 {
        let removed = client.admin(&format!("DELETE {path}"), Value::Null).await;
        assert_eq!(removed.status, StatusCode::NO_CONTENT);
    }
    assert!(groups_of(&client, &contact).await.is_empty());
    let events = "select kind || ' ' || (contact_id is not null) from events where kind like 'group.m%' order by n";
    let expected = ["group.member_added true", "group.member_removed true"];
    assert_eq!(client.world.texts(events).await, expected, "told once each");
}

#[tokio::test]
async fn who_is_no_contact_of_the_tenant_is_told_and_not_added() {
    let client = Client::new().await;
    let stranger = client.of_another_tenant().await;
    let (id, theirs) = (group(&client, "VIP").await, stranger.contact().await);
    let [here, gone] = &contacts(&client, 2).await[..] else { panic!("two") };
    client.change(&format!("DELETE /v1/contacts/{gone}"), "*", Value::Null).await;
    let nobody = Uuid::now_v7().to_string();
    let body = json!({ "add": [here, gone, theirs, nobody] });
    let changed = change_members(&client, &id, body).await;
    assert_eq!(changed.status, StatusCode::OK);
    let set = |value: &Value| -> BTreeSet<String> {
        value.as_array().unwrap().iter().map(|id| id.as_str().unwrap().to_owned()).collect()
    };
    let unknown = BTreeSet::from([gone.clone(), theirs.clone(), nobody.clone()]);
    assert_eq!(
        (&changed.body["added"], set(&changed.body["unknown"])),
        (&json!(1), unknown.clone())
    );
    let body = json!({ "remove": [here, gone, theirs, nobody] });
    let changed = change_members(&client, &id, body).await;
    assert_eq!((&changed.body["removed"], set(&changed.body["unknown"])), (&json!(1), unknown));
    let before = client.everything().await;
    for contact in [gone, &theirs, &nobody] {
        for method in ["PUT", "DELETE"] {
            let path = format!("{method} /v1/groups/{id}/members/{contact}");
            assert_eq!(client.admin(&path, Value::Null).await.status, StatusCode::NOT_FOUND);
        }
        let path = format!("GET /v1/contacts/{contact}/groups");
        assert_eq!(client.admin(&path, Value::Null).await.status, StatusCode::NOT_FOUND);
    }
    // And the other way round: their contact, into our group.
    let path = format!("PUT /v1/groups/{id}/members/{theirs}");
    assert_eq!(stranger.admin(&path, Value::Null).await.status, StatusCode::NOT_FOUND);
    let answer = change_members(&stranger, &id, json!({ "add": [theirs] })).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    assert_eq!(client.everything().await, before);
}

#[tokio::test]
async fn what_is_ambiguous_or_too_much_is_refused_as_a_whole() {
    let client = Client::new().await;
    let (id, contact) = (group(&client, "VIP").await, client.contact().await);
    let before = client.everything().await;
    let many = |count: usize| (0..count).map(|_| Uuid::now_v7()).collect::<Vec<_>>();
    for (body, fault, why) in [
        (json!({ "add": [contact], "remove": [contact] }), "/remove/0 added_too", "both ways"),
        (json!({ "add": many(10_001) }), "/add out_of_range", "too many"),
        (json!({ "add": many(10_000), "remove": many(1) }), "/remove out_of_range", "together"),
        (json!({ "add": [contact, "x"] }), "/add/1 wrong_type", "no id"),
        (json!({ "add": contact }), "/add wrong_type", "no list"),
        (json!({ "set": [contact] }), "/set unknown_field", "no such field"),
    ] {
        let refused = change_members(&client, &id, body).await;
        assert_eq!(refused.faults(), [fault], "{why}");
    }
    assert_eq!(client.everything().await, before);
    let nothing = change_members(&client, &id, json!({})).await;
    assert_eq!((nothing.status, &nothing.body["added"]), (StatusCode::OK, &json!(0)));
}

#[tokio::test]
async fn counts_leave_out_who_is_archived_or_deleted() {
    let client = Client::new().await;
    let id = group(&client, "VIP").await;
    let people = contacts(&client, 3).await;
    change_members(&client, &id, json!({ "add": people })).await;
    client.change(&format!("DELETE /v1/contacts/{}", people[0]), "*", Value::Null).await;
    client
        .world
        .run("update contacts set archived_at = now() where id = (select max(id::text)::uuid from contacts)")
        .await;
    assert_eq!(read(&client, &id).await.body["contact_count"], 1);
}

#[tokio::test]
async fn a_bulk_change_that_names_itself_is_done_once() {
    let client = Client::new().await;
    let (id, contact) = (group(&client, "VIP").await, client.contact().await);
    let what = format!("POST /v1/groups/{id}/members");
    let (body, once) = (json!({ "add": [contact] }), [("idempotency-key", "bulk-1")]);
    let first = client.ask(&client.clinic.admin, &what, &once, &body).await;
    client.admin(&format!("DELETE /v1/groups/{id}/members/{contact}"), Value::Null).await;
    let again = client.ask(&client.clinic.admin, &what, &once, &body).await;
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!((&again.body, &again.body["added"]), (&first.body, &json!(1)));
    assert!(groups_of(&client, &contact).await.is_empty(), "and nothing was done");
}

#[tokio::test]
async fn ten_thousand_are_added_and_taken_out_by_one_request_each_with_its_entry() {
    let client = Client::new().await;
    let id = group(&client, "Everybody").await;
    let mut people = contacts(&client, 1).await;
    // A key opens its own contact only, so the others are made as the API makes them.
    people.extend(super::races::stored(&client, 9_999).await);
    for (body, counts) in [
        (json!({ "add": people }), ("added", 10_000)),
        (json!({ "add": people }), ("already", 10_000)),
        (json!({ "remove": people }), ("removed", 10_000)),
        (json!({ "remove": people }), ("absent", 10_000)),
    ] {
        let changed = change_members(&client, &id, body).await;
        assert_eq!(changed.status, StatusCode::OK, "{:?}", changed.body);
        assert_eq!(changed.body[counts.0], counts.1, "{:?}", changed.body["unknown"]);
    }
    for (kind, action) in [
        ("group.member_added", "group.add_member"),
        ("group.member_removed", "group.remove_member"),
    ] {
        let world = &client.world;
        let of = world
            .texts("select kind || count(distinct contact_id) from events group by kind")
            .await;
        assert!(of.contains(&format!("{kind}10000")), "{of:?}");
        let of = world
            .texts("select action || count(distinct entity) from audit_entries group by action")
            .await;
        assert!(of.contains(&format!("{action}10000")), "{of:?}");
    }
    let mut tx = client.world.db.tenant(client.clinic.id).await.unwrap();
    let chain = entries(&mut tx, Chain::Changes, 1, i64::MAX).await.unwrap();
    assert_eq!(chain.len(), 20_002);
    verify(client.clinic.id, Chain::Changes, &chain)
        .expect("the chain is whole, by whatever it was written");
}

/// One step of the property below.
#[derive(Debug, Clone)]
enum Step {
    Add(usize, usize),
    Remove(usize, usize),
    Change(usize, Vec<usize>, Vec<usize>),
    Empty(usize),
}

const GROUPS: usize = 3;
const PEOPLE: usize = 6;

fn step() -> impl Strategy<Value = Step> {
    let some = || prop::collection::vec(0..PEOPLE, 0..5);
    prop_oneof![
        (0..GROUPS, 0..PEOPLE).prop_map(|(g, c)| Step::Add(g, c)),
        (0..GROUPS, 0..PEOPLE).prop_map(|(g, c)| Step::Remove(g, c)),
        (0..GROUPS, some(), some()).prop_map(|(g, a, r)| {
            let r = r.into_iter().filter(|c| !a.contains(c)).collect();
            Step::Change(g, a, r)
        }),
        (0..GROUPS).prop_map(Step::Empty),
    ]
}

/// Whatever is done in whatever order, groups hold what sets would, answers count what changed, and each change is told.
#[tokio::test]
async fn groups_are_sets() {
    let client = Client::new().await;
    let people = contacts(&client, PEOPLE).await;
    let mut groups = Vec::new();
    for n in 0..GROUPS {
        groups.push(group(&client, &format!("Group {n}")).await);
    }
    let mut model: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
    let (mut added, mut removed) = (0, 0);
    let mut runner = TestRunner::new(Config::default());
    let steps = prop::collection::vec(step(), 150).new_tree(&mut runner).unwrap().current();
    // Shown if an assertion below fails: what is needed to do it again.
    eprintln!("{steps:?}");
    for step in steps {
        let ids = |some: &[usize]| some.iter().map(|c| people[*c].clone()).collect::<Vec<_>>();
        let (g, add, remove) = match &step {
            Step::Add(g, c) => (*g, vec![*c], vec![]),
            Step::Remove(g, c) => (*g, vec![], vec![*c]),
            Step::Change(g, add, remove) => (*g, add.clone(), remove.clone()),
            Step::Empty(g) => (*g, vec![], (0..PEOPLE).collect()),
        };
        let members = model.entry(g).or_default();
        let new = add.iter().filter(|c| members.insert(**c)).count();
        let gone = remove.iter().filter(|c| members.remove(c)).count();
        (added, removed) = (added + new, removed + gone);
        let path = |c: usize| format!("/v1/groups/{}/members/{}", groups[g], people[c]);
        match step {
            Step::Add(_, c) => {
                client.admin(&format!("PUT {}", path(c)), Value::Null).await;
            }
            Step::Remove(_, c) => {
                client.admin(&format!("DELETE {}", path(c)), Value::Null).await;
            }
            Step::Change(..) | Step::Empty(_) => {
                let body = json!({ "add": ids(&add), "remove": ids(&remove) });
                let answer = change_members(&client, &groups[g], body).await;
                assert_eq!(
                    (&answer.body["added"], &answer.body["removed"]),
                    (&json!(new), &json!(gone))
                );
            }
        }
        assert_eq!(read(&client, &groups[g]).await.body["contact_count"], members.len());
    }
    for (c, contact) in people.iter().enumerate() {
        let found: Vec<Value> = groups_of(&client, contact).await;
        let found: BTreeSet<&str> = found.iter().map(|of| of["id"].as_str().unwrap()).collect();
        let holds = |g: &usize| model.get(g).is_some_and(|members| members.contains(&c));
        let expected: BTreeSet<&str> =
            (0..GROUPS).filter(holds).map(|g| groups[g].as_str()).collect();
        assert_eq!(found, expected);
    }
    let told =
        client.world.number("select count(*) from events where kind = 'group.member_added'").await;
    assert_eq!(told, i64::try_from(added).unwrap());
    let told = client
        .world
        .number("select count(*) from events where kind = 'group.member_removed'")
        .await;
    assert_eq!(told, i64::try_from(removed).unwrap());
}
