//! What waiting costs: 100,000 calls that can't go, and calls behind a window.

use std::time::Duration;

use serde_json::{Value, json};

use super::set::{BRIEF, Set};
use super::{Options, counters, round};
use crate::stage::servers::Servers;

/// Calls that are due and not dialable, written past the stores: their contacts are never read.
const BULK: &str = "\
    with people as ( \
        insert into contacts (tenant_id, id, phone_eq, region, test_number, zone, created_at, updated_at) \
        select t.id, gen_random_uuid(), decode(md5(t.id::text || g), 'hex'), 'GB', true, t.zone, now(), now() \
        from tenants t cross join generate_series(1, $1::int) g where $3::uuid is null or t.id = $3 \
        returning tenant_id, id) \
    insert into calls (tenant_id, id, contact_id, kind, purpose_key, state, earliest, due, deadline, eligible_at, planned_at, updated_at) \
    select tenant_id, gen_random_uuid(), id, 'reminder', 'bench:' || id, 'planned', app_clock() - interval '1 hour', \
        app_clock() - interval '1 hour', app_clock() + $2 * interval '1 hour', app_clock() - interval '1 hour', now(), now() \
    from people";

/// 100,000 calls over a thousand tenants that are closed.
pub(crate) async fn measure(options: &Options, servers: &Servers) -> anyhow::Result<Value> {
    const TIME: Duration = Duration::from_secs(20);
    let mut set = Set::build(options, servers, "waiting", BRIEF).await?;
    set.people(3, 1_000, 0, 0).await?;
    fill(&set, 100, 60, None).await?;
    set.start_api().await?;
    let workers = [set.start_worker(None).await?, set.start_worker(None).await?];
    // Every tenant is looked at once.
    set.until(
        1_000,
        "select count(*) from dispatch_state where next_dispatch_at > app_clock() \
         and not exists (select from dispatch_wakes w where w.tenant_id = dispatch_state.tenant_id)",
        Duration::from_secs(120),
    )
    .await?;
    tokio::time::sleep(Duration::from_secs(5)).await;
    let before = counters::read(&set, servers).await?;
    tokio::time::sleep(TIME).await;
    let after = counters::read(&set, servers).await?;
    let spent = before.to(&after);
    let each: Vec<f64> = workers
        .iter()
        .filter_map(|n| spent.cpu.get(&set.processes[*n].0))
        .map(|used| round(used * 100.0 / spent.seconds))
        .collect();
    let value = json!({
        "calls_waiting": 100_000,
        "tenants": 1_000,
        "workers": workers.len(),
        "worker_cpu_percent_of_a_core": each,
        "redis_commands_per_second": round(spent.redis / spent.seconds),
        "statements_per_second": round(spent.statements / spent.seconds),
        "begin_commit_rollback_per_second": round(spent.brackets / spent.seconds),
        "cpu_percent_of_a_core": spent.cpu_percent(),
    });
    set.end().await;
    Ok(value)
}

/// One tenant at its window, with 10 calls waiting behind it and with 10,000: what a dial costs.
pub(crate) async fn measure_window(options: &Options, servers: &Servers) -> anyhow::Result<Value> {
    let mut values = serde_json::Map::new();
    for (name, behind) in [("10_waiting", 10), ("10000_waiting", 10_000)] {
        let mut set = Set::build(options, servers, "window", BRIEF).await?;
        // Two windows full can be dialled; what waits behind them has later deadlines, so that it is never reached.
        let tenants = set.people(12, 1, 50, 24).await?;
        fill(&set, behind, 120, tenants.first().map(|tenant| tenant.id.0)).await?;
        set.start_api().await?;
        set.start_worker(None).await?;
        let settled = "select count(*) from calls where state = 'settled'";
        set.until(25, settled, Duration::from_secs(60)).await?;
        tokio::time::sleep(Duration::from_secs(3)).await;
        let idle = counters::read(&set, servers).await?;
        tokio::time::sleep(Duration::from_secs(10)).await;
        let before = counters::read(&set, servers).await?;
        sqlx::query("update demo_clock set ahead = ahead + interval '16 minutes'")
            .execute(&set.admin)
            .await?;
        set.until(50, settled, Duration::from_secs(60)).await?;
        tokio::time::sleep(Duration::from_secs(2)).await;
        let after = counters::read(&set, servers).await?;
        let (resting, busy) = (idle.to(&before), before.to(&after));
        // What the timers do anyway isn't the dials' doing; nor is our own waiting, one question each 25 ms.
        let polled = sqlx::query_scalar::<_, i64>(
            "select coalesce(sum(calls), 0)::bigint from pg_stat_statements where query ~ 'state = .*settled|state = \\$1$' and query ~ '^select count'",
        )
        .fetch_one(&set.admin)
        .await
        .unwrap_or(0);
        let above = |resting_count: f64, busy_count: f64| {
            (busy_count - resting_count / resting.seconds * busy.seconds) / 25.0
        };
        values.insert(
            name.to_owned(),
            json!({
                "statements_per_dial": round(above(resting.statements, busy.statements)),
                "of_these_to_look_reserve_send_and_dial": round(above(resting.to_dial, busy.to_dial)),
                "begin_commit_rollback_per_dial": round(above(resting.brackets, busy.brackets)),
                "statements_per_second_at_rest": round(resting.statements / resting.seconds),
                "questions_of_the_bench": polled,
            }),
        );
        set.end().await;
    }
    Ok(Value::Object(values))
}

async fn fill(set: &Set, each: i32, hours: i32, tenant: Option<uuid::Uuid>) -> anyhow::Result<()> {
    sqlx::query(BULK).bind(each).bind(hours).bind(tenant).execute(&set.admin).await?;
    sqlx::raw_sql("analyze").execute(&set.admin).await?;
    Ok(())
}
