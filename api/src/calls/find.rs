//! Reading calls.

use axum::extract::State;
use schemars::JsonSchema;
use serde::Deserialize;
use shared::calls::store::read::{self as store, Filter};
use shared::ids::{CallId, ContactId};

use super::NOUN;
use super::view::CallView;
use crate::app::App;
use crate::auth::{Allowed, ReadCalls};
use crate::http::contract::Operation;
use crate::http::{PageQuery, PageView, Path, Problem, Query, Reply, Shown, Versioned};

/// Which calls are listed, and which page of them.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ListQuery {
    /// At most so many; 50 unless given.
    #[schemars(range(min = 1, max = 200))]
    limit: Option<i64>,
    /// The `next` of the page before.
    #[schemars(regex(pattern = "^[0-9a-f]{48}$"))]
    cursor: Option<String>,
    /// Those of one contact.
    contact_id: Option<ContactId>,
    /// Those in one state.
    state: Option<CallState>,
}

/// The states of a call.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum CallState {
    /// Will be dialled.
    Planned,
    /// About to be dialled.
    Reserved,
    /// Being dialled.
    Dialling,
    /// Going on.
    InProgress,
    /// Over.
    Settled,
    /// Not needed any more.
    Withdrawn,
    /// Can't be made.
    Refused,
}

impl CallState {
    fn word(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Reserved => "reserved",
            Self::Dialling => "dialling",
            Self::InProgress => "in_progress",
            Self::Settled => "settled",
            Self::Withdrawn => "withdrawn",
            Self::Refused => "refused",
        }
    }
}

pub(super) const LIST: Operation =
    Operation::new("listCalls", "List calls").says("Newest first, without their attempts.");

/// Lists calls, newest first.
pub(super) async fn list(
    State(app): State<App>,
    by: Allowed<ReadCalls>,
    Query(query): Query<ListQuery>,
) -> Result<Reply<Shown<PageView<CallView>>>, Problem> {
    let slice = PageQuery::new(query.limit, query.cursor).slice()?;
    let filter = Filter { contact: query.contact_id, state: query.state.map(CallState::word) };
    let mut tx = app.look(&by).await?;
    let page = store::list(&mut tx, filter, slice).await?;
    let shown: Vec<_> = page.items.iter().flat_map(|call| [call.id.0, call.contact_id.0]).collect();
    Ok(Reply::ok(&PageView::of(page, CallView::of))?.showing(shown))
}

pub(super) const FIND: Operation = Operation::new("readCall", "Show a call with its attempts");

/// Shows one call with its attempts.
pub(super) async fn find(
    State(app): State<App>,
    by: Allowed<ReadCalls>,
    Path(id): Path<CallId>,
) -> Result<Reply<Versioned<Shown<CallView>>>, Problem> {
    let mut tx = app.look(&by).await?;
    let found = store::find_with_attempts(&mut tx, id).await?;
    let (call, attempts) = found.ok_or(Problem::NotFound(NOUN))?;
    let (version, contact) = (call.version, call.contact_id);
    let reply = Reply::ok(&CallView::of(call).with(attempts))?.with_version(version);
    Ok(reply.showing([contact.0]))
}
