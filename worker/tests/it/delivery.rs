//! From a reservation to its dial: whatever happens to Redis and to processes, one request.

use chrono::Duration;
use shared::calls::store::sweep::Unsent;
use shared::ids::AttemptId;
use shared::queue::{MAX_WAITING, Queue, Sending, Task};
use simulator::{Faults, Rule};
use worker::{relay, sweep};

use crate::by_hand::Hands;
use crate::factory::Factory;
use crate::own_redis::OwnRedis;

const SETTLED: &str = "select count(*) from calls where state = 'settled'";

/// What the relay does for one reservation.
async fn send(factory: &Factory, hands: &Hands, attempt: AttemptId) {
    let unsent = Unsent { tenant_id: factory.tenant.id, id: attempt, send_no: 0 };
    relay::send(&hands.app, &[unsent]).await.unwrap();
}

async fn waiting(factory: &Factory) -> usize {
    factory.world.queues.waiting(Queue::Dial).await.unwrap()
}

#[tokio::test]
async fn a_relay_that_dies_before_it_noted_what_it_pushed_pushes_the_same_task_again() {
    let factory = Factory::new().await;
    let hands = factory.hands().await;
    factory.book(200, 24).await;
    let attempt = hands.look().await[0];
    let task = Task::Dial { tenant: factory.tenant.id, attempt };
    let push = [Sending { row: attempt.0, send_no: 1, task }];
    factory.world.queues.push(Queue::Dial, &push).await.unwrap();
    // It died here. The sweep finds the reservation, which looks as if nobody had sent it.
    sweep::quick(&hands.app).await.unwrap();
    factory.world.advance(Duration::seconds(1)).await;
    sweep::quick(&hands.app).await.unwrap();
    assert_eq!(factory.word("select send_no::text from attempts").await, "1");
    assert_eq!(waiting(&factory).await, 1, "Redis dropped the second copy");
}

#[tokio::test]
async fn what_was_sent_and_not_taken_within_20_seconds_is_sent_again_and_dialled_once() {
    let factory = Factory::with(|config| config.drama_numbers = false).await;
    let hands = factory.hands().await;
    // Not a Redis that was wiped: what it forgot would be sent again at once.
    hands.app.sentinel.set().await.unwrap();
    factory.book(200, 24).await;
    let attempt = hands.look().await[0];
    send(&factory, &hands, attempt).await;
    sweep::quick(&hands.app).await.unwrap();
    assert_eq!(waiting(&factory).await, 1, "not yet");
    factory.world.advance(Duration::seconds(21)).await;
    sweep::quick(&hands.app).await.unwrap();
    assert_eq!(waiting(&factory).await, 2);
    let worker = factory.worker();
    factory.until(1, SETTLED).await;
    worker.drain().await;
    assert_eq!((waiting(&factory).await, factory.simulator.dials().len()), (0, 1));
}

#[tokio::test]
async fn a_wiped_redis_is_noticed_and_everything_sent_again() {
    let redis = OwnRedis::start().await;
    let factory = Factory::on(&redis).await;
    let hands = factory.hands().await;
    factory.book(200, 24).await;
    factory.book(201, 24).await;
    sweep::quick(&hands.app).await.unwrap();
    for attempt in hands.look().await {
        send(&factory, &hands, attempt).await;
    }
    redis.run("FLUSHALL").await;
    assert_eq!(waiting(&factory).await, 0);
    factory.world.advance(Duration::seconds(1)).await;
    sweep::quick(&hands.app).await.unwrap();
    assert_eq!(waiting(&factory).await, 2, "at once, and not after 20 s");

    // And under a worker that runs: it loses its registration too.
    let worker = factory.worker();
    factory.until(2, SETTLED).await;
    redis.run("FLUSHALL").await;
    factory.book(202, 24).await;
    factory.until(3, SETTLED).await;
    worker.drain().await;
    assert_eq!(factory.simulator.dials().len(), 3, "each once");
}

#[tokio::test]
async fn a_worker_that_redis_cut_off_is_started_again() {
    let redis = OwnRedis::start().await;
    let factory = Factory::on(&redis).await;
    let worker = factory.worker();
    for n in 1..=3 {
        factory.book(200 + n, 24).await;
        factory.until(n.into(), SETTLED).await;
        redis.run("CLIENT KILL TYPE normal").await;
        redis.run("CLIENT KILL TYPE pubsub").await;
    }
    worker.drain().await;
    assert_eq!(factory.simulator.dials().len(), 3);
}

#[tokio::test]
async fn a_redis_that_takes_no_number_means_no_dial_and_no_failure_of_the_provider() {
    let redis = OwnRedis::start().await;
    let factory = Factory::on(&redis).await;
    let hands = factory.hands().await;
    factory.book(200, 24).await;
    let attempt = hands.look().await[0];
    redis.run("CLIENT PAUSE 8000 WRITE").await;
    hands.dial(attempt).await;
    assert_eq!(factory.simulator.dials().len(), 0);
    assert_eq!(factory.word("select state || request_sent from attempts").await, "releasedfalse");
    assert_eq!(factory.word("select state from calls").await, "planned");
    assert_eq!(factory.world.number("select count(breaker) from accounts").await, 0);
    redis.run("CLIENT UNPAUSE").await;
    hands.look_and_dial().await;
    assert_eq!(factory.placed(), 1);
}

#[tokio::test]
async fn a_worker_that_is_stopped_finishes_what_it_dials_and_leaves_the_rest_to_others() {
    let factory = Factory::with(|config| {
        config.drama_numbers = false;
        config.rules = vec![Rule {
            faults: Some(Faults { reply_delay_ms: 1_000, ..Faults::named("slow").unwrap() }),
            ..Rule::default()
        }];
    })
    .await;
    factory.world.run("update accounts set starts_per_second = 10000").await;
    let worker = factory.worker();
    for digits in 200..210 {
        factory.book(digits, 24).await;
    }
    factory.until(1, "select least(count(*), 1) from attempts where state = 'dialling'").await;
    worker.drain().await;
    let half = "select count(*) from attempts where state in ('dialling', 'unknown')";
    assert_eq!(factory.world.number(half).await, 0, "no request is left without its answer");
    assert_eq!(factory.world.number("select count(ended_at) from senders").await, 1);
    let next = factory.worker();
    factory.until(10, SETTLED).await;
    next.drain().await;
    assert_eq!(factory.simulator.dials().len(), 10);
}

#[tokio::test]
async fn two_workers_dial_each_call_once_and_never_wait_for_each_other_in_a_circle() {
    let factory = Factory::with(|config| {
        config.drama_numbers = false;
        config.rules =
            vec![Rule { faults: Some(Faults::named("before_reply").unwrap()), ..Rule::default() }];
    })
    .await;
    factory.world.run("update accounts set starts_per_second = 10000").await;
    let (one, two) = (factory.worker(), factory.worker());
    for digits in 200..225 {
        factory.book(digits, 24).await;
    }
    factory.until(25, SETTLED).await;
    one.drain().await;
    two.drain().await;
    assert_eq!(factory.simulator.dials().len(), 25);
    let circles = "select deadlocks from pg_stat_database where datname = current_database()";
    assert_eq!(factory.world.number(circles).await, 0);
}

/// As many tasks as the queue takes, about attempts that don't exist.
async fn fill_the_queue(factory: &Factory) {
    let full: Vec<_> = (0..MAX_WAITING)
        .map(|_| {
            let attempt = AttemptId::new();
            let task = Task::Dial { tenant: factory.tenant.id, attempt };
            Sending { row: attempt.0, send_no: 1, task }
        })
        .collect();
    factory.world.queues.push(Queue::Dial, &full).await.unwrap();
}

#[tokio::test]
async fn looks_that_a_full_queue_put_off_are_taken_up_again_and_deadlines_are_kept_meanwhile() {
    let redis = OwnRedis::start().await;
    let factory = Factory::on(&redis).await;
    let hands = factory.hands().await;
    fill_the_queue(&factory).await;
    factory.book(200, 24).await;
    factory.book(201, 24).await;
    factory
        .world
        .run(
            "update calls set deadline = app_clock() - interval '1 second' where id = (select id from calls order by id limit 1)",
        )
        .await;
    let dispatching = tokio::spawn(worker::dispatch::run(hands.app.clone()));
    factory.until(1, "select count(*) from calls where state = 'refused'").await;
    assert_eq!(factory.world.number("select count(*) from attempts").await, 0, "no room");
    // Somebody worked it off. No signal comes: only the net looks.
    redis.run("FLUSHALL").await;
    factory.until(1, "select count(*) from calls where state = 'reserved'").await;
    dispatching.abort();
}

#[tokio::test]
async fn no_more_is_sent_than_the_queue_has_room_for() {
    let factory = Factory::new().await;
    let hands = factory.hands().await;
    sweep::quick(&hands.app).await.unwrap();
    factory.book(200, 24).await;
    hands.look().await;
    fill_the_queue(&factory).await;
    factory.world.advance(Duration::seconds(1)).await;
    sweep::quick(&hands.app).await.unwrap();
    assert_eq!(waiting(&factory).await, MAX_WAITING);
    assert_eq!(
        factory.word("select send_no::text from attempts").await,
        "0",
        "it stays where it is safe"
    );
}
