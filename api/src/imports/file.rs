//! An uploaded file, as it is shown.

use axum::extract::State;
use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;
use shared::ids::{ImportId, JobId};
use shared::imports::store::{files, templates};
use shared::imports::{Import, KEPT_UNUSED};
use shared::intake::mapping::{Proposals, propose};
use shared::intake::{ReadError, read};

use super::templates::TemplateView;
use super::{NOUN, compute, content};
use crate::app::{App, Work};
use crate::auth::{Allowed, EditContacts};
use crate::http::contract::Operation;
use crate::http::problem::Kind;
use crate::http::{Empty, Path, Problem, Reply, Shown};

/// An uploaded file.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Import")]
pub(super) struct ImportView {
    id: ImportId,
    /// Its length.
    bytes: u64,
    /// Rows below the header; empty ones don't count.
    rows: u64,
    /// Who uploaded it.
    uploaded_by: String,
    created_at: DateTime<Utc>,
    /// Unless it is run, it is forgotten then.
    expires_at: Option<DateTime<Utc>>,
    /// The job that runs it, or ran it: once.
    job_id: Option<JobId>,
    /// What each column may be, with its first values.
    proposals: Proposals,
    /// Templates whose columns the file has, the most used first.
    templates: Vec<TemplateView>,
}

impl ImportView {
    /// The ids in it, for the record of accesses.
    pub(super) fn shown(&self) -> Vec<uuid::Uuid> {
        self.templates.iter().map(TemplateView::id).chain([self.id.0]).collect()
    }
}

/// What can be told of a file by reading it.
pub(super) struct Looked {
    pub(super) rows: u64,
    pub(super) proposals: Proposals,
}

/// Looks at a file.
pub(super) fn look(bytes: &[u8]) -> Result<Looked, ReadError> {
    let sheet = read(bytes)?;
    Ok(Looked { rows: sheet.len() as u64, proposals: propose(&sheet) })
}

/// Shows a file.
pub(super) async fn shown(
    work: &mut Work,
    import: &Import,
    proposals: Proposals,
) -> Result<ImportView, Problem> {
    let columns = proposals.columns.iter();
    let labels: Vec<&str> = columns.map(|one| one.column.label.as_str()).collect();
    let kept = templates::list(&mut work.tx, &work.keys).await?;
    let fitting = kept.into_iter().filter(|template| template.fits(&labels));
    Ok(ImportView {
        id: import.id,
        bytes: import.bytes,
        rows: import.rows,
        uploaded_by: import.uploaded_by.clone(),
        created_at: import.created_at,
        expires_at: import.job.is_none().then(|| import.created_at + KEPT_UNUSED),
        job_id: import.job,
        templates: fitting.map(TemplateView::new).collect(),
        proposals,
    })
}

pub(super) const FIND: Operation = Operation::new("readImport", "Show an uploaded file")
    .says("What its columns may be, and their first values.");

/// Shows an uploaded file.
pub(super) async fn find(
    State(app): State<App>,
    by: Allowed<EditContacts>,
    Path(id): Path<ImportId>,
) -> Result<Reply<Shown<ImportView>>, Problem> {
    let mut work = app.read(&by).await?;
    let import = files::find(&mut work.tx, id).await?.ok_or(Problem::NotFound(NOUN))?;
    let content = content(&mut work, &import).await?;
    // Reading takes a while, in which no connection needs to be held.
    work.tx.rollback().await?;
    let looked = compute(move || look(&content)).await?;
    let mut work = app.read(&by).await?;
    let unreadable = |error: ReadError| Problem::Internal(error.into());
    let view = shown(&mut work, &import, looked.map_err(unreadable)?.proposals).await?;
    let shown = view.shown();
    Ok(Reply::ok(&view)?.showing(shown))
}

pub(super) const DELETE: Operation = Operation::new("deleteImport", "Forget an uploaded file")
    .says("What it made stays. A file whose job has not ended can't be forgotten.")
    .fails(&[Kind::JobState]);

/// Forgets an uploaded file.
pub(super) async fn delete(
    State(app): State<App>,
    by: Allowed<EditContacts>,
    Path(id): Path<ImportId>,
) -> Result<Reply<Empty>, Problem> {
    let mut work = app.change(&by).await?;
    let import = files::lock(&mut work.tx, id).await?.ok_or(Problem::NotFound(NOUN))?;
    if let Some(job) = import.job
        && let Some(job) = shared::jobs::store::find(&mut work.tx, job).await?
        && !job.state.is_end()
    {
        return Err(Problem::Conflict {
            kind: Kind::JobState,
            detail: "the file is being imported".to_owned(),
            more: Some(("state", serde_json::json!(job.state))),
        });
    }
    files::delete(&mut work.tx, id).await?;
    work.changes.entry("import.delete", id.0, None);
    work.commit(&app, Reply::empty()).await
}
