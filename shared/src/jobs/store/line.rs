//! SQL of the line: whose job is sent next, that it was, and who takes it.

use uuid::Uuid;

use crate::db::{Db, Error};
use crate::ids::{JobId, SenderId, TenantId};
use crate::jobs::retry::MOST_DEATHS;
use crate::jobs::{Claimed, Kind};

/// A job to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::FromRow)]
pub struct Unsent {
    /// Whose.
    pub tenant_id: TenantId,
    /// The job.
    pub id: JobId,
    /// How often it was sent before.
    pub send_no: i32,
    /// It was sent, and nobody took it, or its runner has been silent.
    pub again: bool,
}

/// Jobs to be sent: at most `most`, and of a tenant at most `each` with those that are under way. Who has least under way comes
/// first.
///
/// # Errors
/// Any [`Error`].
pub async fn take(db: &Db, most: i32, each: i32) -> Result<Vec<Unsent>, Error> {
    Ok(sqlx::query_as("select * from jobs_take($1, $2)")
        .bind(most)
        .bind(each)
        .fetch_all(db.engine_pool())
        .await?)
}

/// Notes that jobs were sent. Call it after sending: a crash in between sends them twice under one task id.
///
/// # Errors
/// Any [`Error`].
pub async fn mark_sent(db: &Db, sent: &[Unsent]) -> Result<(), Error> {
    let tenants: Vec<Uuid> = sent.iter().map(|job| job.tenant_id.0).collect();
    let ids: Vec<Uuid> = sent.iter().map(|job| job.id.0).collect();
    let numbers: Vec<i32> = sent.iter().map(|job| job.send_no + 1).collect();
    sqlx::query("select jobs_sent($1, $2, $3)")
        .bind(tenants)
        .bind(ids)
        .bind(numbers)
        .execute(db.engine_pool())
        .await?;
    Ok(())
}

/// Redis lost what it carried: what was sent and not taken is to be sent again.
///
/// # Errors
/// Any [`Error`].
pub async fn forget_sent(db: &Db) -> Result<u64, Error> {
    let forgotten = sqlx::query(
        "update jobs set sent_at = null where state = 'queued' and sent_at is not null",
    )
    .execute(db.engine_pool())
    .await?;
    Ok(forgotten.rows_affected())
}

/// Whether another tenant's job, or one of another kind, has been waiting for a worker for more than a moment.
///
/// # Errors
/// Any [`Error`].
pub async fn others_wait(db: &Db, tenant: TenantId, kind: &str) -> Result<bool, Error> {
    Ok(sqlx::query_scalar("select jobs_others_wait($1, $2)")
        .bind(tenant)
        .bind(kind)
        .fetch_one(db.engine_pool())
        .await?)
}

#[derive(sqlx::FromRow)]
struct Row {
    id: JobId,
    kind: String,
    state: String,
    run_no: i32,
    asked_by: String,
    params: Vec<u8>,
}

/// Takes a job that was sent as number `send_no`. `None`: it is nobody's to take any more, or its runners vanished so often that it
/// is dead now.
///
/// # Errors
/// Any [`Error`].
pub async fn claim(
    db: &Db,
    tenant: TenantId,
    job: JobId,
    send_no: i32,
    runner: SenderId,
) -> Result<Option<Claimed>, Error> {
    let row: Option<Row> = sqlx::query_as(
        "select id, kind, state, run_no, asked_by, params from job_claim($1, $2, $3, $4, $5)",
    )
    .bind(tenant)
    .bind(job)
    .bind(send_no)
    .bind(runner)
    .bind(MOST_DEATHS)
    .fetch_optional(db.app_pool())
    .await?;
    let Some(row) = row else { return Ok(None) };
    if row.state != "running" {
        db.events_went_on(tenant);
        return Ok(None);
    }
    Ok(Some(Claimed {
        id: row.id,
        kind: Kind::from_word(&row.kind),
        run_no: row.run_no,
        asked_by: row.asked_by.parse().map_err(|_| Error::Unreadable("jobs.asked_by"))?,
        params: row.params,
        runner,
    }))
}

/// How the line stands, of all tenants together.
#[derive(Debug, Clone, Copy, sqlx::FromRow)]
pub struct Gauges {
    /// Jobs that wait.
    pub queued: i64,
    /// Jobs that run.
    pub running: i64,
    /// Jobs that somebody paused.
    pub paused: i64,
    /// Jobs that are dead and were not tried again.
    pub dead: i64,
    /// How long the first that could run has waited.
    pub oldest_seconds: f64,
}

/// How the line stands.
///
/// # Errors
/// Any [`Error`].
pub async fn gauges(db: &Db) -> Result<Gauges, Error> {
    Ok(sqlx::query_as(
        "select count(*) filter (where state = 'queued') as queued, count(*) filter (where state = 'running') as running,
             count(*) filter (where state = 'paused') as paused, count(*) filter (where state = 'dead') as dead,
             coalesce(extract(epoch from max(clock.now - ready_at) filter (where state = 'queued' and ready_at <= clock.now)), 0)::float8
                 as oldest_seconds
         from jobs, (select app_clock() as now offset 0) clock where state in ('queued', 'running', 'paused', 'dead')",
    )
    .fetch_one(db.engine_pool())
    .await?)
}
