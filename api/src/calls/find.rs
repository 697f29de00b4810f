//! Reading calls.

use axum::extract::State;
use serde::Deserialize;
use shared::calls::store::read::{self as store, Filter};
use shared::ids::{CallId, ContactId};

use super::NOUN;
use super::view::CallView;
use crate::app::App;
use crate::auth::{Allowed, ReadCalls};
use crate::http::{PageQuery, PageView, Path, Problem, Query, Reply};

/// Which calls are listed, and which page of them.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ListQuery {
    limit: Option<i64>,
    cursor: Option<String>,
    contact_id: Option<ContactId>,
    state: Option<CallState>,
}

/// The states of a call.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum CallState {
    Planned,
    Reserved,
    Dialling,
    InProgress,
    Settled,
    Withdrawn,
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

/// Lists calls, newest first.
pub(super) async fn list(
    State(app): State<App>,
    by: Allowed<ReadCalls>,
    Query(query): Query<ListQuery>,
) -> Result<Reply, Problem> {
    let slice = PageQuery::new(query.limit, query.cursor).slice()?;
    let filter = Filter { contact: query.contact_id, state: query.state.map(CallState::word) };
    let mut work = app.read(&by).await?;
    let page = store::list(&mut work.tx, filter, slice).await?;
    let shown: Vec<_> = page.items.iter().flat_map(|call| [call.id.0, call.contact_id.0]).collect();
    Ok(Reply::ok(&PageView::of(page, CallView::of))?.showing(shown))
}

/// Shows one call with its attempts.
pub(super) async fn find(
    State(app): State<App>,
    by: Allowed<ReadCalls>,
    Path(id): Path<CallId>,
) -> Result<Reply, Problem> {
    let mut work = app.read(&by).await?;
    let call = store::find(&mut work.tx, id).await?.ok_or(Problem::NotFound(NOUN))?;
    let attempts = store::attempts(&mut work.tx, id).await?;
    let (version, contact) = (call.version, call.contact_id);
    let reply = Reply::ok(&CallView::of(call).with(attempts))?.with_version(version);
    Ok(reply.showing([contact.0]))
}
