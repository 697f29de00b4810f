//! What the worker makes of webhooks that were stored: whose word they are decides what they may change.

use shared::ids::WebhookId;
use shared::testing::{Inhabitant, World};
use shared::webhooks::{Source, seal, store};
use worker::app::App;
use worker::settle::settle;

use crate::agreement::idle_worker;

/// A world with one call under way, and its id.
async fn ringing() -> (World, App, Inhabitant, String) {
    let world = World::new().await;
    let app = idle_worker(&world);
    let tenant = world.tenant().await;
    world.book(&tenant, "+447700900001", 48).await;
    world
        .run(
            "update calls set state = 'in_progress';
             insert into attempts (tenant_id, id, call_id, contact_id, account_id, purpose_key, number_eq, state, reserved_at,
                 expires_at, dialled_at, intent_at, answered_at, provider_call_id)
             select k.tenant_id, gen_random_uuid(), k.id, k.contact_id, t.account_id, k.purpose_key, c.phone_eq, 'placed',
                 app_clock(), app_clock(), app_clock(), app_clock(), app_clock(), 'call_1'
             from calls k join contacts c on c.id = k.contact_id join tenants t on t.id = k.tenant_id",
        )
        .await;
    let call = world.texts("select id::text from calls").await.remove(0);
    (world, app, tenant, call)
}

/// Stores and settles; what became of it.
async fn told(world: &World, app: &App, source: Source, body: &[u8]) -> String {
    let received = seal(world.keys.master(), source, body).unwrap();
    let ids: Vec<WebhookId> = store::store(&world.db, &[received]).await.unwrap();
    settle(app, &ids).await.unwrap();
    let what = "select concat_ws(' ', state, result, body is null) from webhooks order by received_at desc limit 1";
    world.texts(what).await.remove(0)
}

async fn calls(world: &World) -> Vec<String> {
    world.texts("select concat_ws(' ', k.state, a.state, a.outcome) from calls k join attempts a on a.call_id = k.id").await
}

#[tokio::test]
async fn a_report_about_another_tenants_session_changes_nothing() {
    let (world, app, tenant, call) = ringing().await;
    let stranger = world.tenant().await;
    let report = format!(
        r#"{{"session_id":"{call}","call_outcome":"answered","appointment_action":"confirmed"}}"#
    );
    let heard = told(&world, &app, Source::Tenant(stranger.id), report.as_bytes()).await;
    assert_eq!(heard, "ignored not_ours t");
    assert_eq!(calls(&world).await, ["in_progress placed"]);

    let heard = told(&world, &app, Source::Tenant(tenant.id), report.as_bytes()).await;
    assert_eq!(heard, "processed applied t");
    assert_eq!(calls(&world).await, ["settled settled answered_confirmed"]);
}

#[tokio::test]
async fn what_is_not_about_a_call_of_the_account_is_ignored() {
    let (world, app, tenant, _) = ringing().await;
    let stranger = world.tenant().await;
    let ended = br#"{"event":"call_ended","call":{"call_id":"call_1","call_status":"ended","disconnection_reason":"dial_no_answer"}}"#;
    for (source, body, why) in [
        (Source::Account(tenant.account), &b"hello"[..], "no JSON"),
        (Source::Account(tenant.account), &b"{}"[..], "no event"),
        (Source::Account(tenant.account), &br#"{"event":"call_ended"}"#[..], "no call"),
        (
            Source::Account(tenant.account),
            &br#"{"event":"call_ended","call":{"call_id":"call_2"}}"#[..],
            "nobody's call",
        ),
        (Source::Account(stranger.account), &ended[..], "another account's call"),
        (Source::Tenant(tenant.id), &b"hello"[..], "no report"),
    ] {
        assert_eq!(told(&world, &app, source, body).await, "ignored not_ours t", "{why}");
        assert_eq!(calls(&world).await, ["in_progress placed"], "{why}");
    }
    assert_eq!(
        told(&world, &app, Source::Account(tenant.account), ended).await,
        "processed applied t"
    );
    assert_ne!(calls(&world).await, ["in_progress placed"]);
}

#[tokio::test]
async fn a_webhook_that_fails_again_and_again_takes_no_neighbour_with_it_and_is_given_up() {
    let (world, app, tenant, _) = ringing().await;
    let ended = br#"{"event":"call_ended","call":{"call_id":"call_1","call_status":"ended","disconnection_reason":"dial_no_answer"}}"#;
    let source = Source::Account(tenant.account);
    let keys = world.keys.master();
    let poison =
        seal(keys, source, br#"{"event":"call_started","call":{"call_id":"call_1"}}"#).unwrap();
    let neighbour = seal(keys, source, ended).unwrap();
    let ids = store::store(&world.db, &[poison]).await.unwrap();
    // A body that no key opens.
    world.run("update webhooks set body = overlay(body placing '\\x0000' from 30)").await;
    let ids = [ids, store::store(&world.db, &[neighbour]).await.unwrap()].concat();
    for tried in 1..=10 {
        settle(&app, &ids).await.unwrap();
        let states = world
            .texts("select concat_ws(' ', state, tries) from webhooks order by received_at")
            .await;
        let poisoned = if tried < 10 { format!("stored {tried}") } else { "dead 10".to_owned() };
        assert_eq!(states, [poisoned, "processed 1".to_owned()]);
    }
    assert_ne!(calls(&world).await, ["in_progress placed"], "the neighbour was applied");
    settle(&app, &ids).await.unwrap();
    assert_eq!(
        world.number("select max(tries)::bigint from webhooks").await,
        10,
        "it is not tried again"
    );
}

#[tokio::test]
async fn the_same_words_of_two_senders_are_two_webhooks() {
    let world = World::new().await;
    let (one, other) = (world.tenant().await, world.tenant().await);
    let body = br#"{"session_id":"s","call_outcome":"answered"}"#;
    let sources = [
        Source::Tenant(one.id),
        Source::Tenant(other.id),
        Source::Account(one.account),
        Source::Account(other.account),
    ];
    let sealed = || sources.map(|source| seal(world.keys.master(), source, body).unwrap());
    assert_eq!(store::store(&world.db, &sealed()).await.unwrap().len(), 4);
    assert_eq!(
        store::store(&world.db, &sealed()).await.unwrap().len(),
        0,
        "of each the second is dropped"
    );
}
