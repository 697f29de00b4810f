//! Reading jobs.

use axum::extract::State;
use schemars::JsonSchema;
use serde::Deserialize;
use shared::ids::JobId;
use shared::jobs::store::{self, Filter};
use shared::jobs::{Kind, State as Stands};
use shared::paging::Page;

use super::NOUN;
use super::view::{self, InFull, JobView};
use crate::app::App;
use crate::auth::{Allowed, ReadJobs};
use crate::http::contract::Operation;
use crate::http::{PageQuery, PageView, Path, Problem, Query, Reply, Shown};

/// Which jobs are listed, and which page of them.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ListQuery {
    /// At most so many; 50 unless given.
    #[schemars(range(min = 1, max = 200))]
    limit: Option<i64>,
    /// The `next` of the page before.
    #[schemars(regex(pattern = "^[0-9a-f]{48}$"))]
    cursor: Option<String>,
    /// Those that stand so.
    state: Option<Stands>,
    /// Those that do this.
    kind: Option<Kind>,
}

pub(super) const LIST: Operation = Operation::new("listJobs", "List jobs").says(
    "The last one first. Jobs that ended are shown for 30 days. Each says how far it is, and if it isn't at work, why.",
);

/// Lists jobs, the last one first.
pub(super) async fn list(
    State(app): State<App>,
    by: Allowed<ReadJobs>,
    Query(query): Query<ListQuery>,
) -> Result<Reply<Shown<PageView<JobView>>>, Problem> {
    let slice = PageQuery::new(query.limit, query.cursor).slice()?;
    let filter = Filter {
        states: query.state.into_iter().collect(),
        kinds: query.kind.into_iter().collect(),
    };
    let mut tx = app.look(&by).await?;
    let page = store::list(&mut tx, &filter, slice).await?;
    let seen: Vec<_> = page.items.iter().map(|job| job.id.0).collect();
    let items = view::all(&mut tx, page.items).await?;
    let page = PageView::of(Page { items, next: page.next }, |view| view);
    Ok(Reply::ok(&page)?.showing(seen))
}

pub(super) const FIND: Operation = Operation::new("readJob", "Show a job")
    .says("How far it is, why it waits, what came of it, and the runs that failed.");

/// Shows a job.
pub(super) async fn find(
    State(app): State<App>,
    by: Allowed<ReadJobs>,
    Path(id): Path<JobId>,
) -> Result<Reply<Shown<InFull>>, Problem> {
    let mut tx = app.look(&by).await?;
    let job = store::find(&mut tx, id).await?.ok_or(Problem::NotFound(NOUN))?;
    let failed = store::failures(&mut tx, id).await?;
    let runs = job.run_no;
    let shown = view::shown(&mut tx, job).await?;
    Ok(Reply::ok(&InFull::new(runs, shown, failed))?.showing([id.0]))
}
