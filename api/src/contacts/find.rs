//! Reading contacts.

use axum::extract::State;
use schemars::JsonSchema;
use serde::Deserialize;
use shared::contacts::store::{self, Opened};
use shared::ids::ContactId;
use shared::paging::Page;

use super::view::Viewer;
use super::{ContactView, NOUN, cards};
use crate::app::{App, Work};
use crate::auth::{Allowed, ReadContacts};
use crate::http::contract::Operation;
use crate::http::{PageQuery, PageView, Path, Problem, Query, Reply, Shown, Versioned};

/// The answer that shows one contact.
pub(super) type ContactReply = Reply<Versioned<Shown<ContactView>>>;

/// Which contacts are listed, and which page of them.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ListQuery {
    /// At most so many; 50 unless given.
    #[schemars(range(min = 1, max = 200))]
    limit: Option<i64>,
    /// The `next` of the page before.
    #[schemars(regex(pattern = "^[0-9a-f]{48}$"))]
    cursor: Option<String>,
    /// Those that are archived; the others unless given.
    #[serde(default)]
    archived: bool,
}

pub(super) const LIST: Operation = Operation::new("listContacts", "List contacts")
    .says("Newest first; those that are archived only if `archived` asks for them.");

/// Lists contacts, newest first.
pub(super) async fn list(
    State(app): State<App>,
    by: Allowed<ReadContacts>,
    Query(query): Query<ListQuery>,
) -> Result<Reply<Shown<PageView<ContactView>>>, Problem> {
    let slice = PageQuery::new(query.limit, query.cursor).slice()?;
    let mut work = app.read(&by).await?;
    let viewer = Viewer::of(&by, &work.tenant);
    let page = store::list(&mut work.tx, &work.keys, query.archived, slice).await?;
    let views = cards::views(&mut work, viewer, &page.items).await?;
    let shown: Vec<_> = page.items.iter().map(|opened| opened.contact.id.0).collect();
    let page = PageView::of(Page { items: views, next: page.next }, |view| view);
    Ok(Reply::ok(&page)?.showing(shown))
}

pub(super) const FIND: Operation = Operation::new("readContact", "Show a contact");

/// Shows one contact.
pub(super) async fn find(
    State(app): State<App>,
    by: Allowed<ReadContacts>,
    Path(id): Path<ContactId>,
) -> Result<ContactReply, Problem> {
    let mut work = app.read(&by).await?;
    let viewer = Viewer::of(&by, &work.tenant);
    let found = store::find(&mut work.tx, &work.keys, id).await?.ok_or(Problem::NotFound(NOUN))?;
    show(&mut work, viewer, &found).await
}

/// The answer that shows a contact which is read already.
pub(super) async fn show(
    work: &mut Work,
    viewer: Viewer,
    found: &Opened,
) -> Result<ContactReply, Problem> {
    let view = cards::view(work, viewer, found).await?;
    Ok(Reply::ok(&view)?.with_version(found.contact.version))
}
