//! Asking for an export.

use axum::extract::State;
use shared::exports::Params;
use shared::ids::JobId;
use shared::jobs::{Kind as JobKind, NewJob};

use super::ask::Ask;
use crate::app::{App, Begun};
use crate::auth::{Allowed, ExportContacts};
use crate::bulk::MOST_BYTES;
use crate::http::contract::Operation;
use crate::http::problem::Kind;
use crate::http::{Accepted, Fields, Post, Problem, Reply};
use crate::jobs::view::JobView;

pub(super) const RUN: Operation = Operation::new("exportContacts", "Export contacts")
    .says(
        "As a job: at most 100,000 contacts, in the order of their names. What is written lies sealed in the store of files; the job's \
         `links.file` downloads it, for 24 hours after its end.",
    )
    .fails(&[Kind::FilesAway]);

/// Puts an export into the line.
pub(super) async fn run(
    State(app): State<App>,
    by: Allowed<ExportContacts>,
    Post { body, once }: Post<Ask, MOST_BYTES>,
) -> Result<Reply<Accepted<JobView>>, Problem> {
    let mut work = match app.change_once(&by, once).await? {
        Begun::Anew(work) => *work,
        Begun::Before(reply) => return Ok(reply),
    };
    let mut fields = Fields::default();
    let params = body.read(&mut fields);
    let params = fields.finish_in(&mut work, params)?;
    // Told now, and not when the file is wanted.
    if app.files.is_none() {
        return Err(Problem::FilesAway);
    }
    let id = JobId::new();
    let values = serde_json::to_value(&params).map_err(|error| Problem::Internal(error.into()))?;
    let job = NewJob {
        kind: JobKind::Export,
        by: work.actor,
        params: &values,
        facts: facts(&params),
        total: None,
        undoes: None,
    };
    work.changes.entry("job.create", id.0, None);
    crate::jobs::line_up(work, &app, id, &job).await
}

/// What may be shown of it.
fn facts(params: &Params) -> serde_json::Value {
    serde_json::json!({ "format": params.format, "columns": params.columns })
}
