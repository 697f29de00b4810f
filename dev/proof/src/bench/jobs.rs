//! Long work: how soon a job begins, how many empty ones go through all of the machinery, and what a bulk change costs beside the
//! same rows changed by two plain statements.

mod export;
mod import;

use std::time::{Duration, Instant};

use futures::{StreamExt, TryStreamExt};
use serde_json::{Value, json};
use shared::audit::{Actor, Changes};
use shared::bulk::{Act, Params, Selection};
use shared::calls::rules::snapshot::AppointmentStatus;
use shared::ids::JobId;
use shared::jobs::{Kind, NewJob, probe, store};
use shared::queue::{self, Queues, Signal, Signals};

use super::set::{BRIEF, Set};
use super::{Options, quantile, round};
use crate::stage::people::Tenant;
use crate::stage::servers::Servers;

/// Tenants whose jobs are drained: nobody's share of four under way is what is measured.
const TENANTS: usize = 20;
/// Jobs that are begun one after the other.
const ALONE: usize = 200;
/// Empty jobs that are enqueued and drained.
const JOBS: usize = 10_000;
/// Who enqueues at a time.
const CALLERS: usize = 50;
/// Contacts of the bulk change.
const CONTACTS: usize = 10_000;
/// How often the bulk change and the plain statements are run, one after the other.
const ROUNDS: usize = 3;

async fn ask(set: &Set, tenant: &Tenant, kind: Kind, params: &Value) -> anyhow::Result<JobId> {
    let id = JobId::new();
    let mut tx = set.office.db.tenant(tenant.id).await?;
    let keys = set.office.keys.of(&mut tx).await?;
    let facts = json!({});
    let job = NewJob { kind, by: Actor::Worker, params, facts, total: None, undoes: None };
    store::insert(&mut tx, &keys, id, &job).await?;
    let mut changes = Changes::by(Actor::Worker);
    changes.event("job.queued", id.0, None);
    changes.append(&mut tx).await?;
    tx.commit().await?;
    Ok(id)
}

/// Waits until a job has ended.
async fn ended(set: &Set, id: JobId, longest: Duration) -> anyhow::Result<()> {
    let begun = Instant::now();
    loop {
        let ended: bool = sqlx::query_scalar("select ended_at is not null from jobs where id = $1")
            .bind(id)
            .fetch_one(&set.admin)
            .await?;
        if ended {
            return Ok(());
        }
        anyhow::ensure!(begun.elapsed() < longest, "a job never ended");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Measures all of it.
///
/// # Errors
/// Something could not be measured.
pub(crate) async fn measure(options: &Options, servers: &Servers) -> anyhow::Result<Value> {
    let mut set = Set::build(options, servers, "jobs", BRIEF).await?;
    set.also("WORKER_JOBS", "20");
    let tenants = set.people(12, TENANTS, 0, 48).await?;
    let queues = Queues::new(queue::connect(set.url_redis()).await?, "vio");
    let signals = Signals::new(&queues);
    let nothing = serde_json::to_value(probe::Params { batches: 1 })?;
    let done = "select count(*) from jobs where state = 'done'";
    let mut values = json!({});

    // Enqueued while nobody takes them, by many at a time; then drained by two processes of twenty.
    let begun = Instant::now();
    futures::stream::iter(0..JOBS)
        .map(|n| ask(&set, &tenants[n % TENANTS], Kind::Probe, &nothing))
        .buffer_unordered(CALLERS)
        .try_collect::<Vec<_>>()
        .await?;
    values["enqueued_a_second"] = json!(round(JOBS as f64 / begun.elapsed().as_secs_f64()));
    for _ in 0..2 {
        set.start_worker(None).await?;
    }
    set.until(i64::try_from(JOBS)?, done, Duration::from_secs(300)).await?;
    let seconds: f64 = sqlx::query_scalar(
        "select extract(epoch from max(ended_at) - min(started_at))::float8 from jobs",
    )
    .fetch_one(&set.admin)
    .await?;
    values["drained_a_second"] = json!(round(JOBS as f64 / seconds));

    // Idle: from the commit to the runner's claim.
    let mut last = Vec::new();
    for n in 0..ALONE {
        last.push(ask(&set, &tenants[n % TENANTS], Kind::Probe, &nothing).await?.0);
        signals.send(Signal::Jobs);
        tokio::time::sleep(Duration::from_millis(60)).await;
    }
    set.until(i64::try_from(JOBS + ALONE)?, done, Duration::from_secs(60)).await?;
    let mut waits: Vec<f64> = sqlx::query_scalar(
        "select extract(epoch from started_at - created_at)::float8 * 1000 from jobs where id = any ($1)",
    )
    .bind(&last)
    .fetch_all(&set.admin)
    .await?;
    waits.sort_by(f64::total_cmp);
    values["begins_ms"] = json!({
        "p50": round(quantile(&waits, 0.5)), "p99": round(quantile(&waits, 0.99)), "jobs": waits.len(),
    });

    values["bulk"] = bulk(&set).await?;
    values["import"] = import::measure(&set).await?;
    values["export"] = export::measure(&mut set).await?;
    let memory = set.processes.iter().map(|(_, process)| process.memory()).max();
    values["megabytes_of_a_worker"] = json!(round(memory.unwrap_or(0) as f64 / 1_048_576.0));
    set.end().await;
    Ok(values)
}

/// A status of 10,000 appointments without planned calls, there and back, beside one `UPDATE` of the same rows and one statement
/// that inserts an audit row for each, in copies of the tables with their indexes and without triggers.
async fn bulk(set: &Set) -> anyhow::Result<Value> {
    let tenant = set.people(12, 1, 0, 48).await?.remove(0);
    super::contacts::fill::fill(set, &tenant, CONTACTS, 1).await?;
    sqlx::raw_sql(
        "create table plain_appointments (like appointments including all);
         create table plain_audit (like audit_entries including all);
         analyze",
    )
    .execute(&set.admin)
    .await?;
    sqlx::query("insert into plain_appointments select * from appointments where tenant_id = $1")
        .bind(tenant.id)
        .execute(&set.admin)
        .await?;
    let (mut ours, mut plain) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        for status in [AppointmentStatus::Confirmed, AppointmentStatus::Cancelled] {
            let act = Act::Status { status, reason: "Measured".to_owned(), confirmed_by: None };
            let everybody = Selection::Found {
                query: String::new(),
                filter: Box::default(),
                hidden: Vec::new(),
            };
            let params = Params { selection: everybody, expected_count: None, act };
            let begun = Instant::now();
            let id = ask(set, &tenant, Kind::Bulk, &serde_json::to_value(params)?).await?;
            ended(set, id, Duration::from_secs(120)).await?;
            ours.push(begun.elapsed().as_secs_f64());
            let changed: Value = sqlx::query_scalar("select result from jobs where id = $1")
                .bind(id)
                .fetch_one(&set.admin)
                .await?;
            anyhow::ensure!(changed["changed"] == CONTACTS, "not all were changed: {changed}");

            let begun = Instant::now();
            let word =
                if status == AppointmentStatus::Confirmed { "confirmed" } else { "cancelled" };
            let mut tx = set.admin.begin().await?;
            sqlx::query("update plain_appointments set status = $1, version = version + 1, updated_at = now()")
                .bind(word)
                .execute(&mut *tx)
                .await?;
            sqlx::query(
                "insert into plain_audit (tenant_id, chain, n, at, actor, action, entity, detail, row_hash, chain_hash)
                 select tenant_id, 'changes', row_number() over () + $1, now(), 'worker', 'appointment.change', id,
                     decode(repeat('ab', 120), 'hex'), sha256(id::text::bytea), sha256(id::text::bytea) from plain_appointments",
            )
            .bind(i64::try_from(plain.len() * CONTACTS)?)
            .execute(&mut *tx)
            .await?;
            tx.commit().await?;
            plain.push(begun.elapsed().as_secs_f64());
        }
    }
    ours.sort_by(f64::total_cmp);
    plain.sort_by(f64::total_cmp);
    let (ours, plain) = (quantile(&ours, 0.5), quantile(&plain, 0.5));
    Ok(json!({
        "contacts": CONTACTS, "seconds": round(ours), "plain_seconds": round(plain), "ratio": round(ours / plain),
    }))
}
