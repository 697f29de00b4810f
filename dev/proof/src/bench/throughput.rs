//! Calls a second from planned to settled by webhook, over a thousand tenants and one account, and what each costs.

use std::time::Duration;

use serde_json::{Value, json};

use super::set::{BRIEF, Set};
use super::{Options, counters, round};
use crate::stage::real_ms;
use crate::stage::servers::Servers;

const TENANTS: usize = 1_000;
/// As many as may be dialled in 15 minutes.
const WINDOW: usize = 25;
const WARM_UP: Duration = Duration::from_secs(5);

pub(crate) async fn measure(options: &Options, servers: &Servers) -> anyhow::Result<Value> {
    let mut set = Set::build(options, servers, "throughput", BRIEF).await?;
    // More than can be dialled while it is measured, so that there is always something due.
    let guests = (400 * (options.seconds as usize + 10) / TENANTS).clamp(1, WINDOW);
    set.people(12, TENANTS, guests, 24).await?;
    set.start_api().await?;
    set.start_worker(None).await?;
    set.start_worker(None).await?;
    tokio::time::sleep(WARM_UP).await;

    let (before, from) = (counters::read(&set, servers).await?, real_ms());
    let settled = "select count(*) from calls where state = 'settled'";
    let settled_before: i64 = sqlx::query_scalar(settled).fetch_one(&set.admin).await?;
    tokio::time::sleep(Duration::from_secs(options.seconds)).await;
    let settled_after: i64 = sqlx::query_scalar(settled).fetch_one(&set.admin).await?;
    let (after, until) = (counters::read(&set, servers).await?, real_ms());

    let spent = before.to(&after);
    let dialled =
        |dial: &&simulator::DialRecord| dial.accepted && (from..until).contains(&dial.received_at);
    let dials = set.simulator.dials().iter().filter(dialled).count();
    let calls = (settled_after - settled_before) as f64;
    let (tasks, left): (i64, i64) = sqlx::query_as(
        "select coalesce(sum(send_no), 0)::bigint, (select count(*) from calls where state = 'planned') from attempts",
    )
    .fetch_one(&set.admin)
    .await?;
    let (attempts, webhooks): (i64, i64) =
        sqlx::query_as("select (select count(*) from attempts), (select count(*) from webhooks)")
            .fetch_one(&set.admin)
            .await?;
    // Read once: dials go on, and two readings would be compared with each other.
    let record = set.simulator.dials();
    let asked: Vec<_> =
        record.iter().filter_map(crate::stage::witness::Dial::of).map(|it| it.attempt).collect();
    let different: std::collections::BTreeSet<_> = asked.iter().collect();
    let twice = asked.len() - different.len();
    let heaviest: Vec<(String, i64, f64)> = sqlx::query_as(
        "select left(regexp_replace(query, '\\s+', ' ', 'g'), 60), calls, total_exec_time / 1000 \
         from pg_stat_statements s join pg_database d on d.oid = s.dbid where d.datname = current_database() \
         order by total_exec_time desc limit 6",
    )
    .fetch_all(&set.admin)
    .await?;
    let heaviest: Vec<Value> = heaviest
        .into_iter()
        .map(|(words, calls, seconds)| json!({"statement": words, "calls": calls, "seconds": round(seconds)}))
        .collect();
    let value = json!({
        "tenants": TENANTS,
        "planned": TENANTS * guests,
        "still_planned": left,
        "seconds": round(spent.seconds),
        "dialled_per_second": round(dials as f64 / spent.seconds),
        "settled_per_second": round(calls / spent.seconds),
        "double_dials": twice,
        "per_call": spent.per_call(calls),
        "dial_tasks_per_attempt": round(tasks as f64 / attempts.max(1) as f64),
        "webhooks_per_attempt": round(webhooks as f64 / attempts.max(1) as f64),
        "heaviest_statements": heaviest,
        "cpu_percent_of_a_core": spent.cpu_percent(),
        "resident_megabytes": spent.megabytes(),
    });
    set.end().await;
    Ok(value)
}
