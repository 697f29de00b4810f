//! How a job is shown.

use chrono::{DateTime, TimeDelta, Utc};
use schemars::JsonSchema;
use serde::Serialize;
use shared::db::TenantTx;
use shared::ids::JobId;
use shared::jobs::store::{self, Failed};
use shared::jobs::{Job, Kind, Progress, State, Wish, retry};

use crate::http::Problem;

/// A job.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Job")]
pub(crate) struct JobView {
    id: JobId,
    kind: Kind,
    state: State,
    /// Who asked for it.
    asked_by: String,
    /// What may be told of what was asked for: ids, numbers, words.
    facts: serde_json::Value,
    created_at: DateTime<Utc>,
    started_at: Option<DateTime<Utc>>,
    ended_at: Option<DateTime<Utc>>,
    progress: Progress,
    /// Rows or contacts a second, while it was at work.
    #[schemars(example = 812.5)]
    rate: Option<f64>,
    /// How long it will yet take at that rate, once it is at work. Waiting not counted.
    #[schemars(example = 7)]
    seconds_left: Option<u64>,
    /// Why it is not at work at this moment; null while it is, and when it ended.
    waits: Option<Waits>,
    /// What somebody wants of it: it is done between two batches.
    wants: Option<Wish>,
    /// Why it was refused, or died: a word.
    #[schemars(example = &"killed_its_workers")]
    reason: Option<String>,
    /// What came of it: counts and ids.
    result: Option<serde_json::Value>,
    /// The job that it takes back.
    undoes: Option<JobId>,
    /// The job that takes it back.
    undone_by: Option<JobId>,
    /// Until then it can be taken back.
    undo_until: Option<DateTime<Utc>>,
    /// Of an export: until then its file can be downloaded.
    file_until: Option<DateTime<Utc>>,
    links: Links,
}

/// Where there is more to see.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "JobLinks")]
struct Links {
    /// What became of each row or contact.
    items: String,
    /// The runs that failed, with why.
    attempts: String,
    /// Of an import: its rows that failed, as a file.
    errors: Option<String>,
    /// Of an export: its file, for 24 hours after its end.
    file: Option<String>,
    /// What taking it back would do; `POST` takes it back.
    undo: Option<String>,
}

/// Why a job is not at work.
#[derive(Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "JobWaits")]
pub(super) struct Waits {
    /// For what.
    for_what: WaitsFor,
    /// Until when, if that is known.
    until: Option<DateTime<Utc>>,
    /// How many of the tenant's jobs are before it.
    before: u64,
    /// In words.
    #[schemars(example = "2 of your jobs are before it in line; 4 are at work.")]
    text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "JobWaitsFor")]
enum WaitsFor {
    /// Somebody to resume it.
    Resumption,
    /// Its next try, after a failure.
    NextTry,
    /// A time that its work names: `reason` says which.
    Time,
    /// The tenant's other jobs.
    OthersInLine,
    /// A worker that is free.
    Worker,
    /// Its runner has been silent: another one is sent.
    AnotherRunner,
}

/// A silent runner is noticed after so long.
const SILENT: TimeDelta = TimeDelta::seconds(6);

/// Why `job` is not at work at `now`, with `before` jobs before it and `running` ones at work; nothing, if it is or has ended.
pub(super) fn waits(job: &Job, now: DateTime<Utc>, before: u64, running: u64) -> Option<Waits> {
    let (for_what, until, text) = match job.state {
        State::Paused => (WaitsFor::Resumption, None, "Somebody paused it.".to_owned()),
        State::Queued if job.ready_at > now && job.failures == 0 => {
            let text = match job.reason.as_deref() {
                Some("other_import") => "Another import of yours is at work.",
                _ => "What it does can't go on before.",
            };
            let text = text.to_owned();
            (WaitsFor::Time, Some(job.ready_at), text)
        }
        State::Queued if job.ready_at > now => {
            let failed = job.reason.as_deref().unwrap_or("unknown");
            let text = format!("The last try did not succeed ({failed}). It is tried again.");
            (WaitsFor::NextTry, Some(job.ready_at), text)
        }
        State::Queued if before > 0 => {
            let text = format!("{before} of your jobs before it in line; {running} at work.");
            (WaitsFor::OthersInLine, None, text)
        }
        State::Queued => (
            WaitsFor::Worker,
            None,
            format!("The next free worker takes it; {running} of your jobs at work."),
        ),
        State::Running if job.beat_at.is_some_and(|beat| now - beat > SILENT) => {
            let text = "The worker that had it is silent. Another goes on where it got to.";
            (WaitsFor::AnotherRunner, None, text.to_owned())
        }
        _ => return None,
    };
    Some(Waits { for_what, until, before, text })
}

impl JobView {
    /// A job as it stands at `now`.
    pub(crate) fn new((before, running): (u64, u64), job: Job, now: DateTime<Utc>) -> Self {
        let rate = job.progress.rate(job.ran);
        let left = (!job.state.is_end()).then(|| job.progress.left()).flatten();
        let undo_until = job.undo_until().filter(|_| job.undone_by.is_none());
        let file_until =
            job.ended_at.filter(|_| job.kind == Kind::Export && job.state == State::Done);
        let file_until = file_until.map(|ended| ended + shared::exports::KEPT);
        let seconds_left = rate.zip(left).map(|(rate, left)| (left as f64 / rate).ceil() as u64);
        let of_import = job.facts["import"].as_str().map(|id| format!("/v1/imports/{id}/errors"));
        Self {
            waits: waits(&job, now, before, running),
            links: Links {
                items: format!("/v1/jobs/{}/items", job.id),
                attempts: format!("/v1/jobs/{}", job.id),
                errors: of_import.filter(|_| job.progress.failed > 0),
                file: file_until
                    .filter(|until| *until > now)
                    .map(|_| format!("/v1/exports/{}/file", job.id)),
                undo: undo_until.map(|_| format!("/v1/jobs/{}/undo", job.id)),
            },
            id: job.id,
            kind: job.kind,
            state: job.state,
            asked_by: job.asked_by,
            facts: job.facts,
            created_at: job.created_at,
            started_at: job.started_at,
            ended_at: job.ended_at,
            progress: job.progress,
            rate: rate.map(|rate| (rate * 10.0).round() / 10.0),
            seconds_left,
            wants: job.wants,
            reason: job.reason,
            result: job.result,
            undoes: job.undoes,
            undone_by: job.undone_by,
            undo_until,
            file_until,
        }
    }
}

/// Shows jobs of a transaction.
pub(super) async fn all(tx: &mut TenantTx, jobs: Vec<Job>) -> Result<Vec<JobView>, Problem> {
    let now = shared::tenants::store::now(tx).await?;
    let places = store::places(tx, &jobs).await?;
    let place = |job: &Job| (places.before(job.id), places.running);
    Ok(jobs.into_iter().map(|job| JobView::new(place(&job), job, now)).collect())
}

/// Shows a job of a transaction.
pub(crate) async fn shown(tx: &mut TenantTx, job: Job) -> Result<JobView, Problem> {
    let shown = all(tx, vec![job]).await?.pop();
    shown.ok_or(Problem::NotFound(super::NOUN))
}

/// A job, with the runs that failed.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "JobInFull")]
pub(super) struct InFull {
    #[serde(flatten)]
    pub(super) job: JobView,
    /// How often a worker took it.
    pub(super) runs: i32,
    /// The runs that failed, the last one first; at most 50.
    pub(super) attempts: Vec<AttemptView>,
    /// After so many failures without getting on in between it is dead.
    pub(super) most_failures: u32,
}

/// A run that failed.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "JobAttempt")]
pub(super) struct AttemptView {
    run: i32,
    at: DateTime<Utc>,
    /// The process that had it.
    worker: Option<uuid::Uuid>,
    /// Why: a word.
    #[schemars(example = &"database_away")]
    code: String,
    /// In words.
    text: &'static str,
}

impl AttemptView {
    fn new(failed: Failed) -> Self {
        let text = match failed.code.as_str() {
            "died" => "The worker vanished while it was at it.",
            "panicked" => "The worker came upon something it can't handle: a defect.",
            "database_away" => "The database was away or too busy.",
            "database" => "The database refused a statement: a defect.",
            "files_away" => "The store of files did not answer.",
            "files_full" => "There was no room left where files are kept.",
            "files_refused" => "The store of files did not let us: an operator must look.",
            "keys" => "A sealed value could not be opened, or sealed.",
            _ => "The work could not go on.",
        };
        Self { run: failed.run_no, at: failed.at, worker: failed.runner, code: failed.code, text }
    }
}

impl InFull {
    pub(super) fn new(runs: i32, view: JobView, failed: Vec<Failed>) -> Self {
        Self {
            job: view,
            runs,
            attempts: failed.into_iter().map(AttemptView::new).collect(),
            most_failures: retry::MOST_FAILURES,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn job(state: State, ready_in: i64) -> (Job, DateTime<Utc>) {
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let job = Job {
            id: JobId::new(),
            kind: Kind::Probe,
            state,
            asked_by: "worker".to_owned(),
            facts: serde_json::json!({}),
            created_at: now,
            ready_at: now + TimeDelta::seconds(ready_in),
            started_at: None,
            ended_at: state.is_end().then_some(now),
            sent_at: None,
            run_no: 1,
            beat_at: Some(now - TimeDelta::seconds(1)),
            ran: Duration::from_secs(2),
            wants: None,
            reason: Some("database_away".to_owned()),
            failures: 1,
            progress: Progress { total: Some(1_000), done: 300, failed: 100 },
            result: None,
            undoes: None,
            undone_by: None,
        };
        (job, now)
    }

    #[test]
    fn whatever_is_neither_at_work_nor_ended_says_why() {
        let what = |state, ready_in, before| {
            let (job, now) = job(state, ready_in);
            waits(&job, now, before, 0).map(|waits| waits.for_what)
        };
        assert_eq!(what(State::Paused, 0, 0), Some(WaitsFor::Resumption));
        assert_eq!(what(State::Queued, 5, 3), Some(WaitsFor::NextTry));
        assert_eq!(what(State::Queued, 0, 3), Some(WaitsFor::OthersInLine));
        assert_eq!(what(State::Queued, 0, 0), Some(WaitsFor::Worker));
        for state in [State::Running, State::Done, State::Cancelled, State::Refused, State::Dead] {
            assert_eq!(what(state, 0, 3), None, "{state:?}");
        }
        let (mut in_time, now) = job(State::Queued, 5);
        in_time.failures = 0;
        assert_eq!(waits(&in_time, now, 0, 0).unwrap().for_what, WaitsFor::Time);
        let (mut silent, now) = job(State::Running, 0);
        silent.beat_at = Some(now - TimeDelta::seconds(7));
        assert_eq!(waits(&silent, now, 0, 0).unwrap().for_what, WaitsFor::AnotherRunner);
    }

    #[test]
    fn the_time_left_is_told_by_the_rate_so_far() {
        let (running, now) = job(State::Running, 0);
        let view = JobView::new((0, 0), running, now);
        assert_eq!((view.rate, view.seconds_left), (Some(200.0), Some(3)));
        let (done, now) = job(State::Done, 0);
        assert_eq!(JobView::new((0, 0), done, now).seconds_left, None);
    }
}
