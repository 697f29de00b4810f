//! The gap, the window and the day.

use chrono::Duration;

use crate::factory::Factory;

#[tokio::test]
async fn the_gap_holds_between_two_contacts_with_one_number() {
    let factory = Factory::new().await;
    let hands = factory.hands().await;
    factory.book(200, 24).await;
    factory.book(200, 24).await;
    assert_eq!(hands.look_and_dial().await.len(), 1, "one of them, in the same look");
    factory.until(3, "select count(*) from webhooks").await;
    hands.settle().await;
    factory.world.advance(Duration::hours(7)).await;
    assert!(hands.look().await.is_empty());
    assert_eq!(
        factory.word("select blocked[1] from calls where state = 'planned'").await,
        "gap_not_over"
    );
    factory.world.advance(Duration::hours(1) + Duration::minutes(1)).await;
    assert_eq!(hands.look().await.len(), 1);
}

#[tokio::test]
async fn the_twenty_sixth_call_of_a_quarter_of_an_hour_waits_for_a_token() {
    let factory = Factory::with(|config| {
        config.accounts[0].concurrency = 100;
        config.drama_numbers = false;
    })
    .await;
    let hands = factory.hands().await;
    factory.world.run("update accounts set max_concurrent = 100, starts_per_second = 10000").await;
    for digits in 200..230 {
        factory.book(digits, 24).await;
    }
    let mut dialled = 0;
    for _ in 0..3 {
        dialled += hands.look_and_dial().await.len();
    }
    assert_eq!(dialled, 25);
    factory.until(75, "select count(*) from webhooks").await;
    hands.settle().await;
    factory.world.advance(Duration::minutes(14) + Duration::seconds(50)).await;
    assert!(hands.look().await.is_empty(), "not a second too early");
    factory.world.advance(Duration::seconds(30)).await;
    assert_eq!(hands.look().await.len(), 5);
    let early = "select count(*) from attempts a where not a.token_held and \
                 a.token_back_at < greatest(a.answered_at, a.started_at) + interval '901 seconds'";
    assert_eq!(factory.world.number(early).await, 0);
}

#[tokio::test]
async fn the_day_has_its_limit_and_the_next_day_its_own() {
    let factory = Factory::new().await;
    let hands = factory.hands().await;
    factory.world.run("update tenants set policy = policy || '{\"daily_limit\": 2}'").await;
    for digits in 200..203 {
        factory.book(digits, 40).await;
        factory.world.run("update calls set due = app_clock(), earliest = app_clock(), eligible_at = app_clock()").await;
    }
    assert_eq!(hands.look_and_dial().await.len(), 2);
    factory.world.advance(Duration::hours(9)).await;
    assert!(hands.look().await.is_empty());
    factory.world.advance(Duration::hours(14)).await;
    assert_eq!(hands.look().await.len(), 1);
}
