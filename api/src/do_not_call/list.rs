//! Reading the list.

use axum::extract::State;
use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;
use shared::do_not_call::{Entry, Source, store};
use shared::ids::DoNotCallId;

use crate::app::App;
use crate::auth::{Allowed, EditDoNotCall, ReadDoNotCall};
use crate::http::contract::Operation;
use crate::http::{PageQuery, PageView, Problem, Query, Reply, Shown};

/// An entry as its tenant's people see it.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "DoNotCallEntry")]
pub(super) struct EntryView {
    id: DoNotCallId,
    /// Left out for those who may not change the list.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = "+447700900199")]
    number: Option<String>,
    /// Where it came from.
    #[schemars(with = "Source")]
    source: &'static str,
    /// For people.
    #[schemars(example = "asked by telephone")]
    reason: Option<String>,
    /// Who added it.
    added_by: String,
    /// When.
    added_at: DateTime<Utc>,
}

impl EntryView {
    pub(super) fn new(entry: Entry, sees_number: bool) -> Self {
        Self {
            id: entry.id,
            number: sees_number.then(|| entry.number.as_str().to_owned()),
            source: entry.source.as_str(),
            reason: entry.reason,
            added_by: entry.added_by,
            added_at: entry.added_at,
        }
    }
}

pub(super) const LIST: Operation =
    Operation::new("listDoNotCall", "List numbers that are not to be called")
        .says("Newest first. Numbers are left out for those who may not change the list.");

/// Lists the entries, newest first.
pub(super) async fn list(
    State(app): State<App>,
    by: Allowed<ReadDoNotCall>,
    Query(query): Query<PageQuery>,
) -> Result<Reply<Shown<PageView<EntryView>>>, Problem> {
    let slice = query.slice()?;
    let mut work = app.read(&by).await?;
    let page = store::list(&mut work.tx, &work.keys, slice).await?;
    let sees_number = by.may::<EditDoNotCall>();
    let shown: Vec<_> = page.items.iter().map(|entry| entry.id.0).collect();
    let page = PageView::of(page, |entry| EntryView::new(entry, sees_number));
    Ok(Reply::ok(&page)?.showing(shown))
}
