//! A turn of a job: batches, until it ends, or others should have their turn.

use std::panic::AssertUnwindSafe;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use backon::{ExponentialBuilder, Retryable};
use futures::FutureExt;
use rand::Rng;
use shared::db::Error;
use shared::ids::{JobId, TenantId};
use shared::intake::check::Checked;
use shared::jobs::store::run::{Batch, Opened};
use shared::jobs::store::{line, run as store};
use shared::jobs::{Claimed, Failure, State, Step};
use shared::queue::Signal;
use shared::telemetry::metrics;
use tokio::task::JoinHandle;

use super::kinds::{self, Rows};
use crate::app::App;

/// Nobody has a longer turn while anybody waits.
const SHORT: Duration = Duration::from_secs(1);
/// Nobody has a longer turn: a task has an end (`carrier`), and a process that stops waits for it.
const LONG: Duration = Duration::from_secs(20);
/// A sign of life of a runner in a long batch.
const BEAT: Duration = Duration::from_secs(2);
/// A job that this release doesn't know is left for a newer one.
const UNKNOWN: Duration = Duration::from_secs(30);

/// What a step of a job has at hand.
#[derive(Debug)]
pub struct Run<'a> {
    /// The process.
    pub app: &'a App,
    /// Whose job.
    pub tenant: TenantId,
    /// The job.
    pub job: &'a Claimed,
    /// The rows of a file, read once for all batches of the turn.
    rows: OnceLock<Rows>,
}

impl Run<'_> {
    /// The rows of the job's file, if they were read in this turn.
    pub(super) fn rows(&self) -> Option<Rows> {
        self.rows.get().cloned()
    }

    /// Keeps rows for the batches that follow.
    pub(super) fn keep_rows(&self, rows: Vec<Checked>) -> Rows {
        self.rows.get_or_init(|| Rows::new(rows)).clone()
    }

    /// Opens a batch. `None`: another runner has the job now.
    ///
    /// # Errors
    /// Any [`Failure`].
    pub async fn open(&self) -> Result<Option<Box<Batch>>, Failure> {
        Ok(match Batch::open(&self.app.db, &self.app.keys, self.tenant, self.job).await? {
            Opened::Batch(batch) => Some(batch),
            Opened::Lost => None,
        })
    }
}

/// How a turn ended.
enum Ended {
    /// The job stands so.
    In(State),
    /// It goes to the end of the line.
    GivesWay,
    /// It isn't this run's any more.
    Lost,
}

/// Takes a turn of a job, if it is to be had.
///
/// # Errors
/// PostgreSQL is away. Whoever sweeps sends the job again.
pub async fn take(app: &App, tenant: TenantId, job: JobId, send_no: i32) -> anyhow::Result<()> {
    let Some(claimed) = line::claim(&app.db, tenant, job, send_no, app.sender).await? else {
        return Ok(());
    };
    if claimed.kind.is_none() {
        tracing::error!(job.id = %job, "a job of an unknown kind: asked for by a newer release?");
        line_up(app, tenant, &claimed, UNKNOWN).await?;
        return Ok(());
    }
    let run = Run { app, tenant, job: &claimed, rows: OnceLock::new() };
    let _beats = Beats::begin(app, tenant, &claimed);
    // Caught here: it is the job's failure, and not the worker's.
    let ended = AssertUnwindSafe(batches(&run)).catch_unwind().await;
    let code = match ended {
        Ok(Ok(Ended::In(state))) => {
            metrics::job_run(claimed.kind.map_or("", |kind| kind.as_str()), state.as_str());
            app.wakes.notify(Signal::Jobs);
            return Ok(());
        }
        Ok(Ok(Ended::GivesWay)) => return Ok(line_up(app, tenant, &claimed, Duration::ZERO).await?),
        Ok(Ok(Ended::Lost)) => return Ok(()),
        Ok(Err(failure)) => {
            tracing::warn!(job.id = %job, tenant.id = %tenant, error = failure.cause(), "a batch of a job failed");
            failure.code()
        }
        Err(_) => {
            tracing::error!(job.id = %job, tenant.id = %tenant, "a job's step broke");
            "panicked"
        }
    };
    let jitter = rand::rng().random::<f64>();
    let state = patiently(|| store::fail(&app.db, tenant, &claimed, code, jitter)).await?;
    let result = state.map_or("lost", State::as_str);
    metrics::job_run(claimed.kind.map_or("", |kind| kind.as_str()), result);
    app.wakes.notify(Signal::Jobs);
    Ok(())
}

async fn batches(run: &Run<'_>) -> Result<Ended, Failure> {
    let began = Instant::now();
    let mut asked = Instant::now();
    loop {
        let Some(batch) = run.open().await? else { return Ok(Ended::Lost) };
        let (batch, step) = match batch.wants {
            // Between two batches, before the next one does anything.
            Some(_) => (batch, Step::More),
            None => match kinds::step(run, batch).await? {
                Some(done) => done,
                None => return Ok(Ended::Lost),
            },
        };
        let state = batch.keep(run.job, &step).await?;
        if state != State::Running {
            return Ok(Ended::In(state));
        }
        if run.app.is_stopping() || began.elapsed() > LONG {
            return Ok(Ended::GivesWay);
        }
        if began.elapsed() > SHORT && asked.elapsed() > SHORT {
            asked = Instant::now();
            let kind = run.job.kind.map_or("", |kind| kind.as_str());
            if line::others_wait(&run.app.db, run.tenant, kind).await? {
                return Ok(Ended::GivesWay);
            }
        }
    }
}

async fn line_up(app: &App, tenant: TenantId, job: &Claimed, after: Duration) -> Result<(), Error> {
    patiently(|| store::give_way(&app.db, tenant, job, after)).await?;
    app.wakes.notify(Signal::Jobs);
    app.signals.send(Signal::Jobs);
    Ok(())
}

/// Says it again while PostgreSQL is away: a job whose runner says nothing counts as a runner that vanished.
async fn patiently<T, F: Future<Output = Result<T, Error>>>(
    say: impl FnMut() -> F,
) -> Result<T, Error> {
    let delays = ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(100))
        .with_max_delay(Duration::from_secs(5))
        .with_max_times(10)
        .with_jitter();
    say.retry(delays).when(|error: &Error| matches!(error, Error::Busy(_))).await
}

/// Signs of life of a run, until it is dropped.
struct Beats(JoinHandle<()>);

impl Beats {
    fn begin(app: &App, tenant: TenantId, job: &Claimed) -> Self {
        let (app, job) = (app.clone(), job.clone());
        Self(tokio::spawn(async move {
            loop {
                tokio::time::sleep(BEAT).await;
                if let Ok(false) = store::beat(&app.db, tenant, &job).await {
                    return;
                }
            }
        }))
    }
}

impl Drop for Beats {
    fn drop(&mut self) {
        self.0.abort();
    }
}
