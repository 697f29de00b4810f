//! Groups: made, changed, archived, deleted; who is in them, and how they fare.

mod figures;
mod members;
mod races;

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::client::{Answer, Client, ada};

/// A new group without members.
async fn group(client: &Client, name: &str) -> String {
    let made = client.admin("POST /v1/groups", json!({ "name": name, "colour": "red" })).await;
    assert_eq!(made.status, StatusCode::CREATED, "{:?}", made.body);
    made.id()
}

/// New contacts.
async fn contacts(client: &Client, count: usize) -> Vec<String> {
    let mut made = Vec::new();
    for _ in 0..count {
        made.push(client.contact().await);
    }
    made
}

async fn read(client: &Client, group: &str) -> Answer {
    client.admin(&format!("GET /v1/groups/{group}"), Value::Null).await
}

async fn change_members(client: &Client, group: &str, body: Value) -> Answer {
    client.admin(&format!("POST /v1/groups/{group}/members"), body).await
}

#[tokio::test]
async fn a_group_is_made_with_its_first_members_and_read_back() {
    let client = Client::new().await;
    let (one, two) = (client.contact().await, client.contact().await);
    let nobody = uuid::Uuid::now_v7().to_string();
    let new = json!({
        "name": "  VIP   patients ", "description": "Call before nine", "colour": "blue",
        "members": [one, two, one, nobody],
    });
    let made = client.admin("POST /v1/groups", new).await;
    assert_eq!(made.status, StatusCode::CREATED, "{:?}", made.body);
    assert_eq!((made.header("etag"), &made.body["unknown"]), ("\"1\"", &json!([nobody])));
    let found = client.user(&format!("GET {}", made.header("location")), Value::Null).await;
    for (field, value) in [
        ("name", json!("VIP   patients")),
        ("description", json!("Call before nine")),
        ("colour", json!("blue")),
        ("hex", json!("#1565c0")),
        ("contact_count", json!(2)),
        ("archived_at", Value::Null),
        ("version", json!(1)),
    ] {
        assert_eq!(found.body[field], value, "{field}");
        assert_eq!(made.body[field], value, "{field}");
    }
    assert!(found.body["created_by"].as_str().unwrap().starts_with("key:"));
    let list = client.user("GET /v1/groups", Value::Null).await;
    assert_eq!(list.body["items"], json!([found.body]));
    let events = client.world.texts("select kind from events order by n").await;
    let expected = ["contact.created", "contact.created", "group.created"];
    assert_eq!(events[..3], expected);
    assert_eq!(events[3..], ["group.member_added"; 2]);
}

#[tokio::test]
async fn a_name_is_one_groups_own_without_regard_to_case_and_accents() {
    let client = Client::new().await;
    let first = group(&client, "VIP patients").await;
    let before = client.everything().await;
    for name in ["vip PATIENTS", "VIP Pätients", "VIP  patients"] {
        let taken = client.admin("POST /v1/groups", json!({ "name": name, "colour": "red" })).await;
        let told = (taken.status, taken.problem(), &taken.body["group_id"]);
        assert_eq!(told, (StatusCode::CONFLICT, "group-name-taken", &json!(first)), "{name}");
    }
    assert_eq!(client.everything().await, before);

    let other = group(&client, "First-timers").await;
    let path = format!("PATCH /v1/groups/{other}");
    let taken = client.change(&path, "\"1\"", json!({ "name": "vip patients" })).await;
    assert_eq!((taken.status, &taken.body["group_id"]), (StatusCode::CONFLICT, &json!(first)));
    let again = client.change(&path, "\"1\"", json!({ "name": "FIRST-timers" })).await;
    assert_eq!(again.status, StatusCode::OK, "its own name, written otherwise");

    let stranger = client.world.tenant().await;
    let body = json!({ "name": "VIP patients", "colour": "red" });
    let theirs = client.ask(&stranger.admin, "POST /v1/groups", &[], &body).await;
    assert_eq!(theirs.status, StatusCode::CREATED, "another tenant's names are no matter");
}

#[tokio::test]
async fn each_wrong_field_of_a_group_is_named() {
    let client = Client::new().await;
    let path = format!("PATCH /v1/groups/{}", group(&client, "VIP").await);
    let before = client.everything().await;
    for (field, value, code, why) in [
        ("name", json!(" "), "empty", "white space"),
        ("name", json!("\u{200b}"), "empty", "nothing that is seen"),
        ("name", json!("a".repeat(51)), "too_long", "51 characters"),
        ("name", json!("a\u{7}"), "control_character", "a bell"),
        ("name", Value::Null, "wrong_type", "null"),
        ("description", json!("a".repeat(256)), "too_long", "256 characters"),
        ("description", json!(""), "empty", "leave it out instead"),
        ("colour", json!("pink"), "unknown_colour", "not of the palette"),
        ("colour", json!("#1565c0"), "unknown_colour", "a paint is no word"),
        ("members", json!(["x"]), "wrong_type", "no id"),
    ] {
        let mut body = json!({ "name": "Others", "colour": "red" });
        body[field] = value.clone();
        let answer = client.admin("POST /v1/groups", body).await;
        let at = if field == "members" { "/members/0".to_owned() } else { format!("/{field}") };
        assert_eq!(answer.faults(), [format!("{at} {code}")], "{why}");
        // In a patch, null is no name given.
        if field != "members" && !value.is_null() {
            let answer = client.change(&path, "*", json!({ field: value })).await;
            assert_eq!(answer.faults(), [format!("{at} {code}")], "{why}");
        }
    }
    let many = vec![uuid::Uuid::nil(); 10_001];
    let body = json!({ "name": "Others", "colour": "red", "members": many });
    let answer = client.admin("POST /v1/groups", body).await;
    assert_eq!(answer.faults(), ["/members out_of_range"]);
    assert_eq!(client.everything().await, before);
}

#[tokio::test]
async fn a_group_is_changed_in_the_version_that_was_read() {
    let client = Client::new().await;
    let id = group(&client, "VIP").await;
    let path = format!("PATCH /v1/groups/{id}");
    let unread = client.admin(&path, json!({ "name": "X" })).await;
    assert_eq!(unread.status, StatusCode::PRECONDITION_REQUIRED);
    let body = json!({ "name": "Regulars", "description": "Every month", "colour": "teal" });
    let changed = client.change(&path, "\"1\"", body).await;
    assert_eq!((changed.status, changed.header("etag")), (StatusCode::OK, "\"2\""));
    assert_eq!(
        (&changed.body["name"], &changed.body["hex"]),
        (&json!("Regulars"), &json!("#00796b"))
    );
    let stale = client.change(&path, "\"1\"", json!({ "name": "Lost" })).await;
    assert_eq!(stale.status, StatusCode::PRECONDITION_FAILED);
    let cleared = client.change(&path, "\"2\"", json!({ "description": null })).await;
    assert_eq!(cleared.body["description"], Value::Null);
    let same = client.change(&path, "\"3\"", json!({ "colour": "teal" })).await;
    assert_eq!(same.header("etag"), "\"3\"", "nothing changed, so there is no new version");

    let contact = client.contact().await;
    change_members(&client, &id, json!({ "add": [contact] })).await;
    assert_eq!(read(&client, &id).await.header("etag"), "\"3\"", "members come without one");
    let actions = "select action from audit_entries where chain = 'changes' and action like 'group%' order by n";
    let expected = ["group.create", "group.change", "group.change", "group.add_member"];
    assert_eq!(client.world.texts(actions).await, expected);
}

#[tokio::test]
async fn an_archived_group_is_out_of_the_lists_and_comes_back_as_it_was() {
    let client = Client::new().await;
    let id = group(&client, "VIP").await;
    let contact = client.contact().await;
    change_members(&client, &id, json!({ "add": [contact] })).await;
    let path = format!("PATCH /v1/groups/{id}");
    let archived = client.change(&path, "\"1\"", json!({ "archived": true })).await;
    assert!(archived.body["archived_at"].is_string());
    let again = client.change(&path, "\"2\"", json!({ "archived": true })).await;
    assert_eq!(again.body["archived_at"], archived.body["archived_at"], "since the first time");
    let names = async |query: &str| {
        let list = client.admin(&format!("GET /v1/groups{query}"), Value::Null).await;
        list.body["items"].as_array().unwrap().len()
    };
    assert_eq!((names("").await, names("?archived=true").await), (0, 1));
    let overview = client.admin("GET /v1/groups/overview", Value::Null).await;
    assert_eq!((&overview.body["total"], &overview.body["archived"]), (&json!(0), &json!(1)));
    let taken = client.admin("POST /v1/groups", json!({ "name": "vip", "colour": "red" })).await;
    assert_eq!(taken.problem(), "group-name-taken", "it keeps its name");
    let of_contact = client.admin(&format!("GET /v1/contacts/{contact}/groups"), Value::Null).await;
    assert_eq!(of_contact.body["items"][0]["archived"], true);

    let back = client.change(&path, "\"2\"", json!({ "archived": false })).await;
    assert_eq!((&back.body["archived_at"], &back.body["contact_count"]), (&Value::Null, &json!(1)));
    assert_eq!(names("").await, 1);
}

#[tokio::test]
async fn a_deleted_group_leaves_its_contacts_and_tells_each() {
    let client = Client::new().await;
    let id = group(&client, "VIP").await;
    let people = contacts(&client, 3).await;
    change_members(&client, &id, json!({ "add": people })).await;
    let path = format!("DELETE /v1/groups/{id}");
    assert_eq!(
        client.change(&path, "\"2\"", Value::Null).await.status,
        StatusCode::PRECONDITION_FAILED
    );
    let deleted = client.change(&path, "\"1\"", Value::Null).await;
    assert_eq!(deleted.status, StatusCode::NO_CONTENT);
    assert_eq!(read(&client, &id).await.status, StatusCode::NOT_FOUND);
    assert_eq!(client.change(&path, "*", Value::Null).await.status, StatusCode::NOT_FOUND);
    for contact in &people {
        let path = format!("/v1/contacts/{contact}");
        assert_eq!(client.admin(&format!("GET {path}"), Value::Null).await.status, StatusCode::OK);
        let groups = client.admin(&format!("GET {path}/groups"), Value::Null).await;
        assert_eq!(groups.body["items"], json!([]));
    }
    let told = "select count(distinct contact_id) from events where kind = 'group.member_removed'";
    assert_eq!(client.world.number(told).await, 3);
    group(&client, "VIP").await;
}

#[tokio::test]
async fn a_group_of_more_than_ten_thousand_is_emptied_before_it_is_deleted() {
    let client = Client::new().await;
    let id = group(&client, "Everybody").await;
    client.contact().await;
    client
        .world
        .run(
            "insert into contacts (tenant_id, id, key_wrapped, phone_eq, region, zone, created_at, updated_at)
             select c.tenant_id, gen_random_uuid(), c.key_wrapped, c.phone_eq, c.region, c.zone, now(), now()
             from contacts c, generate_series(1, 10000);
             insert into group_members (tenant_id, group_id, contact_id, added_by, added_at)
             select c.tenant_id, g.id, c.id, 'platform', now() from contacts c, groups g",
        )
        .await;
    let before = client.everything().await;
    let refused = client.change(&format!("DELETE /v1/groups/{id}"), "*", Value::Null).await;
    assert_eq!((refused.status, refused.problem()), (StatusCode::CONFLICT, "group-too-large"));
    assert_eq!(client.everything().await, before);
}

#[tokio::test]
async fn groups_are_listed_by_pages_newest_first() {
    let client = Client::new().await;
    let mut made = Vec::new();
    for n in 0..5 {
        made.insert(0, group(&client, &format!("Group {n}")).await);
    }
    let (mut found, mut query) = (Vec::new(), "?limit=2".to_owned());
    loop {
        let page = client.admin(&format!("GET /v1/groups{query}"), Value::Null).await;
        let items = page.body["items"].as_array().unwrap();
        found.extend(items.iter().map(|item| item["id"].as_str().unwrap().to_owned()));
        let Some(next) = page.body["next"].as_str() else { break };
        query = format!("?limit=2&cursor={next}");
    }
    assert_eq!(found, made);
    let unknown = client.admin("GET /v1/groups?name=VIP", Value::Null).await;
    assert_eq!(unknown.faults(), ["name unknown_parameter"]);
}

#[tokio::test]
async fn a_group_lies_sealed_in_the_chain_and_nothing_of_it_is_in_an_event() {
    let client = Client::new().await;
    let mut person = ada();
    person["email"] = json!("ada@example.com");
    let contact = client.admin("POST /v1/contacts", person).await.id();
    let body = json!({ "name": "ZEBRAS", "description": "GIRAFFES", "colour": "red", "members": [contact] });
    client.admin("POST /v1/groups", body).await;
    let rows = "select e::text from events e union all
         select a::text || coalesce(encode(detail, 'escape'), '') from audit_entries a";
    let rows = client.world.texts(rows).await.join(" ");
    assert!(rows.contains("group.add_member") && rows.contains("group.created"));
    assert!(!rows.contains("ZEBRAS") && !rows.contains("GIRAFFES"), "{rows}");
}
