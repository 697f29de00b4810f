//! Taking back what a job did.

use axum::extract::State;
use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;
use shared::bulk::{Act, UndoParams};
use shared::db::TenantTx;
use shared::ids::JobId;
use shared::jobs::store::{self, acts, items};
use shared::jobs::{Job, Kind as JobKind, NewJob, State as Stands};

use super::NOUN;
use super::view::JobView;
use crate::app::{App, Begun};
use crate::auth::{Allowed, EditContacts, EditGroups};
use crate::http::contract::Operation;
use crate::http::problem::Kind;
use crate::http::{Accepted, Nothing, Path, Post, Problem, Reply, Shown};

/// What taking a job back would do.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "UndoPreview")]
pub(super) struct Preview {
    /// Until when it can be taken back; null if it can't be.
    until: Option<DateTime<Utc>>,
    /// Why it can't be: `not_ended`, `nothing_done`, `of_another_kind`, `too_late`, `undone`.
    #[schemars(example = &"too_late")]
    why_not: Option<&'static str>,
    /// So many would be as they were.
    restores: u64,
    /// So many would be spared: somebody has changed them since.
    spares: u64,
}

pub(super) const PREVIEW: Operation =
    Operation::new("previewUndo", "Preview taking a job back").says("Changes nothing.");

/// Shows what taking a job back would do.
pub(super) async fn preview(
    State(app): State<App>,
    by: Allowed<EditContacts>,
    Path(id): Path<JobId>,
) -> Result<Reply<Shown<Preview>>, Problem> {
    let mut tx = app.look(&by).await?;
    let job = store::find(&mut tx, id).await?.ok_or(Problem::NotFound(NOUN))?;
    let now = shared::tenants::store::now(&mut tx).await?;
    let why_not = why_not(&mut tx, &job, now).await?;
    let (done, spares) = items::to_undo(&mut tx, id).await?;
    let preview = Preview {
        until: job.undo_until().filter(|_| why_not.is_none()),
        why_not,
        restores: done.saturating_sub(spares),
        spares,
    };
    Ok(Reply::ok(&preview)?.showing([id.0]))
}

pub(super) const UNDO: Operation = Operation::new("undoJob", "Take a job back")
    .says(
        "As a job: what it changed is put back as it was. What somebody has changed since is spared, and the new job's items say so. \
         For a day after its end.",
    )
    .fails(&[Kind::CannotUndo]);

/// Puts the taking back of a job into the line.
pub(super) async fn undo(
    State(app): State<App>,
    by: Allowed<EditContacts>,
    Path(id): Path<JobId>,
    Post { body: Nothing {}, once }: Post<Nothing>,
) -> Result<Reply<Accepted<JobView>>, Problem> {
    let mut work = match app.change_once(&by, once).await? {
        Begun::Anew(work) => *work,
        Begun::Before(reply) => return Ok(reply),
    };
    let job = acts::lock(&mut work.tx, id).await?.ok_or(Problem::NotFound(NOUN))?;
    // Who may not say who is in a group may not take it back either.
    if job.facts["act"] == Act::GROUPS || job.facts["groups"] == true {
        by.must::<EditGroups>()?;
    }
    if let Some(why) = why_not(&mut work.tx, &job, work.now).await? {
        return Err(Problem::Conflict {
            kind: Kind::CannotUndo,
            detail: "the job can't be taken back".to_owned(),
            more: Some(("why", serde_json::json!(why))),
        });
    }
    let (total, _) = items::to_undo(&mut work.tx, id).await?;
    let params = serde_json::to_value(UndoParams { job: id });
    let undoing = JobId::new();
    let new = NewJob {
        kind: JobKind::Undo,
        by: work.actor,
        params: &params.map_err(|error| Problem::Internal(error.into()))?,
        facts: serde_json::json!({ "of": job.facts }),
        total: Some(total),
        undoes: Some(id),
    };
    store::undone_by(&mut work.tx, id, undoing).await?;
    work.changes.entry("job.undo", id.0, None);
    super::line_up(work, &app, undoing, &new).await
}

/// Why a job can't be taken back at `now`, if it can't.
async fn why_not(
    tx: &mut TenantTx,
    job: &Job,
    now: DateTime<Utc>,
) -> Result<Option<&'static str>, Problem> {
    let earlier = match job.undone_by {
        Some(by) => store::find(tx, by).await?.map(|job| job.state),
        None => None,
    };
    // One that was cancelled or died has left some as they were: another may go on.
    let undone = earlier.is_some_and(|state| !matches!(state, Stands::Cancelled | Stands::Dead));
    Ok(match job.undo_until() {
        _ if !job.can_be_undone() => Some("of_another_kind"),
        _ if undone => Some("undone"),
        None if !job.state.is_end() => Some("not_ended"),
        None => Some("nothing_done"),
        Some(until) if until < now => Some("too_late"),
        Some(_) => None,
    })
}
