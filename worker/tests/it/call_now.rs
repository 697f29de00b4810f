//! *Call now*: taken over, given back, one call however often it is pressed.

use chrono::Duration;
use shared::calls::rules::planning::Planned;
use shared::calls::store::front;
use shared::calls::store::plan::NewCall;
use shared::ids::CallId;
use shared::testing::Booking;

use crate::factory::Factory;

/// Presses *call now* for a contact's appointment.
async fn front(factory: &Factory, booking: Booking) -> front::Fronted {
    let now = factory.world.db.now().await.unwrap();
    let mut tx = factory.world.db.tenant(factory.tenant.id).await.unwrap();
    let until = now + Duration::hours(5);
    let purpose = shared::calls::plan::reminder_purpose(booking.appointment, 1);
    let call = NewCall {
        id: CallId::new(),
        contact: booking.contact,
        appointment: Some(booking.appointment),
        kind: "call_now",
        purpose: &purpose,
        times: Planned { earliest: now, due: now, deadline: until, eligible_at: now },
        warn_at: until,
        priority: 0,
        front_until: Some(now + Duration::minutes(10)),
    };
    let fronted = front::front(&mut tx, now, &call).await.unwrap();
    tx.commit().await.unwrap();
    fronted
}

#[tokio::test]
async fn a_reminder_of_next_week_that_somebody_wants_called_now_is_called_now() {
    let factory = Factory::new().await;
    let hands = factory.hands().await;
    let booking = factory.book(200, 120).await;
    assert!(hands.look().await.is_empty());
    front(&factory, booking).await;
    assert_eq!(hands.look().await.len(), 1);
}

#[tokio::test]
async fn call_now_takes_over_is_given_back_and_is_one_call_however_often_it_is_pressed() {
    let factory = Factory::new().await;
    let hands = factory.hands().await;
    let planned = factory.book(200, 120).await;
    factory.world.run("update tenants set paused_at = app_clock()").await;
    let first = front(&factory, planned).await;
    assert!(!first.new && !first.under_way, "it takes over the reminder");
    let again = front(&factory, planned).await;
    assert_eq!(again.id, first.id, "pressed twice it is one call");

    factory.world.advance(Duration::minutes(9)).await;
    hands.look().await;
    assert_eq!(factory.word("select state || front::text from calls").await, "plannedtrue");
    factory.world.advance(Duration::minutes(2)).await;
    hands.look().await;
    assert_eq!(factory.word("select state || front::text from calls").await, "plannedfalse");
    assert_eq!(
        factory.word("select kind from events where kind = 'call.given_back'").await,
        "call.given_back"
    );

    // A call that did not exist before is withdrawn.
    factory.world.run("update calls set state = 'withdrawn' where state = 'planned'").await;
    assert!(front(&factory, planned).await.new);
    factory.world.advance(Duration::minutes(11)).await;
    hands.look().await;
    assert_eq!(
        factory.word("select ended_reason from calls where kind = 'call_now'").await,
        "call_now_expired"
    );

    // While a dial is under way it answers that call.
    let under_way = factory.book(201, 24).await;
    factory.world.run("update tenants set paused_at = null").await;
    assert_eq!(hands.look().await.len(), 1);
    assert!(front(&factory, under_way).await.under_way);
}
