//! What PostgreSQL, Redis and the processes have done so far; two readings make a measurement.

use std::collections::BTreeMap;
use std::time::Instant;

use serde_json::{Value, json};

use super::round;
use super::set::Set;
use crate::stage::process::Process;
use crate::stage::servers::Servers;

/// A reading.
#[derive(Debug)]
pub(crate) struct Reading {
    at: Instant,
    commits: i64,
    statements: i64,
    brackets: i64,
    to_dial: i64,
    wal: i64,
    redis: i64,
    cpu: BTreeMap<String, f64>,
    memory: BTreeMap<String, u64>,
}

/// What happened between two readings.
#[derive(Debug, Clone)]
pub(crate) struct Spent {
    pub(crate) seconds: f64,
    pub(crate) commits: f64,
    /// Without `begin`, `commit` and `rollback`.
    pub(crate) statements: f64,
    /// `begin`, `commit` and `rollback`.
    pub(crate) brackets: f64,
    /// Of the statements, those that look, reserve, send and dial; the others hear what came of it.
    pub(crate) to_dial: f64,
    pub(crate) wal: f64,
    pub(crate) redis: f64,
    pub(crate) cpu: BTreeMap<String, f64>,
    pub(crate) memory: BTreeMap<String, u64>,
}

/// Reads everything.
pub(crate) async fn read(set: &Set, servers: &Servers) -> anyhow::Result<Reading> {
    let (commits, wal): (i64, i64) = sqlx::query_as(
        "select xact_commit, (pg_current_wal_lsn() - '0/0')::bigint from pg_stat_database where datname = current_database()",
    )
    .fetch_one(&set.admin)
    .await?;
    let (statements, brackets, to_dial): (i64, i64, i64) = sqlx::query_as(
        "select coalesce(sum(calls) filter (where query !~* '^(begin|commit|rollback)'), 0)::bigint, \
             coalesce(sum(calls) filter (where query ~* '^(begin|commit|rollback)'), 0)::bigint, \
             coalesce(sum(calls) filter (where query ~ '(anyone_due|due_tenants|dispatch_|pg_try_advisory|dials_sent|dial_read|dial_claim|dial_placed)'), 0)::bigint \
         from pg_stat_statements s join pg_database d on d.oid = s.dbid where d.datname = current_database()",
    )
    .fetch_one(&set.admin)
    .await?;
    let mut cpu = BTreeMap::from([
        ("postgres".to_owned(), Process::cpu_of_family(servers.postgres().pid())),
        ("redis".to_owned(), servers.redis().cpu_seconds()),
        ("bench and provider".to_owned(), Process::cpu_of_family(std::process::id())),
    ]);
    let mut memory = BTreeMap::new();
    for (name, process) in &set.processes {
        cpu.insert(name.clone(), process.cpu_seconds());
        memory.insert(name.clone(), process.memory());
    }
    // The bench's own family holds the processes that it started: they are told apart.
    let own: f64 = set.processes.iter().map(|(_, process)| process.cpu_seconds()).sum();
    if let Some(bench) = cpu.get_mut("bench and provider") {
        *bench -= own;
    }
    let at = Instant::now();
    Ok(Reading {
        at,
        commits,
        statements,
        brackets,
        to_dial,
        wal,
        redis: servers.redis_commands().await?,
        cpu,
        memory,
    })
}

impl Reading {
    /// What happened from this reading to a later one.
    pub(crate) fn to(&self, later: &Self) -> Spent {
        let less = |a: i64, b: i64| (b - a) as f64;
        Spent {
            seconds: (later.at - self.at).as_secs_f64(),
            commits: less(self.commits, later.commits),
            statements: less(self.statements, later.statements),
            brackets: less(self.brackets, later.brackets),
            to_dial: less(self.to_dial, later.to_dial),
            wal: less(self.wal, later.wal),
            redis: less(self.redis, later.redis),
            cpu: later
                .cpu
                .iter()
                .map(|(name, used)| (name.clone(), used - self.cpu.get(name).unwrap_or(&0.0)))
                .collect(),
            memory: later.memory.clone(),
        }
    }
}

impl Spent {
    /// For each of `count` calls.
    pub(crate) fn per_call(&self, count: f64) -> Value {
        json!({
            "commits": round(self.commits / count),
            "statements": round(self.statements / count),
            "begin_commit_rollback": round(self.brackets / count),
            "wal_bytes": round(self.wal / count),
            "redis_commands": round(self.redis / count),
        })
    }

    /// Each process' share of a core, in percent.
    pub(crate) fn cpu_percent(&self) -> Value {
        json!(
            self.cpu
                .iter()
                .map(|(name, used)| (name, round(used * 100.0 / self.seconds)))
                .collect::<BTreeMap<_, _>>()
        )
    }

    /// Resident memory at the end, in megabytes.
    pub(crate) fn megabytes(&self) -> Value {
        json!(
            self.memory
                .iter()
                .map(|(name, bytes)| (name, round(*bytes as f64 / 1e6)))
                .collect::<BTreeMap<_, _>>()
        )
    }
}
