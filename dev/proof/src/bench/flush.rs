//! How soon a flushed Redis is noticed, and full again, while 10,000 calls are due and the queue is at its cap.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use shared::queue::{Queue, Queues, Sentinel, connect};
use simulator::{Faults, Rule};

use super::set::{BRIEF, Set};
use super::{Options, round};
use crate::stage::servers::Servers;
use crate::stage::witness::Dial;

pub(crate) async fn measure(options: &Options, servers: &Servers) -> anyhow::Result<Value> {
    let mut set = Set::build(options, servers, "flush", BRIEF).await?;
    set.people(12, 1_000, 10, 24).await?;
    // So slow that the queue fills up.
    let slow = Faults { reply_delay_ms: 2_000, ..Faults::none() };
    set.simulator.set_rules(&[Rule { faults: Some(slow), ..Rule::default() }])?;
    set.start_api().await?;
    set.start_worker(None).await?;
    set.start_worker(None).await?;
    let queues = Queues::new(connect(&options.place.url_redis).await?, "vio");
    let sentinel = Sentinel::new(&queues);
    let full = wait(&queues, 350, Duration::from_secs(60)).await?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let before = queues.waiting(Queue::Dial).await?;

    let start = Instant::now();
    servers.flush_redis().await?;
    while !sentinel.stands().await? {
        anyhow::ensure!(start.elapsed() < Duration::from_secs(60), "nobody noticed the flush");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let noticed = start.elapsed();
    let again = wait(&queues, before * 9 / 10, Duration::from_secs(60)).await? + noticed;
    tokio::time::sleep(Duration::from_secs(5)).await;
    let dials = set.simulator.dials();
    let attempts: std::collections::BTreeSet<_> =
        dials.iter().filter_map(Dial::of).map(|dial| dial.attempt).collect();
    let value = json!({
        "calls_due": 10_000,
        "waiting_before": before,
        "first_full_after_seconds": round(full.as_secs_f64()),
        "noticed_after_seconds": round(noticed.as_secs_f64()),
        "full_again_after_seconds": round(again.as_secs_f64()),
        "dials": dials.len(),
        "double_dials": dials.len() - attempts.len(),
    });
    set.end().await;
    Ok(value)
}

async fn wait(queues: &Queues, want: usize, limit: Duration) -> anyhow::Result<Duration> {
    let start = Instant::now();
    loop {
        let waiting = queues.waiting(Queue::Dial).await?;
        if waiting >= want {
            return Ok(start.elapsed());
        }
        anyhow::ensure!(start.elapsed() < limit, "only {waiting} of {want} tasks wait");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
