//! What people do with jobs.

use axum::extract::State;
use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use shared::ids::JobId;
use shared::jobs::store::acts::{self, Act, DeadFilter};
use shared::jobs::store::run::told;
use shared::jobs::{Kind as JobKind, NewJob, store};
use shared::queue::Signal;

use super::NOUN;
use super::view::{self, JobView};
use crate::app::{App, Begun, Work};
use crate::auth::{Allowed, EditJobs};
use crate::http::contract::Operation;
use crate::http::problem::Kind;
use crate::http::{Accepted, Nothing, Path, Post, Problem, Reply, Shown};

/// Puts a job into the tenant's line: 202 with the job. What goes on the audit trail is for the caller to say.
pub(crate) async fn line_up(
    mut work: Work,
    app: &App,
    id: JobId,
    job: &NewJob<'_>,
) -> Result<Reply<Accepted<JobView>>, Problem> {
    store::insert(&mut work.tx, &work.keys, id, job).await?;
    work.changes.event("job.queued", id.0, None);
    let made = store::find(&mut work.tx, id).await?.ok_or(Problem::NotFound(NOUN))?;
    let shown = view::shown(&mut work.tx, made).await?;
    commit(work, app, Reply::accepted(format!("/v1/jobs/{id}"), &shown)?).await
}

type JobReply = Reply<Shown<JobView>>;

pub(super) const CANCEL: Operation = Operation::new("cancelJob", "Cancel a job")
    .says(
        "What was done stays done: the counts say what. One that is at work is asked (`wants`), and ends after the batch that it \
         is at. Cancelled twice is cancelled once.",
    )
    .fails(&[Kind::JobState]);

pub(super) async fn cancel(
    app: State<App>,
    by: Allowed<EditJobs>,
    id: Path<JobId>,
    asked: Post<Nothing>,
) -> Result<JobReply, Problem> {
    act(app.0, by, id.0, asked, (Act::Cancel, "job.cancel")).await
}

pub(super) const PAUSE: Operation = Operation::new("pauseJob", "Pause a job")
    .says("One that is at work stops after the batch that it is at.")
    .fails(&[Kind::JobState]);

pub(super) async fn pause(
    app: State<App>,
    by: Allowed<EditJobs>,
    id: Path<JobId>,
    asked: Post<Nothing>,
) -> Result<JobReply, Problem> {
    act(app.0, by, id.0, asked, (Act::Pause, "job.pause")).await
}

pub(super) const RESUME: Operation = Operation::new("resumeJob", "Resume a paused job")
    .says("It goes on from where it got to, at the end of the tenant's line.")
    .fails(&[Kind::JobState]);

pub(super) async fn resume(
    app: State<App>,
    by: Allowed<EditJobs>,
    id: Path<JobId>,
    asked: Post<Nothing>,
) -> Result<JobReply, Problem> {
    act(app.0, by, id.0, asked, (Act::Resume, "job.resume")).await
}

pub(super) const RETRY: Operation = Operation::new("retryJob", "Try a dead job again")
    .says("From where it got to. One that waits for its next try is tried at once.")
    .fails(&[Kind::JobState]);

pub(super) async fn retry(
    app: State<App>,
    by: Allowed<EditJobs>,
    id: Path<JobId>,
    asked: Post<Nothing>,
) -> Result<JobReply, Problem> {
    act(app.0, by, id.0, asked, (Act::Retry, "job.retry")).await
}

async fn act(
    app: App,
    by: Allowed<EditJobs>,
    id: JobId,
    Post { body: Nothing {}, once }: Post<Nothing>,
    (act, action): (Act, &'static str),
) -> Result<JobReply, Problem> {
    let mut work = match app.change_once(&by, once).await? {
        Begun::Anew(work) => *work,
        Begun::Before(reply) => return Ok(reply),
    };
    let job = acts::lock(&mut work.tx, id).await?.ok_or(Problem::NotFound(NOUN))?;
    work.now = shared::tenants::store::now(&mut work.tx).await?;
    let Some(after) = acts::act(&mut work.tx, &job, act, work.now).await? else {
        return Err(Problem::Conflict {
            kind: Kind::JobState,
            detail: format!("the job is {}", job.state.as_str()),
            more: Some(("state", serde_json::json!(job.state))),
        });
    };
    if (after.state, after.wants) != (job.state, job.wants) || act == Act::Retry {
        work.changes.entry(action, id.0, None).event(told(after.state), id.0, None);
    }
    let reply = Reply::ok(&view::shown(&mut work.tx, after).await?)?;
    commit(work, &app, reply).await
}

/// As [`Work::commit`], and the workers are told.
pub(crate) async fn commit<A>(work: Work, app: &App, reply: Reply<A>) -> Result<Reply<A>, Problem> {
    let reply = work.commit(app, reply).await?;
    app.signals.send(Signal::Jobs);
    Ok(reply)
}

/// Which dead jobs are tried again: those that fit all that is given.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "RetryDeadJobs")]
pub(super) struct Dead {
    /// Those that do this.
    kind: Option<JobKind>,
    /// Those that died of this: a job's `reason`.
    #[schemars(length(max = 60), example = &"database_away")]
    reason: Option<String>,
    /// Those that died since then.
    since: Option<DateTime<Utc>>,
}

/// Which were.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "RetriedJobs")]
pub(super) struct Retried {
    /// At most 1,000: ask again for more.
    jobs: Vec<JobId>,
}

pub(super) const RETRY_DEAD: Operation = Operation::new("retryDeadJobs", "Try dead jobs again")
    .says("All of the tenant's dead jobs, or those of a kind, a reason, a time; at most 1,000.");

/// Has dead jobs tried again.
pub(super) async fn retry_dead(
    State(app): State<App>,
    by: Allowed<EditJobs>,
    Post { body, once }: Post<Dead>,
) -> Result<Reply<Shown<Retried>>, Problem> {
    if body.reason.as_ref().is_some_and(|reason| reason.len() > 60) {
        return Err(Problem::field("/reason", "too_long", "at most 60 characters"));
    }
    let mut work = match app.change_once(&by, once).await? {
        Begun::Anew(work) => *work,
        Begun::Before(reply) => return Ok(reply),
    };
    let filter = DeadFilter { kind: body.kind, reason: body.reason, since: body.since };
    let jobs = acts::retry_dead(&mut work.tx, &filter).await?;
    for job in &jobs {
        work.changes.entry("job.retry", job.0, None).event("job.queued", job.0, None);
    }
    let reply = Reply::ok(&Retried { jobs })?;
    commit(work, &app, reply).await
}
