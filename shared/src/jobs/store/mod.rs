//! SQL of jobs: asking for one, showing them, and what became of what they touched.

pub mod acts;
pub mod items;
pub mod line;
pub mod run;

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{Job, Kind, NewJob, Progress, State, Wish};
use crate::crypto::{TenantField, TenantKeys};
use crate::db::{Db, Error, TenantTx};
use crate::ids::JobId;
use crate::paging::{Cursor, Page, Slice};
use crate::telemetry::traces;
use crate::tenants::KeyError;

/// A job's columns, as they are shown.
macro_rules! columns {
    () => {
        "id, kind, state, asked_by, facts, created_at, ready_at, started_at, ended_at, sent_at, run_no, beat_at, ran_ms, wants, \
         reason, failures, total, done, failed, result, undoes, undone_by"
    };
}
pub(crate) use columns;

#[derive(sqlx::FromRow)]
struct Row {
    id: JobId,
    kind: String,
    state: String,
    asked_by: String,
    facts: serde_json::Value,
    created_at: DateTime<Utc>,
    ready_at: DateTime<Utc>,
    started_at: Option<DateTime<Utc>>,
    ended_at: Option<DateTime<Utc>>,
    sent_at: Option<DateTime<Utc>>,
    run_no: i32,
    beat_at: Option<DateTime<Utc>>,
    ran_ms: i64,
    wants: Option<String>,
    reason: Option<String>,
    failures: i32,
    total: Option<i64>,
    done: i64,
    failed: i64,
    result: Option<serde_json::Value>,
    undoes: Option<JobId>,
    undone_by: Option<JobId>,
}

impl Row {
    fn open(self) -> Result<Job, Error> {
        let unknown = Error::Unreadable;
        Ok(Job {
            id: self.id,
            kind: Kind::from_word(&self.kind).ok_or(unknown("jobs.kind"))?,
            state: State::from_word(&self.state).ok_or(unknown("jobs.state"))?,
            asked_by: self.asked_by,
            facts: self.facts,
            created_at: self.created_at,
            ready_at: self.ready_at,
            started_at: self.started_at,
            ended_at: self.ended_at,
            sent_at: self.sent_at,
            run_no: self.run_no,
            beat_at: self.beat_at,
            ran: std::time::Duration::from_millis(self.ran_ms.unsigned_abs()),
            wants: self.wants.as_deref().and_then(Wish::from_word),
            reason: self.reason,
            failures: self.failures.unsigned_abs(),
            progress: Progress {
                total: self.total.map(i64::unsigned_abs),
                done: self.done.unsigned_abs(),
                failed: self.failed.unsigned_abs(),
            },
            result: self.result,
            undoes: self.undoes,
            undone_by: self.undone_by,
        })
    }
}

/// A count as PostgreSQL keeps it.
pub(crate) fn count(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// Puts a job into the line, in the transaction of whoever asks for it. It is told (`job.queued`) and audited by the caller's
/// [`crate::audit::Changes`].
///
/// # Errors
/// Any [`KeyError`].
pub async fn insert(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    id: JobId,
    job: &NewJob<'_>,
) -> Result<(), KeyError> {
    let params = Zeroizing::new(job.params.to_string());
    let params = keys.seal(TenantField::JobParams, id.0, params.as_bytes())?;
    sqlx::query(
        "insert into jobs (tenant_id, id, kind, asked_by, params, facts, created_at, ready_at, total, undoes, trace)
         select tid(), $1, $2, $3, $4, $5, now, now, $6, $7, $8 from (select app_clock() as now) clock",
    )
    .bind(id)
    .bind(job.kind.as_str())
    .bind(job.by.to_string())
    .bind(params)
    .bind(&job.facts)
    .bind(job.total.map(count))
    .bind(job.undoes)
    .bind(traces::current().map(|trace| trace.to_string()))
    .execute(tx.conn())
    .await
    .map_err(Error::from)?;
    Ok(())
}

/// A job of the tenant.
///
/// # Errors
/// Any [`Error`].
pub async fn find(tx: &mut TenantTx, id: JobId) -> Result<Option<Job>, Error> {
    let row: Option<Row> =
        sqlx::query_as(concat!("select ", columns!(), " from jobs where id = $1"))
            .bind(id)
            .fetch_optional(tx.conn())
            .await?;
    row.map(Row::open).transpose()
}

/// Which jobs are listed.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Those that stand so; any, if empty.
    pub states: Vec<State>,
    /// Those that do this; any, if empty.
    pub kinds: Vec<Kind>,
}

/// The tenant's jobs, the last one first. Of a kind that only a newer release knows there is nothing to show, and no list fails for it.
///
/// # Errors
/// Any [`Error`].
pub async fn list(tx: &mut TenantTx, filter: &Filter, slice: Slice) -> Result<Page<Job>, Error> {
    let (at, id) = slice.bounds();
    let states: Vec<&str> = filter.states.iter().map(|state| state.as_str()).collect();
    let kinds = if filter.kinds.is_empty() { Kind::ALL } else { &filter.kinds };
    let kinds: Vec<&str> = kinds.iter().map(|kind| kind.as_str()).collect();
    let rows: Vec<Row> = sqlx::query_as(concat!(
        "select ",
        columns!(),
        " from jobs where ($1::timestamptz is null or id < $2)
             and ($4::text[] = '{}' or state = any($4)) and kind = any($5)
         order by id desc limit $3"
    ))
    .bind(at)
    .bind(id)
    .bind(slice.ask())
    .bind(states)
    .bind(kinds)
    .fetch_all(tx.conn())
    .await?;
    let jobs = rows.into_iter().map(Row::open).collect::<Result<_, _>>()?;
    Ok(Page::cut(jobs, slice, |job: &Job| Cursor { at: job.created_at, id: job.id.0 }))
}

/// Where queued jobs stand.
#[derive(Debug, Default)]
pub struct Places {
    before: HashMap<JobId, u64>,
    /// How many of the tenant's jobs are at work.
    pub running: u64,
}

impl Places {
    /// How many of the tenant's jobs are before this one.
    pub fn before(&self, job: JobId) -> u64 {
        self.before.get(&job).copied().unwrap_or(0)
    }
}

/// Where those of `jobs` that are queued stand in their tenant's line, and how many jobs are at work.
///
/// # Errors
/// Any [`Error`].
pub async fn places(tx: &mut TenantTx, jobs: &[Job]) -> Result<Places, Error> {
    let queued: Vec<JobId> =
        jobs.iter().filter(|job| job.state == State::Queued).map(|job| job.id).collect();
    if queued.is_empty() {
        return Ok(Places::default());
    }
    let rows: Vec<(JobId, i64, i64)> = sqlx::query_as(
        "select l.id, l.before, (select count(*) from jobs where state = 'running')
         from (select id, row_number() over (order by ready_at, id) - 1 as before from jobs where state = 'queued') l
         where l.id = any ($1)",
    )
    .bind(queued)
    .fetch_all(tx.conn())
    .await?;
    let running = rows.first().map_or(0, |row| row.2.unsigned_abs());
    Ok(Places {
        before: rows.into_iter().map(|row| (row.0, row.1.unsigned_abs())).collect(),
        running,
    })
}

/// A run that failed.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Failed {
    /// Which run.
    pub run_no: i32,
    /// When.
    pub at: DateTime<Utc>,
    /// Of whom: a process.
    pub runner: Option<Uuid>,
    /// Why: a word of ours.
    pub code: String,
}

/// The runs of a job that failed, the last 50, the last one first.
///
/// # Errors
/// Any [`Error`].
pub async fn failures(tx: &mut TenantTx, id: JobId) -> Result<Vec<Failed>, Error> {
    Ok(sqlx::query_as(
        "select run_no, at, runner, code from job_failures where job_id = $1 order by run_no desc limit 50",
    )
    .bind(id)
    .fetch_all(tx.conn())
    .await?)
}

/// Jobs that ended so long ago are forgotten, with what became of each thing that they touched: at most `most` of a tenant.
///
/// # Errors
/// Any [`Error`].
pub async fn prune(tx: &mut TenantTx, days: i32, most: i64) -> Result<u64, Error> {
    let pruned = sqlx::query(
        "delete from jobs where (tenant_id, id) in (
             select tenant_id, id from jobs where ended_at < (select app_clock()) - make_interval(days => $1)
             order by ended_at limit $2 for update skip locked)",
    )
    .bind(days)
    .bind(most)
    .execute(tx.conn())
    .await?;
    Ok(pruned.rows_affected())
}

/// Tenants with jobs that ended so long ago, at most 20.
///
/// # Errors
/// Any [`Error`].
pub async fn with_old(db: &Db, days: i32) -> Result<Vec<crate::ids::TenantId>, Error> {
    Ok(sqlx::query_scalar(
        "select distinct tenant_id from (
             select tenant_id from jobs where ended_at < (select app_clock()) - make_interval(days => $1)
             order by ended_at limit 1000) old limit 20",
    )
    .bind(days)
    .fetch_all(db.engine_pool())
    .await?)
}

/// What a job was asked for.
///
/// # Errors
/// Any [`KeyError`]; [`Error::Unreadable`] if a newer release wrote it.
pub async fn params<T: serde::de::DeserializeOwned>(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    id: JobId,
) -> Result<Option<T>, KeyError> {
    let sealed: Option<Vec<u8>> = sqlx::query_scalar("select params from jobs where id = $1")
        .bind(id)
        .fetch_optional(tx.conn())
        .await
        .map_err(Error::from)?;
    let Some(sealed) = sealed else { return Ok(None) };
    let opened = keys.open(TenantField::JobParams, id.0, &sealed)?;
    Ok(Some(serde_json::from_slice(&opened).map_err(|_| Error::Unreadable("jobs.params"))?))
}

/// Notes which job takes a job back.
///
/// # Errors
/// Any [`Error`].
pub async fn undone_by(tx: &mut TenantTx, job: JobId, by: JobId) -> Result<(), Error> {
    sqlx::query("update jobs set undone_by = $2 where id = $1")
        .bind(job)
        .bind(by)
        .execute(tx.conn())
        .await?;
    Ok(())
}
