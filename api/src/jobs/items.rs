//! What became of each row or contact of a job.

use axum::extract::State;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use shared::ids::{ContactId, JobId};
use shared::jobs::store;
use shared::jobs::store::items::{self, Noted, Outcome};
use uuid::Uuid;

use super::NOUN;
use crate::app::App;
use crate::auth::{Allowed, ReadJobs};
use crate::http::contract::Operation;
use crate::http::{Path, Problem, Query, Reply, Shown};

const USUAL: i64 = 100;
const MOST: i64 = 1_000;

/// Which of them.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ItemsQuery {
    /// At most so many; 100 unless given.
    #[schemars(range(min = 1, max = MOST))]
    limit: Option<i64>,
    /// Those after this one: the `next` of the page before.
    #[schemars(range(min = 0))]
    after: Option<i64>,
    /// Those of which this became.
    outcome: Option<Became>,
}

/// What became of one.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "JobItemOutcome")]
enum Became {
    /// It is as it was to be.
    Done,
    /// Nothing was to be done.
    Skipped,
    /// It could not be done.
    Failed,
}

/// A page of them.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "JobItems")]
pub(super) struct Items {
    items: Vec<ItemView>,
    /// The `after` of the next page; null on the last.
    next: Option<i64>,
}

/// What became of one row or contact.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "JobItem")]
struct ItemView {
    /// Its place in the job: a file's row, a selection's contact.
    n: i64,
    contact_id: Option<ContactId>,
    /// What was made or changed, if not the contact itself.
    thing: Option<Uuid>,
    /// `done`, `skipped` or `failed`.
    #[schemars(example = &"done")]
    outcome: String,
    /// Why: a word.
    code: Option<String>,
}

impl ItemView {
    fn new(noted: Noted) -> Self {
        let Noted { n, contact_id, thing, outcome, code, .. } = noted;
        Self { n, contact_id, thing, outcome, code }
    }
}

pub(super) const LIST: Operation =
    Operation::new("listJobItems", "List what became of each row or contact of a job")
        .says("In the order in which the job went through them.");

/// Lists them.
pub(super) async fn list(
    State(app): State<App>,
    by: Allowed<ReadJobs>,
    Path(id): Path<JobId>,
    Query(query): Query<ItemsQuery>,
) -> Result<Reply<Shown<Items>>, Problem> {
    let limit = query.limit.unwrap_or(USUAL);
    if !(1..=MOST).contains(&limit) {
        let detail = format!("must be from 1 to {MOST}");
        return Err(Problem::field("limit", "out_of_range", detail));
    }
    let after = query.after.unwrap_or(0);
    if after < 0 {
        return Err(Problem::field("after", "out_of_range", "must be 0 or more"));
    }
    let outcome = query.outcome.map(|became| match became {
        Became::Done => Outcome::Done,
        Became::Skipped => Outcome::Skipped,
        Became::Failed => Outcome::Failed,
    });
    let mut tx = app.look(&by).await?;
    store::find(&mut tx, id).await?.ok_or(Problem::NotFound(NOUN))?;
    let mut found = items::after(&mut tx, id, after, outcome, limit + 1).await?;
    let more = i64::try_from(found.len()).is_ok_and(|found| found > limit);
    if more {
        found.pop();
    }
    let next = more.then(|| found.last().map(|last| last.n)).flatten();
    let shown: Vec<_> = found.iter().filter_map(|one| one.contact_id.map(|id| id.0)).collect();
    let items = found.into_iter().map(ItemView::new).collect();
    Ok(Reply::ok(&Items { items, next })?.showing(shown))
}
