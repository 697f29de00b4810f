//! Small reads over HTTP: how many a second, how soon, and what knowing who asks adds to each.

use std::time::Duration;

use anyhow::Context as _;
use serde_json::{Value, json};
use tokio::process::Command;
use uuid::Uuid;

use super::load::{self, Target};
use super::set::{BRIEF, Set};
use super::{Options, counters, quantile, round};
use crate::stage::process::Process;
use crate::stage::servers::Servers;

/// So many that none reaches its limit of requests a minute.
const TENANTS: usize = 250;
/// Small reads a second: the target.
const RATE: f64 = 2_000.0;
/// So few that nothing waits for anything: what is left is what a request costs.
const CALM: f64 = 150.0;
const WARM_UP: Duration = Duration::from_secs(3);

pub(crate) async fn measure(options: &Options, servers: &Servers) -> anyhow::Result<Value> {
    let mut set = Set::build(options, servers, "api", BRIEF).await?;
    let tenants = set.people(12, TENANTS, 1, 48).await?;
    set.start_api().await?;
    let bare_address = set.start_bare().await?;
    sqlx::raw_sql("vacuum analyze").execute(&set.admin).await?;

    let calls: Vec<(Uuid, Uuid)> =
        sqlx::query_as("select tenant_id, id from calls").fetch_all(&set.admin).await?;
    let key = |tenant: Uuid| {
        let found = tenants.iter().find(|it| it.id.0 == tenant);
        found.map(|it| it.api_key.as_str())
    };
    let whole = Target::new(
        set.api_address,
        calls.iter().map(|(tenant, call)| (format!("/v1/calls/{call}"), key(*tenant))),
    );
    let read = Target::new(
        bare_address,
        calls.iter().map(|(tenant, call)| (format!("/calls/{tenant}/{call}"), None)),
    );
    let constant = Target::new(bare_address, [("/constant".to_owned(), None)]);
    for target in [&whole, &read, &constant] {
        load::run(target, 500.0, WARM_UP).await?;
    }

    let time = Duration::from_secs(options.seconds.clamp(5, 60));
    let mut values = json!({ "tenants": TENANTS, "seconds": time.as_secs() });
    values["constant_2000_per_second"] = load::run(&constant, RATE, time).await?.report();
    values["same_read_unguarded_2000_per_second"] = load::run(&read, RATE, time).await?.report();
    sqlx::query("select pg_stat_statements_reset()").execute(&set.admin).await?;
    let before = counters::read(&set, servers).await?;
    let noted = accesses(&set).await?;
    let full = load::run(&whole, RATE, time).await?;
    values["api_2000_per_second"] = full.report();
    let spent = before.to(&counters::read(&set, servers).await?);
    values["api_cpu_percent_of_a_core"] = spent.cpu_percent();
    values["api_per_request"] = spent.per_call(full.due.len() as f64);
    values["megabytes"] = spent.megabytes();
    values["heaviest_statements"] = heaviest(&set).await?;
    values["accesses_noted_per_request"] =
        json!(round((accesses(&set).await? - noted) as f64 / full.due.len() as f64));
    values["added_per_request"] = added(&whole, &read, &constant).await?;
    values["pgbench"] = pgbench(options, &set, calls.first().context("no call")?).await?;
    set.end().await;
    Ok(values)
}

async fn heaviest(set: &Set) -> anyhow::Result<Value> {
    let rows: Vec<(String, i64, f64)> = sqlx::query_as(
        "select left(regexp_replace(query, '\\s+', ' ', 'g'), 60), calls, total_exec_time / calls * 1000 \
         from pg_stat_statements s join pg_database d on d.oid = s.dbid where d.datname = current_database() \
         order by total_exec_time desc limit 10",
    )
    .fetch_all(&set.admin)
    .await?;
    let row = |(words, calls, micros): &(String, i64, f64)| json!({ "statement": words, "calls": calls, "mean_us": round(*micros) });
    Ok(rows.iter().map(row).collect())
}

async fn accesses(set: &Set) -> anyhow::Result<i64> {
    Ok(sqlx::query_scalar(
        "select (select count(*) from pending_accesses) + (select count(*) from audit_entries where chain = 'accesses')",
    )
    .fetch_one(&set.admin)
    .await?)
}

/// Medians of calm rounds that take turns, so that what disturbs the machine disturbs all.
async fn added(whole: &Target, read: &Target, constant: &Target) -> anyhow::Result<Value> {
    let mut times = [Vec::new(), Vec::new(), Vec::new()];
    for _ in 0..5 {
        for (target, times) in [whole, read, constant].into_iter().zip(&mut times) {
            times.extend(load::run(target, CALM, Duration::from_secs(2)).await?.sent);
        }
    }
    let [whole, read, constant] = times.map(|mut times| {
        times.sort_by(f64::total_cmp);
        quantile(&times, 0.5)
    });
    Ok(json!({
        "api_p50_ms": round(whole), "same_read_unguarded_p50_ms": round(read),
        "constant_p50_ms": round(constant), "added_p50_ms": round(whole - read),
    }))
}

/// PostgreSQL's own load generator with the statement that finds the call, as the role that serves and under row security:
/// at the same rate, and as fast as it goes.
async fn pgbench(options: &Options, set: &Set, call: &(Uuid, Uuid)) -> anyhow::Result<Value> {
    let script = options.place.state.join("read.sql");
    let (tenant, id) = call;
    std::fs::write(
        &script,
        format!(
            "select id, contact_id, appointment_id, kind, state, earliest, due, deadline, priority, front, outcome, \
             ended_reason from calls where id = '{id}';\n"
        ),
    )?;
    let mut values = serde_json::Map::new();
    for (name, words) in [("at_2000_per_second", &["-R", "2000"][..]), ("unthrottled", &[])] {
        let out = Command::new(options.place.pg_bin.join("pgbench"))
            .args(["-n", "-M", "prepared", "-c", "8", "-j", "2", "-T", "8", "-f"])
            .arg(&script)
            .args(words)
            .arg(set.url_app())
            .env("PGOPTIONS", format!("-c app.tenant_id={tenant}"))
            .output()
            .await
            .context("pgbench is beside the server's programs")?;
        let text = String::from_utf8_lossy(&out.stdout).into_owned();
        let why = String::from_utf8_lossy(&out.stderr).into_owned();
        anyhow::ensure!(out.status.success(), "pgbench failed: {why}");
        let figure = |label: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(label))?;
            line.trim_start_matches([' ', '=']).split(' ').next()?.parse::<f64>().ok()
        };
        let tps = figure("tps").map(round);
        let average = figure("latency average").map(round);
        values.insert(name.to_owned(), json!({ "per_second": tps, "average_ms": average }));
    }
    Ok(Value::Object(values))
}

impl Set {
    /// Starts what the API is compared with, and waits until it listens.
    async fn start_bare(&mut self) -> anyhow::Result<std::net::SocketAddr> {
        let address = super::set::free_address()?;
        let program = std::env::current_exe()?.display().to_string();
        let listen = address.to_string();
        let command = [program, "bare".to_owned(), "--listen".to_owned(), listen];
        let urls = [("PROOF_URL_APP", self.url_app()), ("PROOF_URL_ENGINE", self.url_engine())];
        let env: Vec<_> = urls.map(|(name, url)| (name.to_owned(), url.to_owned())).into();
        let bare = Process::start(self.state(), "bare", &command, &env).await?;
        self.processes.push(("bare".to_owned(), bare));
        super::set::listening(address).await?;
        Ok(address)
    }
}
