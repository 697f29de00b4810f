//! Jobs, as operators look at them.

use std::time::{Duration, Instant};

use anyhow::Context;
use clap::Subcommand;
use serde_json::{Value, json};
use shared::audit::{Actor, Changes};
use shared::config::Environment;
use shared::ids::{JobId, TenantId};
use shared::jobs::{Kind, NewJob, State, probe, store};
use shared::operators::store as record;
use shared::tenants::KeyRing;
use shared::tenants::store::directory;

use super::{Base, operator, tenants};

/// How long lies between two looks at what was asked for.
const LOOK: Duration = Duration::from_millis(20);

/// What to do with jobs.
#[derive(Debug, Subcommand)]
pub(crate) enum JobsAct {
    /// How many wait, run, are paused or dead, and how long the first has waited.
    Status,
    /// Put a job that does nothing into a tenant's line, and wait for its end: shows that jobs are run.
    Probe {
        /// In whose line.
        tenant: TenantId,
        /// In so many batches.
        #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000))]
        batches: u32,
        /// Seconds to wait.
        #[arg(long, default_value_t = 30)]
        wait: u64,
    },
}

/// Does it, and says what came of it.
pub(super) async fn run(
    environment: &Environment,
    base: &Base,
    act: JobsAct,
) -> anyhow::Result<Value> {
    match act {
        JobsAct::Status => {
            let line = store::line::gauges(&base.db).await?;
            Ok(json!({
                "queued": line.queued, "running": line.running, "paused": line.paused, "dead": line.dead,
                "longest_wait_seconds": line.oldest_seconds,
            }))
        }
        JobsAct::Probe { tenant, batches, wait } => {
            directory::find(&base.db, tenant).await?.with_context(|| tenants::unknown(tenant))?;
            probe_of(environment, base, tenant, batches, Duration::from_secs(wait)).await
        }
    }
}

async fn probe_of(
    environment: &Environment,
    base: &Base,
    tenant: TenantId,
    batches: u32,
    wait: Duration,
) -> anyhow::Result<Value> {
    let ring = KeyRing::new(base.keys.master.clone());
    let id = JobId::new();
    let mut tx = base.db.engine().await?;
    let detail = json!({ "tenant_id": tenant });
    record::note(&mut tx, &operator(environment)?, "jobs.probe", Some(id.0), &detail).await?;
    tx.commit().await?;
    let mut tx = base.db.tenant(tenant).await?;
    let keys = ring.of(&mut tx).await?;
    let params = serde_json::to_value(probe::Params { batches })?;
    let job = NewJob {
        kind: Kind::Probe,
        by: Actor::Platform,
        params: &params,
        facts: json!({ "batches": batches }),
        total: Some(batches.into()),
        undoes: None,
    };
    store::insert(&mut tx, &keys, id, &job).await?;
    let mut changes = Changes::by(Actor::Platform);
    changes.event("job.queued", id.0, None).entry("job.create", id.0, None);
    changes.append(&mut tx).await?;
    tx.commit().await?;

    let asked = Instant::now();
    loop {
        let mut tx = base.db.tenant(tenant).await?;
        let job = store::find(&mut tx, id).await?.context("the job is gone")?;
        tx.commit().await?;
        let over = job.state.is_end();
        if over || asked.elapsed() >= wait {
            let millis = |at: Option<chrono::DateTime<chrono::Utc>>| {
                at.map(|at| (at - job.created_at).num_milliseconds())
            };
            let next = match job.state {
                State::Done => "jobs are run",
                State::Queued => {
                    "no worker took it: does one run `jobs` (WORKER_QUEUES), and is Redis up?"
                }
                _ => "GET /v1/jobs/{job_id} in the tenant says more",
            };
            return Ok(json!({
                "job_id": id, "state": job.state, "began_after_ms": millis(job.started_at), "ended_after_ms": millis(job.ended_at),
                "next": [next],
            }));
        }
        tokio::time::sleep(LOOK).await;
    }
}
