//! Long work: from the line to its end, whoever is killed, and who has the next turn.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use shared::ids::{JobId, SenderId};
use shared::jobs::store::acts::{self, Act};
use shared::jobs::store::run::{Batch, Opened};
use shared::jobs::store::{self, line, run};
use shared::jobs::{Claimed, Job, State, Step};
use shared::queue::{Queue, Signal};
use shared::testing::{Inhabitant, World};

use crate::agreement::idle_worker;
use crate::by_hand::sql;
use crate::factory::start_worker;

/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(30);

async fn ask(world: &World, tenant: &Inhabitant, batches: u32) -> JobId {
    let id = world.probe_job(tenant, batches).await;
    world.signals.send(Signal::Jobs);
    id
}

async fn read(world: &World, tenant: &Inhabitant, id: JobId) -> Job {
    let mut tx = world.db.tenant(tenant.id).await.unwrap();
    store::find(&mut tx, id).await.unwrap().unwrap()
}

async fn until(world: &World, tenant: &Inhabitant, id: JobId, state: State) -> Job {
    let waited = tokio::time::timeout(PATIENCE, async {
        loop {
            let job = read(world, tenant, id).await;
            if job.state == state {
                return job;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    match waited.await {
        Ok(job) => job,
        Err(_) => panic!("never {state:?}: {:?}", read(world, tenant, id).await),
    }
}

async fn act(world: &World, tenant: &Inhabitant, id: JobId, act: Act) -> Option<Job> {
    let mut tx = world.db.tenant(tenant.id).await.unwrap();
    let job = acts::lock(&mut tx, id).await.unwrap().unwrap();
    let now = shared::tenants::store::now(&mut tx).await.unwrap();
    let after = acts::act(&mut tx, &job, act, now).await.unwrap();
    tx.commit().await.unwrap();
    after
}

/// Takes a job as a runner of this name would, by hand.
async fn claim(world: &World, tenant: &Inhabitant, id: JobId, runner: SenderId) -> Option<Claimed> {
    line::claim(&world.db, tenant.id, id, i32::MAX, runner).await.unwrap()
}

async fn open(world: &World, tenant: &Inhabitant, job: &Claimed) -> Option<Box<Batch>> {
    match Batch::open(&world.db, &world.keys, tenant.id, job).await.unwrap() {
        Opened::Batch(batch) => Some(batch),
        Opened::Lost => None,
    }
}

async fn silence(world: &World, id: JobId) {
    let text = format!(
        "update jobs set beat_at = app_clock() - interval '7 seconds' where id = '{}'",
        id.0
    );
    world.run(sql(text)).await;
}

#[tokio::test]
async fn a_job_goes_from_the_line_through_redis_to_its_end_and_tells_of_it() {
    let world = Arc::new(World::new().await);
    let tenant = world.tenant().await;
    let dir = std::env::temp_dir().join(format!("vio-jobs-{}", uuid::Uuid::now_v7()));
    let worker = start_worker(&world, &dir);
    let id = ask(&world, &tenant, 5).await;
    let job = until(&world, &tenant, id, State::Done).await;
    assert_eq!((job.progress.done, job.progress.total), (5, Some(5)));
    assert_eq!(job.result, Some(json!({ "batches": 5 })));
    assert!(job.started_at.is_some() && job.ended_at.is_some() && job.sent_at.is_none());
    let told = world.texts("select kind from events where kind like 'job.%' order by n").await;
    assert_eq!(told.first().map(String::as_str), Some("job.queued"));
    assert_eq!(told.last().map(String::as_str), Some("job.done"));
    worker.drain().await;
    std::fs::remove_dir_all(dir).unwrap();
}

#[tokio::test]
async fn a_runner_that_another_has_replaced_can_write_nothing() {
    let world = World::new().await;
    let tenant = world.tenant().await;
    let id = ask(&world, &tenant, 3).await;
    let (old, new) = (SenderId::new(), SenderId::new());
    let first = claim(&world, &tenant, id, old).await.unwrap();
    assert!(claim(&world, &tenant, id, new).await.is_none(), "the first one lives");
    silence(&world, id).await;
    let second = claim(&world, &tenant, id, new).await.unwrap();
    assert_eq!(second.run_no, first.run_no + 1);
    assert!(open(&world, &tenant, &first).await.is_none(), "frozen, and too late");
    assert!(!run::beat(&world.db, tenant.id, &first).await.unwrap());
    assert_eq!(run::fail(&world.db, tenant.id, &first, "late", 0.5).await.unwrap(), None);
    run::give_way(&world.db, tenant.id, &first, Duration::ZERO).await.unwrap();
    assert_eq!(read(&world, &tenant, id).await.state, State::Running, "the second one has it");
    let batch = open(&world, &tenant, &second).await.unwrap();
    let done = Step::Done(json!({}));
    assert_eq!(batch.keep(&second, &done).await.unwrap(), State::Done);
}

#[tokio::test]
async fn what_a_killed_runner_had_in_hand_is_not_done_and_the_next_begins_there() {
    let world = World::new().await;
    let tenant = world.tenant().await;
    let id = ask(&world, &tenant, 3).await;
    let first = claim(&world, &tenant, id, SenderId::new()).await.unwrap();
    let mut batch = open(&world, &tenant, &first).await.unwrap();
    (batch.place, batch.progress.done) = (json!({ "at": 1 }), 1);
    batch.keep(&first, &Step::More).await.unwrap();
    let mut batch = open(&world, &tenant, &first).await.unwrap();
    (batch.place, batch.progress.done) = (json!({ "at": 2 }), 2);
    batch.release().await.unwrap();
    silence(&world, id).await;
    let second = claim(&world, &tenant, id, SenderId::new()).await.unwrap();
    let batch = open(&world, &tenant, &second).await.unwrap();
    assert_eq!((batch.place.clone(), batch.progress.done), (json!({ "at": 1 }), 1));
}

#[tokio::test]
async fn a_job_that_kills_its_workers_is_set_aside_after_three_and_one_that_gets_on_is_not() {
    let world = World::new().await;
    let tenant = world.tenant().await;
    let (poison, unlucky) = (ask(&world, &tenant, 9).await, ask(&world, &tenant, 9).await);
    for death in 1..=5 {
        let claimed = claim(&world, &tenant, unlucky, SenderId::new()).await.expect("gets on");
        let batch = open(&world, &tenant, &claimed).await.unwrap();
        batch.keep(&claimed, &Step::More).await.unwrap();
        silence(&world, unlucky).await;
        let claimed = claim(&world, &tenant, poison, SenderId::new()).await;
        assert_eq!(claimed.is_some(), death <= 3, "death {death}");
        silence(&world, poison).await;
    }
    let dead = read(&world, &tenant, poison).await;
    assert_eq!((dead.state, dead.reason.as_deref()), (State::Dead, Some("killed_its_workers")));
    let mut tx = world.db.tenant(tenant.id).await.unwrap();
    let failed = store::failures(&mut tx, poison).await.unwrap();
    assert_eq!(failed.iter().map(|f| f.code.as_str()).collect::<Vec<_>>(), ["died"; 3]);
    drop(tx);
    let told = world.number("select count(*) from events where kind = 'job.dead'").await;
    assert_eq!(told, 1);
    // Somebody mended what was wrong: it has all its tries again.
    assert_eq!(act(&world, &tenant, poison, Act::Retry).await.unwrap().state, State::Queued);
    assert!(claim(&world, &tenant, poison, SenderId::new()).await.is_some());
}

#[tokio::test]
async fn a_failure_is_tried_again_later_and_the_last_one_is_the_end() {
    let world = World::new().await;
    let tenant = world.tenant().await;
    let id = ask(&world, &tenant, 1).await;
    for failure in 1..=8 {
        let claimed = claim(&world, &tenant, id, SenderId::new()).await.unwrap();
        let state = run::fail(&world.db, tenant.id, &claimed, "database_away", 1.0).await.unwrap();
        let job = read(&world, &tenant, id).await;
        if failure < 8 {
            assert_eq!(state, Some(State::Queued));
            assert!(job.ready_at > job.created_at, "it waits");
            assert!(claim(&world, &tenant, id, SenderId::new()).await.is_none(), "not before");
            world
                .run(sql(format!("update jobs set ready_at = app_clock() where id = '{}'", id.0)))
                .await;
        } else {
            assert_eq!((state, job.state), (Some(State::Dead), State::Dead));
            assert_eq!(job.reason.as_deref(), Some("database_away"));
        }
    }
}

#[tokio::test]
async fn a_job_at_work_is_cancelled_and_paused_between_two_batches() {
    let world = World::new().await;
    let tenant = world.tenant().await;
    for (wish, state) in [(Act::Cancel, State::Cancelled), (Act::Pause, State::Paused)] {
        let id = ask(&world, &tenant, 9).await;
        let claimed = claim(&world, &tenant, id, SenderId::new()).await.unwrap();
        assert_eq!(act(&world, &tenant, id, wish).await.unwrap().state, State::Running);
        let batch = open(&world, &tenant, &claimed).await.unwrap();
        assert!(batch.wants.is_some());
        assert_eq!(batch.keep(&claimed, &Step::More).await.unwrap(), state);
        assert!(open(&world, &tenant, &claimed).await.is_none());
        if state == State::Paused {
            assert!(claim(&world, &tenant, id, SenderId::new()).await.is_none());
            act(&world, &tenant, id, Act::Resume).await.unwrap();
            assert!(claim(&world, &tenant, id, SenderId::new()).await.is_some());
        }
    }
}

#[tokio::test]
async fn progress_never_goes_back() {
    let world = World::new().await;
    let tenant = world.tenant().await;
    let id = ask(&world, &tenant, 9).await;
    let claimed = claim(&world, &tenant, id, SenderId::new()).await.unwrap();
    for (said, shown) in [(5, 5), (0, 5), (7, 7)] {
        let mut batch = open(&world, &tenant, &claimed).await.unwrap();
        batch.progress.done = said;
        batch.keep(&claimed, &Step::More).await.unwrap();
        assert_eq!(read(&world, &tenant, id).await.progress.done, shown);
    }
}

#[tokio::test]
async fn who_has_least_under_way_is_sent_first_and_nobody_more_than_their_share() {
    let world = World::new().await;
    let (busy, quiet) = (world.tenant().await, world.tenant().await);
    for _ in 0..10 {
        ask(&world, &busy, 1).await;
    }
    let small = ask(&world, &quiet, 1).await;
    let sent = line::take(&world.db, 100, 4).await.unwrap();
    assert_eq!(sent.len(), 5, "four of one, one of the other");
    let place = sent.iter().position(|job| job.id == small).unwrap();
    assert!(place < 2, "the second at the latest: {place}");
    line::mark_sent(&world.db, &sent).await.unwrap();
    assert!(
        line::take(&world.db, 100, 4).await.unwrap().is_empty(),
        "all of their share is under way"
    );
    // One of them is done: the next has its place.
    let first = sent.iter().find(|job| job.tenant_id == busy.id).unwrap();
    let claimed = claim(&world, &busy, first.id, SenderId::new()).await.unwrap();
    let batch = open(&world, &busy, &claimed).await.unwrap();
    batch.keep(&claimed, &Step::Done(json!({}))).await.unwrap();
    assert_eq!(line::take(&world.db, 100, 4).await.unwrap().len(), 1);
}

#[tokio::test]
async fn what_redis_lost_and_what_fell_silent_is_sent_again_under_a_new_number() {
    let world = World::new().await;
    let tenant = world.tenant().await;
    let (lost, silent) = (ask(&world, &tenant, 1).await, ask(&world, &tenant, 1).await);
    let sent = line::take(&world.db, 9, 9).await.unwrap();
    line::mark_sent(&world.db, &sent).await.unwrap();
    claim(&world, &tenant, silent, SenderId::new()).await.unwrap();
    assert!(line::take(&world.db, 9, 9).await.unwrap().is_empty());
    world
        .run(sql(format!(
            "update jobs set sent_at = app_clock() - interval '21 seconds';
             update jobs set beat_at = app_clock() - interval '21 seconds' where id = '{}'",
            silent.0
        )))
        .await;
    let again = line::take(&world.db, 9, 9).await.unwrap();
    let mut ids: Vec<_> = again.iter().map(|job| (job.id, job.again)).collect();
    ids.sort_unstable();
    let mut want = [(lost, true), (silent, true)];
    want.sort_unstable();
    assert_eq!(ids, want);
    assert!(again.iter().any(|job| job.id == lost && job.send_no == 1));
}

#[tokio::test]
async fn a_job_of_an_unknown_kind_waits_for_a_newer_release() {
    let world = World::new().await;
    let tenant = world.tenant().await;
    let id = ask(&world, &tenant, 1).await;
    world.run(sql("update jobs set kind = 'of_tomorrow'".to_owned())).await;
    let app = idle_worker(&world);
    worker::jobs::turn::take(&app, tenant.id, id, 1).await.unwrap();
    let state =
        world.texts("select state || ' ' || (ready_at > app_clock())::text from jobs").await;
    assert_eq!(state, ["queued true"]);
    assert_eq!(app.queues.waiting(Queue::Work).await.unwrap(), 0);
}

#[tokio::test]
async fn another_tenants_job_is_not_seen() {
    let world = World::new().await;
    let (tenant, other) = (world.tenant().await, world.tenant().await);
    let id = ask(&world, &tenant, 1).await;
    let mut tx = world.db.tenant(other.id).await.unwrap();
    assert!(store::find(&mut tx, id).await.unwrap().is_none());
    assert!(acts::lock(&mut tx, id).await.unwrap().is_none());
    assert!(claim(&world, &other, id, SenderId::new()).await.is_none());
}

#[tokio::test]
async fn old_jobs_are_forgotten_with_what_became_of_their_rows() {
    let world = World::new().await;
    let tenant = world.tenant().await;
    let (old, young) = (ask(&world, &tenant, 1).await, ask(&world, &tenant, 1).await);
    for id in [old, young] {
        act(&world, &tenant, id, Act::Cancel).await.unwrap();
    }
    world
        .run(sql(format!(
            "update jobs set ended_at = app_clock() - interval '31 days' where id = '{0}';
             insert into job_items (tenant_id, job_id, n, outcome) select tenant_id, id, 1, 'done' from jobs",
            old.0
        )))
        .await;
    let app = idle_worker(&world);
    assert_eq!(worker::jobs::keeping::round(&app).await.unwrap(), 1);
    let left =
        world.texts("select id::text from jobs union all select job_id::text from job_items").await;
    assert_eq!(left, [young.0.to_string(), young.0.to_string()]);
}
