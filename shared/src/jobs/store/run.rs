//! SQL of a run: batches, each one transaction that only the job's last runner can commit.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::count;
use crate::audit::Changes;
use crate::crypto::{ContactField, ContactKey, TenantField, TenantKeys};
use crate::db::{Db, Error, TenantTx};
use crate::ids::{JobId, TenantId};
use crate::jobs::{Claimed, Failure, Progress, State, Step, Wish, retry};
use crate::tenants::{self, KeyRing, Tenant};

/// Progress is told at most so often.
const TOLD_EVERY: TimeDelta = TimeDelta::milliseconds(250);

/// One batch: a transaction of the job's tenant, in which the job's row is locked.
#[derive(Debug)]
pub struct Batch {
    /// The transaction.
    pub tx: TenantTx,
    /// The tenant's keys.
    pub keys: Arc<TenantKeys>,
    /// The tenant, as it is now.
    pub tenant: Tenant,
    /// The instant that rules go by.
    pub now: DateTime<Utc>,
    /// What is told and audited of the batch, in the name of who asked for the job.
    pub changes: Changes,
    /// Where the batch begins. What the step leaves here is where the next one does. No personal data: it is kept in clear.
    pub place: serde_json::Value,
    /// How far the job is.
    pub progress: Progress,
    /// What somebody wants of the job. A step needn't look: it is seen to between two batches.
    pub wants: Option<Wish>,
    told_at: DateTime<Utc>,
    began: Instant,
}

/// What became of opening a batch.
#[derive(Debug)]
pub enum Opened {
    /// It is this run's turn.
    Batch(Box<Batch>),
    /// It isn't: another runner has taken the job over, or it ended.
    Lost,
}

type Guard = (Option<String>, serde_json::Value, Option<i64>, i64, i64, DateTime<Utc>);

impl Batch {
    /// Opens a batch, if the run is the job's last one.
    ///
    /// # Errors
    /// Any [`Failure`].
    pub async fn open(
        db: &Db,
        ring: &KeyRing,
        tenant: TenantId,
        job: &Claimed,
    ) -> Result<Opened, Failure> {
        let began = Instant::now();
        let mut tx = db.tenant(tenant).await?;
        let guard: Option<Guard> = sqlx::query_as(
            "update jobs set beat_at = app_clock() where id = $1 and run_no = $2 and state = 'running'
             returning wants, place, total, done, failed, told_at",
        )
        .bind(job.id)
        .bind(job.run_no)
        .fetch_optional(tx.conn())
        .await
        .map_err(Error::from)?;
        let Some((wants, place, total, done, failed, told_at)) = guard else {
            return Ok(Opened::Lost);
        };
        let keys = ring.of(&mut tx).await?;
        let found = tenants::store::find_now(&mut tx).await?;
        let (tenant, now) = found.ok_or(Failure::Other("no_tenant"))?;
        Ok(Opened::Batch(Box::new(Self {
            tx,
            keys,
            tenant,
            now,
            changes: Changes::by(job.asked_by),
            place,
            progress: Progress {
                total: total.map(i64::unsigned_abs),
                done: done.unsigned_abs(),
                failed: failed.unsigned_abs(),
            },
            wants: wants.as_deref().and_then(Wish::from_word),
            told_at,
            began,
        })))
    }

    /// Counts the work from `began` on: of a step that let go of its batch meanwhile, and opened another to keep what came of it.
    pub fn since(&mut self, began: Instant) {
        self.began = self.began.min(began);
    }

    /// What was asked for.
    ///
    /// # Errors
    /// It can't be opened, or a newer release wrote it.
    pub fn params<T: DeserializeOwned>(&self, job: &Claimed) -> Result<T, Failure> {
        let opened = self.keys.open(TenantField::JobParams, job.id.0, &job.params)?;
        serde_json::from_slice(&opened).map_err(|_| Failure::Other("params_unreadable"))
    }

    /// Adds an entry of the audit trail about something of a contact, sealed under the contact's key; it names the job.
    ///
    /// # Errors
    /// It can't be sealed.
    pub(crate) fn entry(
        &mut self,
        job: JobId,
        key: &ContactKey,
        (action, entity): (&'static str, Uuid),
        mut values: serde_json::Value,
    ) -> Result<(), Failure> {
        values["job"] = serde_json::json!(job);
        let place = ContactField::AuditValues { entry: entity };
        let sealed = key.seal(place, values.to_string().as_bytes())?;
        self.changes.entry(action, entity, Some(sealed));
        Ok(())
    }

    /// Commits what was done, and moves the job on. The state it is in then.
    ///
    /// # Errors
    /// Any [`Failure`]: nothing was changed then, unless the connection broke while the answer was under way.
    pub async fn keep(mut self, job: &Claimed, step: &Step) -> Result<State, Failure> {
        let state = match step {
            Step::Done(_) => State::Done,
            Step::Refused(_) => State::Refused,
            Step::Wait(..) if self.wants.is_none() => State::Queued,
            Step::More | Step::Wait(..) => match self.wants {
                Some(Wish::Cancel) => State::Cancelled,
                Some(Wish::Pause) => State::Paused,
                None => State::Running,
            },
        };
        let (reason, until) = match step {
            Step::Refused(why) => (Some(*why), None),
            Step::Wait(until, why) => (Some(*why), Some(*until)),
            Step::More | Step::Done(_) => (None, None),
        };
        let result = if let Step::Done(result) = step { Some(result) } else { None };
        let tell = state != State::Running || self.now - self.told_at >= TOLD_EVERY;
        sqlx::query(
            "update jobs set state = $2, place = $3, total = $4, done = greatest(done, $5), failed = greatest(failed, $6),
                 ran_ms = ran_ms + $7, reason = $8, ready_at = coalesce($9, ready_at), result = coalesce($10, result),
                 failures = 0, deaths = 0, told_at = case when $11 then $12 else told_at end,
                 wants = case when $13 then wants end, runner = case when $13 then runner end,
                 sent_at = case when $13 then sent_at end, ended_at = case when $14 then $12 end
             where id = $1",
        )
        .bind(job.id)
        .bind(state.as_str())
        .bind(&self.place)
        .bind(self.progress.total.map(count))
        .bind(count(self.progress.done))
        .bind(count(self.progress.failed))
        .bind(i64::try_from(self.began.elapsed().as_millis()).unwrap_or(i64::MAX))
        .bind(reason)
        .bind(until)
        .bind(result)
        .bind(tell)
        .bind(self.now)
        .bind(state == State::Running)
        .bind(state.is_end())
        .execute(self.tx.conn())
        .await
        .map_err(Error::from)?;
        if tell {
            self.changes.event(told(state), job.id.0, None);
        }
        if !self.changes.is_empty() {
            self.changes.append(&mut self.tx).await?;
        }
        self.tx.commit().await?;
        Ok(state)
    }

    /// Ends the transaction without changing anything, for work that asks others. Open another batch to keep what came of it.
    ///
    /// # Errors
    /// Any [`Failure`].
    pub async fn release(self) -> Result<(), Failure> {
        Ok(self.tx.rollback().await?)
    }
}

/// The event that tells of a state.
pub fn told(state: State) -> &'static str {
    match state {
        State::Queued => "job.queued",
        State::Running => "job.progress",
        State::Paused => "job.paused",
        State::Done => "job.done",
        State::Cancelled => "job.cancelled",
        State::Refused => "job.refused",
        State::Dead => "job.dead",
    }
}

/// The runner lives. False if the job isn't its any more.
///
/// # Errors
/// Any [`Error`].
pub async fn beat(db: &Db, tenant: TenantId, job: &Claimed) -> Result<bool, Error> {
    let mut tx = db.tenant(tenant).await?;
    // Whoever holds the row is at work, and shows it.
    let held: Option<bool> = sqlx::query_scalar(
        "select run_no = $2 and state = 'running' from jobs where id = $1 for no key update skip locked",
    )
    .bind(job.id)
    .bind(job.run_no)
    .fetch_optional(tx.conn())
    .await?;
    if held == Some(true) {
        sqlx::query("update jobs set beat_at = app_clock() where id = $1")
            .bind(job.id)
            .execute(tx.conn())
            .await?;
        tx.commit().await?;
    }
    Ok(held != Some(false))
}

/// Puts a job back to the end of its tenant's line, for another turn.
///
/// # Errors
/// Any [`Error`].
pub async fn give_way(
    db: &Db,
    tenant: TenantId,
    job: &Claimed,
    after: Duration,
) -> Result<(), Error> {
    let mut tx = db.tenant(tenant).await?;
    sqlx::query(
        "update jobs set state = 'queued', runner = null, sent_at = null,
             ready_at = app_clock() + make_interval(secs => $3)
         where id = $1 and run_no = $2 and state = 'running'",
    )
    .bind(job.id)
    .bind(job.run_no)
    .bind(after.as_secs_f64())
    .execute(tx.conn())
    .await?;
    tx.commit().await
}

/// A batch failed: the job is tried again later, or is dead. `jitter` from 0 to 1. Its state then; `None` if it isn't this run's any
/// more.
///
/// # Errors
/// Any [`Error`].
pub async fn fail(
    db: &Db,
    tenant: TenantId,
    job: &Claimed,
    code: &'static str,
    jitter: f64,
) -> Result<Option<State>, Error> {
    let mut tx = db.tenant(tenant).await?;
    let failures: Option<i32> = sqlx::query_scalar(
        "select failures from jobs where id = $1 and run_no = $2 and state = 'running' for no key update",
    )
    .bind(job.id)
    .bind(job.run_no)
    .fetch_optional(tx.conn())
    .await?;
    let Some(failures) = failures else { return Ok(None) };
    sqlx::query(
        "insert into job_failures (tenant_id, job_id, run_no, at, runner, code) values (tid(), $1, $2, app_clock(), $3, $4)",
    )
    .bind(job.id)
    .bind(job.run_no)
    .bind(job.runner)
    .bind(code)
    .execute(tx.conn())
    .await?;
    let failures = failures.saturating_add(1);
    let wait = retry::wait(failures.unsigned_abs(), jitter);
    let state = if wait.is_some() { State::Queued } else { State::Dead };
    sqlx::query(
        "update jobs set state = $2, failures = $3, reason = $4, runner = null, sent_at = null,
             ready_at = coalesce(now + make_interval(secs => $5), ready_at), ended_at = case when $5::float8 is null then now end,
             wants = case when $5::float8 is null then null else wants end
         from (select app_clock() as now) clock where id = $1",
    )
    .bind(job.id)
    .bind(state.as_str())
    .bind(failures)
    .bind(code)
    .bind(wait.map(|wait| wait.as_secs_f64()))
    .execute(tx.conn())
    .await?;
    let mut changes = Changes::by(crate::audit::Actor::Worker);
    changes.event(told(state), job.id.0, None);
    changes.append(&mut tx).await?;
    tx.commit().await?;
    Ok(Some(state))
}
