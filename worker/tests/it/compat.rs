//! What the release before this one left half done is finished by this one: docs/development.md, "Releases side by side".

use shared::queue::Queue;
use shared::testing::BEFORE;

use crate::factory::Factory;

/// The recording stops with a reservation whose task nobody took, and a call whose webhooks nobody applied.
#[tokio::test]
async fn tasks_that_the_release_before_left_in_redis_are_done_once() {
    let factory = Factory::left_by(BEFORE).await;
    let world = &factory.world;
    let under_way = "select count(*) from attempts where state in ('reserved', 'placed', 'ended')";
    assert_eq!(world.number(under_way).await, 2);
    assert_eq!(world.queues.waiting(Queue::Dial).await.unwrap(), 1);
    assert!(world.queues.waiting(Queue::Settle).await.unwrap() >= 1);
    let settled = world.number("select count(*) from calls where state = 'settled'").await;

    let worker = factory.worker();
    factory.until(0, "select count(*) from attempts where state in ('reserved', 'dialling', 'placed', 'ended')").await;
    factory.until(0, "select count(*) from webhooks where state = 'stored'").await;
    worker.drain().await;

    assert_eq!(
        factory.simulator.dials().len(),
        1,
        "the one reservation, and nobody who was dialled before"
    );
    assert_eq!(
        world.number("select count(*) from calls where state = 'settled'").await,
        settled + 2
    );
    // The dial's own webhooks may still be on their way.
    let failed = "select count(*) from webhooks where state not in ('stored', 'processed')";
    assert_eq!(world.number(failed).await, 0);
    assert_eq!(world.queues.waiting(Queue::Dial).await.unwrap(), 0);
    assert_eq!(world.queues.waiting(Queue::Settle).await.unwrap(), 0);
    let resent = "select count(*) from attempts where reserved_at = (select max(reserved_at) from attempts) and send_no <> 1";
    assert_eq!(
        world.number(resent).await,
        0,
        "the old task itself was done, not a new one in its place"
    );
}

/// What a dial leaves at the provider is all that a restored database has: the next release must find its own in it.
#[test]
fn metadata_that_the_release_before_gave_the_provider_names_its_attempts() {
    let mut seen = 0;
    for line in BEFORE.provider.lines() {
        let record: serde_json::Value = serde_json::from_str(line).unwrap();
        let call = serde_json::json!({ "call_id": record["call_id"], "call_status": "ended", "metadata": record["metadata"] });
        if record["call_id"].is_null() {
            continue;
        }
        let call: shared::retell::wire::Call = serde_json::from_value(call).unwrap();
        let ids = call.ids().expect("ids of ours");
        assert_eq!(ids.tenant_id, BEFORE.meta().tenant.0);
        assert!(!ids.attempt_id.is_nil() && !ids.session_id.is_nil());
        seen += 1;
    }
    assert!(seen > 5, "{seen}");
}
