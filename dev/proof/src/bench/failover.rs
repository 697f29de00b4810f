//! How soon others run what a worker had taken when it died, or froze.

use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use super::set::{BRIEF, Set};
use super::{Options, round};
use crate::stage::proxy::{Mode, Proxy};
use crate::stage::servers::Servers;

/// As many as one worker takes at a time.
const TASKS: i64 = 20;

pub(crate) async fn measure(options: &Options, servers: &Servers) -> anyhow::Result<Value> {
    let mut values = Map::new();
    for (name, signal) in [("killed", "KILL"), ("frozen", "STOP")] {
        let seconds = strike(options, servers, signal).await?;
        values.insert(format!("{name}_seconds_until_all_run_elsewhere"), json!(round(seconds)));
    }
    Ok(Value::Object(values))
}

/// One worker takes tasks, and can't claim them, since PostgreSQL is far away from it. It is struck; another is there.
async fn strike(options: &Options, servers: &Servers, signal: &str) -> anyhow::Result<f64> {
    let mut set = Set::build(options, servers, "failover", BRIEF).await?;
    let slow = Proxy::start(servers.postgres_address()?).await?;
    set.start_api().await?;
    let first = set.start_worker(Some(slow.address())).await?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    set.people(12, usize::try_from(TASKS)?, 1, 24).await?;
    // Reserved, sent, and taken by the only worker there is.
    set.until(1, "select count(*) from attempts where state = 'reserved'", Duration::from_secs(20))
        .await?;
    slow.set(Mode::Slow(Duration::from_secs(20)));
    tokio::time::sleep(Duration::from_millis(300)).await;
    set.start_worker(None).await?;
    let waiting = "select count(*) from attempts where state = 'reserved'";
    let left: i64 = sqlx::query_scalar(waiting).fetch_one(&set.admin).await?;
    let start = Instant::now();
    set.processes[first].1.signal(signal).await;
    set.until(
        TASKS,
        "select count(*) from attempts where intent_at is not null",
        Duration::from_secs(90),
    )
    .await?;
    let took = start.elapsed().as_secs_f64();
    println!("    failover ({signal}): {left} reservations were waiting");
    set.end().await;
    Ok(took)
}
