//! Who saw what: noted for every request before its answer is sent, chained, and never lost or made up.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use futures::StreamExt;
use serde_json::{Value, json};
use shared::audit::chain::{Broken, Chain, Entry, verify};
use shared::audit::store::entries;
use shared::ids::TenantId;
use shared::testing::World;
use uuid::Uuid;

use crate::access::{Things, ask, keyed_operations};
use crate::client::{Client, ada};

async fn chain(world: &World, tenant: TenantId, chain: Chain) -> Vec<Entry> {
    let mut tx = world.db.tenant(tenant).await.unwrap();
    entries(&mut tx, chain, 1, i64::MAX).await.unwrap()
}

async fn accesses(client: &Client) -> Vec<Entry> {
    api::Accesses::start(client.world.db.clone()).seal().await.unwrap();
    chain(&client.world, client.clinic.id, Chain::Accesses).await
}

fn shown(entry: &Entry) -> BTreeSet<Uuid> {
    let ids = entry.detail.as_deref().unwrap_or_default().chunks_exact(16);
    ids.map(|id| Uuid::from_slice(id).unwrap()).collect()
}

/// The ids of people and of what is theirs, wherever they stand in an answer.
fn ids(body: &Value, found: &mut BTreeSet<Uuid>) {
    match body {
        Value::Array(items) => items.iter().for_each(|item| ids(item, found)),
        Value::Object(fields) => {
            for (name, value) in fields {
                if matches!(name.as_str(), "id" | "contact_id" | "call_id") {
                    found.extend(value.as_str().and_then(|id| id.parse::<Uuid>().ok()));
                }
                // What belongs to the one that is shown goes with it.
                if !matches!(
                    name.as_str(),
                    "next_appointment" | "appointment" | "attempts" | "flags"
                ) {
                    ids(value, found);
                }
            }
        }
        _ => {}
    }
}

#[tokio::test]
async fn every_route_that_reads_notes_who_asked_and_what_was_shown() {
    let client = Client::new().await;
    let things = Things::of(&client).await;
    let reads = keyed_operations().filter(|operation| operation.method == "GET");
    for operation in reads {
        let id = operation.id();
        let before = accesses(&client).await.len();
        let answer = ask(&client, &client.clinic.admin, &operation, &things, &Value::Null).await;
        assert_eq!(answer.status, StatusCode::OK, "{id}");
        let noted = accesses(&client).await;
        assert_eq!(noted.len(), before + 1, "{id}: one entry a request");
        let entry = noted.last().unwrap();
        assert_eq!(entry.action, format!("GET {} 200", operation.path), "no id in the action");
        assert!(entry.actor.starts_with("key:"));
        let mut seen = BTreeSet::new();
        ids(&answer.body, &mut seen);
        // A tenant's settings are the tenant's, and it is noted as such.
        seen.remove(&client.clinic.id.0);
        let missing: Vec<_> = seen.difference(&shown(entry)).copied().collect();
        assert!(
            missing.is_empty(),
            "{id} shows {missing:?}: its handler must say so (Reply::showing)"
        );
        let path = things.path(&operation);
        let named = path.split('/').find_map(|part| part.parse::<Uuid>().ok());
        assert_eq!(entry.entity, named.unwrap_or(client.clinic.id.0), "{id}");
    }
}

#[tokio::test]
async fn who_asked_too_often_or_for_what_is_not_theirs_is_noted_once() {
    let few = api::Rules::of(10, 1);
    let client =
        Client::with_world(|app, world| app.limits = api::Limits::new(few, &world.queues)).await;
    let (person, signed) = client.signed_in("client_user").await;
    let noted = accesses(&client).await.len();
    let actor = format!("user:{}", person.id);
    let mut answers = Vec::new();
    // A minute may end in between.
    while answers.last() != Some(&StatusCode::TOO_MANY_REQUESTS) && answers.len() < 40 {
        answers.push(client.by(&signed, "GET /v1/users", Value::Null).await.status);
    }
    assert_eq!(answers[0], StatusCode::FORBIDDEN);
    assert_eq!(answers.last(), Some(&StatusCode::TOO_MANY_REQUESTS));
    let mut new = accesses(&client).await.split_off(noted);
    new.retain(|entry| entry.actor == actor);
    let told: Vec<_> = new.iter().map(|entry| entry.action.clone()).collect();
    let expected: Vec<_> =
        answers.iter().map(|status| format!("GET /v1/users {}", status.as_u16())).collect();
    assert_eq!(told, expected);
}

#[tokio::test]
async fn who_goes_on_asking_after_a_refusal_fills_no_chain_and_is_counted() {
    let few = api::Rules::of(10, 1);
    let mut process = None;
    let client = Client::with_world(|app, world| {
        app.limits = api::Limits::new(few, &world.queues);
        process = Some(app.accesses.clone());
    })
    .await;
    let mut refused = 0;
    for _ in 0..60 {
        let answer = client.admin("GET /v1/tenant", Value::Null).await;
        refused += usize::from(answer.status == StatusCode::TOO_MANY_REQUESTS);
    }
    process.expect("the app's").seal().await.unwrap();
    let noted = accesses(&client).await;
    let entries = noted.iter().filter(|it| it.action == "GET /v1/tenant 429").count();
    let counted: usize = noted
        .iter()
        .filter_map(|it| it.action.strip_prefix("limit.refused_more ")?.parse::<usize>().ok())
        .sum();
    // The limit's minute may end in between, and then each has its first refusal.
    assert!((1..=2).contains(&entries), "{entries}");
    assert!(refused > 30);
    assert_eq!(entries + counted, refused, "each is on record, most as a number");
    assert!(noted.len() < 40, "{}", noted.len());
}

#[tokio::test]
async fn what_was_refused_or_not_found_is_noted_and_who_is_unknown_is_not() {
    let client = Client::new().await;
    let contact = client.contact().await;
    let absent = Uuid::now_v7();
    client.user(&format!("DELETE /v1/contacts/{contact}"), Value::Null).await;
    client.user(&format!("GET /v1/contacts/{absent}"), Value::Null).await;
    let nobody = shared::api_keys::ApiKey::generate().unwrap();
    client.ask(&nobody, &format!("GET /v1/contacts/{contact}"), &[], &Value::Null).await;
    let noted: Vec<_> = accesses(&client)
        .await
        .into_iter()
        .map(|it| (it.action.clone(), it.entity, shown(&it).len()))
        .collect();
    assert_eq!(
        noted,
        [
            ("POST /v1/contacts 201".to_owned(), client.clinic.id.0, 0),
            ("DELETE /v1/contacts/{contact} 403".to_owned(), contact.parse().unwrap(), 0),
            ("GET /v1/contacts/{contact} 404".to_owned(), absent, 0),
        ]
    );
}

#[tokio::test]
async fn both_chains_are_whole_and_any_change_to_them_shows() {
    let client = Client::new().await;
    let stranger = client.world.tenant().await;
    for _ in 0..3 {
        let id = client.contact().await;
        client.admin(&format!("GET /v1/contacts/{id}"), Value::Null).await;
        client.ask(&stranger.admin, "GET /v1/contacts", &[], &Value::Null).await;
    }
    accesses(&client).await;
    for which in [Chain::Changes, Chain::Accesses] {
        let tenant = client.clinic.id;
        let whole = chain(&client.world, tenant, which).await;
        assert!(whole.len() >= 3);
        let end = verify(tenant, which, &whole).unwrap();
        assert_eq!(end, whole.last().unwrap().chain_hash);

        let broken = |change: &dyn Fn(&mut Vec<Entry>)| {
            let mut entries = whole.clone();
            change(&mut entries);
            verify(tenant, which, &entries)
        };
        let someone = || "key:00000000-0000-0000-0000-000000000000".to_owned();
        assert_eq!(broken(&|it| it[1].actor = someone()), Err(Broken::Row(2)));
        assert_eq!(broken(&|it| it[1].detail = Some(vec![1; 16])), Err(Broken::Row(2)));
        assert_eq!(
            broken(&|it| it[1].at += chrono::Duration::microseconds(1)),
            Err(Broken::Row(2))
        );
        assert_eq!(broken(&|it| drop(it.remove(1))), Err(Broken::Numbers(3)));
        let forged = broken(&|it| {
            it[1].actor = someone();
            it[1].row_hash = it[1].hash(tenant, which);
        });
        assert_eq!(forged, Err(Broken::Link(2)), "a row that is made right breaks the chain");
        assert!(verify(stranger.id, which, &whole).is_err(), "one tenant's chain is no other's");
        assert_ne!(
            broken(&|it| drop(it.pop())),
            Ok(end.clone()),
            "a chain that was cut ends elsewhere"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_that_chain_at_once_leave_no_gap_and_no_double() {
    let client = Client::new().await;
    let processes: Vec<_> = (0..3).map(|_| api::Accesses::start(client.world.db.clone())).collect();
    let asking = (0..40).map(|_| client.admin("GET /v1/tenant", Value::Null));
    let chaining = processes.iter().cycle().take(12).map(api::Accesses::seal);
    let (answers, sealed) =
        tokio::join!(futures::future::join_all(asking), futures::future::join_all(chaining));
    assert!(answers.iter().all(|it| it.status == StatusCode::OK));
    assert!(sealed.iter().all(Result::is_ok));
    let noted = accesses(&client).await;
    assert_eq!(noted.len(), 40);
    verify(client.clinic.id, Chain::Accesses, &noted).unwrap();
    assert_eq!(client.world.number("select count(*) from pending_accesses").await, 0);
}

#[tokio::test]
async fn what_is_noted_is_chained_without_being_asked_to_whoever_noted_it() {
    let client = Client::new().await;
    // As a process leaves it that is killed right after its answer.
    client
        .world
        .run(
            "insert into pending_accesses (tenant_id, at, actor, action, entity, shown)
             select id, now(), 'key:x', 'GET /v1/contacts 200', id, '' from tenants",
        )
        .await;
    while client.world.number("select count(*) from audit_entries where chain = 'accesses'").await
        < 1
    {
        tokio::task::yield_now().await;
    }
    let noted = chain(&client.world, client.clinic.id, Chain::Accesses).await;
    verify(client.clinic.id, Chain::Accesses, &noted).unwrap();
}

#[tokio::test]
async fn what_cannot_be_noted_is_not_shown() {
    let client = Client::new().await;
    let id = client.contact().await;
    client.world.run("revoke insert on pending_accesses from vio_engine").await;
    let answer = client.admin(&format!("GET /v1/contacts/{id}"), Value::Null).await;
    assert_eq!((answer.status, answer.problem()), (StatusCode::SERVICE_UNAVAILABLE, "busy"));
    assert!(!answer.body.to_string().contains("Ada"));
    // A change that was made is told: it is in the other chain, and shows nothing that its maker didn't send.
    let made = client.admin("POST /v1/contacts", ada()).await;
    assert_eq!(made.status, StatusCode::CREATED);
    client.world.run("grant insert on pending_accesses to vio_engine").await;
    let answer = client.admin(&format!("GET /v1/contacts/{id}"), json!(null)).await;
    assert_eq!(answer.status, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_than_can_wait_is_refused_and_nothing_that_was_shown_is_dropped() {
    let client = Client::new().await;
    let asked = 1_400;
    // Held until every request has either been refused or stands in the queue.
    let held = client.world.hold("lock table pending_accesses in exclusive mode").await;
    let refused = std::sync::atomic::AtomicUsize::new(0);
    let asking = futures::stream::iter(0..asked).map(|_| async {
        let answer = client.admin("GET /v1/tenant", Value::Null).await;
        if answer.status != StatusCode::OK {
            assert_eq!(
                (answer.status, answer.problem()),
                (StatusCode::SERVICE_UNAVAILABLE, "busy")
            );
            refused.fetch_add(1, std::sync::atomic::Ordering::AcqRel);
        }
        answer.status
    });
    let asking = asking.buffer_unordered(asked).collect::<Vec<_>>();
    let letting_go = async {
        while refused.load(std::sync::atomic::Ordering::Acquire) == 0 {
            tokio::task::yield_now().await;
        }
        held.rollback().await.unwrap();
    };
    let (statuses, ()) = tokio::join!(asking, letting_go);
    let shown = statuses.iter().filter(|it| **it == StatusCode::OK).count();
    assert!(shown > 0, "those who waited were served");
    assert_eq!(
        accesses(&client).await.len(),
        shown,
        "one entry for each that was shown, none for the others"
    );
}
