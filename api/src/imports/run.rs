//! Asking for an import to be run.

use axum::extract::State;
use shared::ids::{ImportId, JobId};
use shared::imports::store::{files, templates};
use shared::imports::{Params, Unusable};
use shared::intake::mapping::Plan;
use shared::jobs::{Kind as JobKind, NewJob};

use super::ask::{Ask, problem};
use super::{NOUN, compute};
use crate::app::{App, Begun};
use crate::auth::{Allowed, EditContacts};
use crate::http::contract::Operation;
use crate::http::problem::Kind;
use crate::http::{Accepted, Path, Post, Problem, Reply};
use crate::jobs::view::JobView;

pub(super) const RUN: Operation = Operation::new("runImport", "Run an import")
    .says(
        "As a job, once: rows in batches of 500, each all or nothing. A row that can't be taken fails alone: `GET /v1/imports/{import}/errors` \
         has those rows with the reasons. The job can be taken back for a day after its end.",
    )
    .fails(&[Kind::JobState]);

/// Puts an import into the line.
pub(super) async fn run(
    State(app): State<App>,
    by: Allowed<EditContacts>,
    Path(id): Path<ImportId>,
    Post { body, once }: Post<Ask>,
) -> Result<Reply<Accepted<JobView>>, Problem> {
    check_mapping(&app, &by, id, &body).await?;
    let mut work = match app.change_once(&by, once).await? {
        Begun::Anew(work) => *work,
        Begun::Before(reply) => return Ok(reply),
    };
    let import = files::lock(&mut work.tx, id).await?.ok_or(Problem::NotFound(NOUN))?;
    if let Some(job) = import.job {
        return Err(Problem::Conflict {
            kind: Kind::JobState,
            detail: "the file was run already: upload it again".to_owned(),
            more: Some(("job_id", serde_json::json!(job))),
        });
    }
    let template = body.template_id;
    let options = body.read(&mut work, &by).await?;
    if let Some(template) = template
        && !templates::used(&mut work.tx, template).await?
    {
        return Err(Problem::field("/template_id", "unknown", "there is no such template"));
    }
    let job = JobId::new();
    let groups = !options.groups.is_empty() || options.make_groups;
    let facts = serde_json::json!({
        "import": id, "rows": import.rows, "duplicates": options.duplicates, "groups": groups,
    });
    let params = serde_json::to_value(Params { import: id, options });
    let new = NewJob {
        kind: JobKind::Import,
        by: work.actor,
        params: &params.map_err(|error| Problem::Internal(error.into()))?,
        facts,
        total: Some(import.rows),
        undoes: None,
    };
    files::run_by(&mut work.tx, id, job).await?;
    work.changes.entry("import.run", id.0, None);
    work.changes.entry("job.create", job.0, None);
    crate::jobs::line_up(work, &app, job, &new).await
}

/// Refuses a mapping that doesn't fit the file: before anything is locked, since it takes a while and the file never changes. One that
/// isn't there is whoever locks it to tell.
async fn check_mapping(
    app: &App,
    by: &Allowed<EditContacts>,
    id: ImportId,
    ask: &Ask,
) -> Result<(), Problem> {
    let mut work = app.read(by).await?;
    let content = files::content(&mut work.tx, &work.keys, id).await?;
    work.tx.rollback().await?;
    let Some(content) = content else { return Ok(()) };
    let mapping = ask.mapping.clone();
    let fits = compute(move || {
        let sheet = shared::intake::read(&content).map_err(Unusable::File)?;
        Plan::new(&sheet, &mapping).map(drop).map_err(Unusable::Mapping)
    });
    fits.await?.map_err(problem)
}
