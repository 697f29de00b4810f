//! What apalis does on Redis, good and bad. These tests stand for nothing of ours by themselves: they show, when a
//! release of apalis changes, which of our precautions can go and which are needed more than before.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use apalis::prelude::*;
use serde_json::{Value, json};
use shared::ids::{AttemptId, TenantId};
use shared::queue::{MAX_WAITING, Queue, Queues, Sending, Task, WakePoll, sweep_finished};
use shared::testing::World;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use crate::factory::Factory;
use crate::own_redis::OwnRedis;

/// What ran, in order.
type Ran = Arc<Mutex<Vec<Value>>>;

async fn note(task: Value, ran: Data<Ran>) -> Result<(), BoxDynError> {
    ran.lock().unwrap().push(task.clone());
    let ms = task["takes_ms"].as_u64().unwrap_or(0);
    tokio::time::sleep(Duration::from_millis(ms)).await;
    Ok(())
}

/// A worker as ours are made, but for what it does. Returns what became of it.
fn worker(queues: &Queues, name: &str, ran: &Ran) -> JoinHandle<bool> {
    let storage = queues.storage(Queue::Settle);
    let worker = WorkerBuilder::new(format!("{}-{name}", queues.prefix()))
        .backend(storage.poll_with_strategy(WakePoll::new(Arc::new(Notify::new()))))
        .data(Arc::clone(ran))
        .concurrency(1)
        .build(note);
    tokio::spawn(async move { worker.run().await.is_ok() })
}

async fn until_ran(ran: &Ran, count: usize, patience: Duration) -> bool {
    tokio::time::timeout(patience, async {
        while ran.lock().unwrap().len() < count {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await
    .is_ok()
}

/// Pushes past our own `push`, as apalis does it.
async fn push_plainly(queues: &Queues, tasks: impl Iterator<Item = (String, Value)>) {
    let tasks: Vec<_> = tasks
        .map(|(id, task)| TaskBuilder::new(task).task_id(TaskId::from_string(id)).build())
        .collect();
    let mut storage = queues.storage(Queue::Settle);
    for chunk in tasks.chunks(500) {
        storage.push_all(futures::stream::iter(chunk.to_vec())).await.unwrap();
    }
}

fn numbered(count: usize, takes_ms: u64) -> impl Iterator<Item = (String, Value)> {
    (0..count).map(move |n| (format!("{n}:1"), json!({"n": n, "takes_ms": takes_ms})))
}

async fn count(queues: &Queues, command: &str, key: &str) -> i64 {
    let key = format!("{}.settle:{key}", queues.prefix());
    redis::cmd(command).arg(key).query_async(&mut queues.conn()).await.unwrap()
}

#[tokio::test]
async fn a_task_id_that_was_seen_is_dropped_even_once_it_is_done() {
    let world = World::new().await;
    let ran = Ran::default();
    push_plainly(&world.queues, numbered(1, 0)).await;
    push_plainly(&world.queues, numbered(1, 0)).await;
    let running = worker(&world.queues, "a", &ran);
    assert!(until_ran(&ran, 1, Duration::from_secs(10)).await);
    push_plainly(&world.queues, numbered(2, 0)).await;
    assert!(until_ran(&ran, 2, Duration::from_secs(10)).await);
    let numbers: Vec<_> = ran.lock().unwrap().iter().map(|task| task["n"].as_u64()).collect();
    assert_eq!(numbers, [Some(0), Some(1)]);
    running.abort();
}

#[tokio::test]
async fn eight_thousand_due_tasks_wedge_a_queue_and_ours_never_has_so_many() {
    const { assert!(MAX_WAITING < 7_000, "well below what Lua can unpack") };
    let redis = OwnRedis::start().await;
    let world = Factory::on(&redis).await.world.clone();
    let ran = Ran::default();
    push_plainly(&world.queues, numbered(8_500, 0)).await;
    let ended = tokio::time::timeout(Duration::from_secs(20), worker(&world.queues, "a", &ran));
    assert!(!ended.await.expect("the defect is gone: it went on").unwrap(), "it died");
    assert!(ran.lock().unwrap().is_empty(), "the defect is gone: tasks ran");
}

#[tokio::test]
async fn with_batches_of_one_no_task_runs_twice_while_its_worker_lives() {
    let world = World::new().await;
    let ran = Ran::default();
    // Longer in all than the six seconds after which a silent worker's tasks are given to others.
    push_plainly(&world.queues, numbered(4, 4_000)).await;
    let (a, b) = (worker(&world.queues, "a", &ran), worker(&world.queues, "b", &ran));
    assert!(until_ran(&ran, 4, Duration::from_secs(25)).await);
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(ran.lock().unwrap().len(), 4);
    a.abort();
    b.abort();
}

#[tokio::test]
async fn after_a_death_only_the_interrupted_task_runs_again_and_soon() {
    let world = World::new().await;
    let ran = Ran::default();
    let tasks = [("0:1", 0u64), ("1:1", 60_000), ("2:1", 0)];
    for (id, takes_ms) in tasks {
        push_plainly(
            &world.queues,
            std::iter::once((id.to_owned(), json!({"n": id, "takes_ms": takes_ms}))),
        )
        .await;
    }
    let dying = worker(&world.queues, "a", &ran);
    while !ran.lock().unwrap().iter().any(|task| task["takes_ms"] == 60_000) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let before = ran.lock().unwrap().len();
    dying.abort();
    let next = worker(&world.queues, "b", &ran);
    // The one that was interrupted, and whatever had not begun.
    assert!(until_ran(&ran, before + (3 - before) + 1, Duration::from_secs(15)).await);
    let again = ran.lock().unwrap().iter().filter(|task| task["n"] == "1:1").count();
    assert_eq!((again, ran.lock().unwrap().len()), (2, 4));
    next.abort();
}

#[tokio::test]
async fn a_payload_of_another_release_ends_no_worker_of_ours() {
    let factory = Factory::with(|config| config.drama_numbers = false).await;
    let worker = factory.worker();
    for (queue, payload) in [
        (Queue::Dial, json!({"task": "of_the_future", "what": 1})),
        (Queue::Dial, json!("nonsense")),
        (Queue::Settle, json!(null)),
    ] {
        let mut storage = factory.world.queues.storage(queue);
        storage.push(payload).await.unwrap();
    }
    factory.book(200, 24).await;
    factory.until(1, "select count(*) from calls where state = 'settled'").await;
    worker.drain().await;
}

#[tokio::test]
async fn a_redis_that_stalls_does_not_make_our_polls_stop() {
    let redis = OwnRedis::start().await;
    let world = Factory::on(&redis).await.world.clone();
    let ran = Ran::default();
    let running = worker(&world.queues, "a", &ran);
    for n in 0..4 {
        redis.run("CLIENT PAUSE 700 ALL").await;
        let id = format!("{n}:1");
        push_plainly(&world.queues, std::iter::once((id, json!({"n": n})))).await;
        let soon = until_ran(&ran, n + 1, Duration::from_secs(4)).await;
        assert!(soon, "task {n}: apalis' own strategy sleeps until its next heartbeat");
    }
    running.abort();
}

#[tokio::test]
async fn what_we_push_is_active_at_once_whatever_the_pusher_s_clock_says() {
    let world = World::new().await;
    push_plainly(&world.queues, numbered(1, 0)).await;
    assert_eq!(
        count(&world.queues, "ZCARD", "scheduled").await,
        1,
        "apalis: due by the pusher's clock"
    );
    // As if it had been pushed by a machine whose clock is ten minutes ahead.
    let task = Task::Dial { tenant: TenantId::new(), attempt: AttemptId::new() };
    let row = uuid::Uuid::now_v7();
    let ahead: i64 = redis::cmd("ZADD")
        .arg(format!("{}.settle:scheduled", world.queues.prefix()))
        .arg(4_000_000_000u64)
        .arg(format!("{row}:1"))
        .query_async(&mut world.queues.conn())
        .await
        .unwrap();
    assert_eq!(ahead, 1);
    world.queues.push(Queue::Settle, &[Sending { row, send_no: 1, task }]).await.unwrap();
    assert_eq!(count(&world.queues, "LLEN", "active").await, 1);
    assert_eq!(count(&world.queues, "ZCARD", "scheduled").await, 1, "only the plain one");
}

#[tokio::test]
async fn our_janitor_removes_finished_tasks_and_nothing_else() {
    let world = World::new().await;
    let ran = Ran::default();
    push_plainly(&world.queues, numbered(3, 0)).await;
    let running = worker(&world.queues, "a", &ran);
    assert!(until_ran(&ran, 3, Duration::from_secs(10)).await);
    let acknowledged = async {
        while count(&world.queues, "SCARD", "done").await < 3 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), acknowledged).await.unwrap();
    running.abort();
    let _ended = running.await;
    push_plainly(&world.queues, (10..12).map(|n| (format!("{n}:1"), json!({"n": n})))).await;

    assert_eq!(sweep_finished(&world.queues, Queue::Settle).await.unwrap(), 3);
    assert_eq!(sweep_finished(&world.queues, Queue::Settle).await.unwrap(), 0);
    assert_eq!(count(&world.queues, "SCARD", "done").await, 0);
    assert_eq!(count(&world.queues, "HLEN", "data").await, 2, "what waits keeps its payload");
    let next = worker(&world.queues, "b", &ran);
    assert!(until_ran(&ran, 5, Duration::from_secs(10)).await, "and runs");
    next.abort();
}

/// Whether a worker with `tasks` of a second each ends within three seconds of being told to.
async fn ends_when_told(tasks: usize, concurrency: usize) -> bool {
    let world = World::new().await;
    let ran = Ran::default();
    push_plainly(&world.queues, numbered(tasks, 1_000)).await;
    let storage = world.queues.storage(Queue::Settle);
    let worker = WorkerBuilder::new(format!("{}-a", world.queues.prefix()))
        .backend(storage.poll_with_strategy(WakePoll::new(Arc::new(Notify::new()))))
        .data(Arc::clone(&ran))
        .concurrency(concurrency)
        .build(note);
    let (stop, told) = tokio::sync::oneshot::channel::<()>();
    let running = tokio::spawn(worker.run_until(async move {
        let _ = told.await;
        Ok::<(), std::io::Error>(())
    }));
    assert!(until_ran(&ran, 1, Duration::from_secs(10)).await);
    stop.send(()).unwrap();
    tokio::time::timeout(Duration::from_secs(3), running).await.is_ok()
}

#[tokio::test]
async fn a_worker_with_tasks_may_never_end_when_told_to_so_ours_counts_its_handlers() {
    assert!(ends_when_told(1, 2).await, "with one it does");
    for _ in 0..5 {
        if !ends_when_told(10, 10).await {
            return;
        }
    }
    panic!("the defect is gone: the carrier need not count its handlers any more");
}
