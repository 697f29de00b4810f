//! Who completed which training, for the tenant's administrators.

use axum::extract::State;
use schemars::JsonSchema;
use serde::Serialize;
use shared::ids::UserId;
use shared::people::store::users;
use shared::training::store;

use super::ModuleView;
use crate::app::App;
use crate::auth::{Allowed, ReadCompliance};
use crate::http::contract::Operation;
use crate::http::{PageQuery, PageView, Problem, Query, Reply, Shown};

/// One of the tenant's people, and their training.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "TrainingOfPerson")]
pub(super) struct PersonView {
    user_id: UserId,
    /// Whether they may sign in.
    #[schemars(with = "shared::people::State")]
    state: &'static str,
    /// Any module is due.
    due: bool,
    modules: Vec<ModuleView>,
}

pub(super) const LIST: Operation = Operation::new(
    "listTraining",
    "List who completed which training",
)
.says(
    "The tenant's people, newest first, deactivated ones too: what they completed stays on record.",
);

/// Lists the tenant's people with their training, newest first.
pub(super) async fn list(
    State(app): State<App>,
    by: Allowed<ReadCompliance>,
    Query(query): Query<PageQuery>,
) -> Result<Reply<Shown<PageView<PersonView>>>, Problem> {
    let slice = query.slice()?;
    let mut work = app.read(&by).await?;
    let page = users::list(&mut work.tx, &work.keys, slice).await?;
    let people: Vec<_> = page.items.iter().map(|user| user.id).collect();
    let standings = store::standings(&mut work.tx, &people, work.now).await?;
    let view = |user: shared::people::User| {
        let standing = standings.get(&user.id).cloned().unwrap_or_default();
        let modules = ModuleView::all(&standing);
        let due = modules.iter().any(|module| module.due);
        PersonView { user_id: user.id, state: user.state.as_str(), due, modules }
    };
    let shown = people.into_iter().map(|id| id.0);
    Ok(Reply::ok(&PageView::of(page, view))?.showing(shown))
}
