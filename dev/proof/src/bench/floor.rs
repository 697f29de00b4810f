//! What the engine can't be faster than: apalis over Redis with a handler that does nothing, PostgreSQL with commits that
//! do next to nothing, and the disk.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use apalis::prelude::*;
use serde_json::{Value, json};
use shared::ids::{AttemptId, TenantId};
use shared::queue::{MAX_WAITING, Queue, Queues, Sending, Signal, Task, WakePoll, Wakes, connect};

use super::set::{BRIEF, Set};
use super::{Options, round};
use crate::stage::servers::Servers;

/// How long each is measured.
const TIME: Duration = Duration::from_secs(10);
/// As many as a worker handles at a time.
const AT_A_TIME: usize = 32;

pub(crate) async fn measure(options: &Options, servers: &Servers) -> anyhow::Result<Value> {
    let set = Set::build(options, servers, "limits", BRIEF).await?;
    let tasks = empty_tasks(&options.place.url_redis).await?;
    let commits = small_commits(&set, AT_A_TIME).await?;
    let alone = small_commits(&set, 1).await?;
    set.end().await;
    Ok(json!({
        "apalis_tasks_per_second": round(tasks),
        "commits_per_second_32_clients": round(commits),
        "commits_per_second_1_client": round(alone),
        "fdatasync_per_second": fdatasync(options).await,
    }))
}

/// Tasks a second through apalis-redis in our settings: pushed in batches of 100, at most as many waiting as the relay allows.
async fn empty_tasks(url: &str) -> anyhow::Result<f64> {
    let queues = Queues::new(connect(url).await?, "limits");
    let (wakes, done) = (Wakes::default(), Arc::new(AtomicUsize::new(0)));
    let worker = WorkerBuilder::new("limits")
        .backend(
            queues.storage(Queue::Dial).poll_with_strategy(WakePoll::new(wakes.of(Signal::Dial))),
        )
        .data(Arc::clone(&done))
        .concurrency(AT_A_TIME)
        .build(count);
    let running = tokio::spawn(async move { worker.run().await });
    let start = Instant::now();
    while start.elapsed() < TIME {
        if queues.waiting(Queue::Dial).await? + 100 > MAX_WAITING {
            tokio::time::sleep(Duration::from_millis(2)).await;
            continue;
        }
        let sendings: Vec<_> = (0..100)
            .map(|_| {
                let attempt = AttemptId::new();
                Sending {
                    row: attempt.0,
                    send_no: 1,
                    task: Task::Dial { tenant: TenantId::new(), attempt },
                }
            })
            .collect();
        queues.push(Queue::Dial, &sendings).await?;
        wakes.notify(Signal::Dial);
    }
    let rate = done.load(Ordering::Relaxed) as f64 / start.elapsed().as_secs_f64();
    running.abort();
    Ok(rate)
}

async fn count(_task: Value, done: Data<Arc<AtomicUsize>>) -> Result<(), BoxDynError> {
    done.fetch_add(1, Ordering::Relaxed);
    Ok(())
}

/// Commits a second of one-row updates, each client with a row of its own.
async fn small_commits(set: &Set, clients: usize) -> anyhow::Result<f64> {
    let pool = sqlx::postgres::PgPoolOptions::new()
        .max_connections(u32::try_from(clients)?)
        .connect_with((*set.admin.connect_options()).clone())
        .await?;
    sqlx::raw_sql(
        "create table if not exists floor (id int primary key, n bigint not null) with (fillfactor = 50); \
         insert into floor select g, 0 from generate_series(1, 64) g on conflict do nothing",
    )
    .execute(&pool)
    .await?;
    let start = Instant::now();
    let clients = (0..clients).map(|n| {
        let (pool, id) = (pool.clone(), i32::try_from(n + 1).unwrap_or(1));
        tokio::spawn(async move {
            let mut commits = 0usize;
            while start.elapsed() < TIME {
                let done = sqlx::query("update floor set n = n + 1 where id = $1")
                    .bind(id)
                    .execute(&pool)
                    .await;
                commits += usize::from(done.is_ok());
            }
            commits
        })
    });
    let commits: usize =
        futures::future::join_all(clients).await.into_iter().filter_map(Result::ok).sum();
    let rate = commits as f64 / start.elapsed().as_secs_f64();
    pool.close().await;
    Ok(rate)
}

/// What `pg_test_fsync` says of the method that PostgreSQL uses, in the directory of its data.
pub(super) async fn fdatasync(options: &Options) -> Value {
    let file = options.place.servers.join("postgres/fsync-test");
    let mut words = options.place.prefix.clone();
    words.push(options.place.pg_bin.join("pg_test_fsync").display().to_string());
    words.extend(["-s".to_owned(), "1".to_owned(), "-f".to_owned(), file.display().to_string()]);
    let Some((program, words)) = words.split_first() else { return Value::Null };
    let Ok(output) = tokio::process::Command::new(program).args(words).output().await else {
        return Value::Null;
    };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    // The first table is of one 8 kB write, the usual case.
    let line = text.lines().find(|line| line.trim_start().starts_with("fdatasync"));
    let rate = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<f64>().ok());
    rate.map_or(Value::Null, |rate| json!(round(rate)))
}
