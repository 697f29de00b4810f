//! Reading contacts.

use axum::extract::State;
use shared::appointments;
use shared::contacts::store::{self, Opened};
use shared::ids::ContactId;
use shared::paging::Page;

use super::{ContactView, NOUN};
use crate::app::{App, Work};
use crate::auth::{Allowed, ReadContacts};
use crate::http::contract::Operation;
use crate::http::{PageQuery, PageView, Path, Problem, Query, Reply, Shown, Versioned};

/// The answer that shows one contact.
pub(super) type ContactReply = Reply<Versioned<Shown<ContactView>>>;

pub(super) const LIST: Operation =
    Operation::new("listContacts", "List contacts").says("Newest first.");

/// Lists contacts, newest first.
pub(super) async fn list(
    State(app): State<App>,
    by: Allowed<ReadContacts>,
    Query(query): Query<PageQuery>,
) -> Result<Reply<Shown<PageView<ContactView>>>, Problem> {
    let slice = query.slice()?;
    let mut work = app.read(&by).await?;
    let sees_notes = by.sees_notes(&work.tenant);
    let page = store::list(&mut work.tx, &work.keys, slice).await?;
    let views = views(&mut work, &page.items.iter().collect::<Vec<_>>(), sees_notes).await?;
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
    let sees_notes = by.sees_notes(&work.tenant);
    let found = store::find(&mut work.tx, &work.keys, id).await?.ok_or(Problem::NotFound(NOUN))?;
    view(&mut work, &found, sees_notes).await
}

/// What shows one contact.
pub(super) async fn view(
    work: &mut Work,
    found: &Opened,
    sees_notes: bool,
) -> Result<ContactReply, Problem> {
    let mut views = views(work, &[found], sees_notes).await?;
    let view = views.pop().ok_or(Problem::NotFound(NOUN))?;
    Ok(Reply::ok(&view)?.with_version(found.contact.version))
}

/// What shows these contacts, in their order.
pub(super) async fn views(
    work: &mut Work,
    found: &[&Opened],
    sees_notes: bool,
) -> Result<Vec<ContactView>, Problem> {
    let ids: Vec<ContactId> = found.iter().map(|opened| opened.contact.id).collect();
    let standings = store::standings(&mut work.tx, &ids).await?;
    let keys: Vec<_> = found.iter().map(|opened| &opened.key).collect();
    let next = appointments::store::next_open(&mut work.tx, &keys, work.now).await?;
    let view = |opened: &&Opened| {
        let contact = &opened.contact;
        let standing = standings.get(&contact.id).cloned().unwrap_or_default();
        let next = next.iter().find(|appointment| appointment.contact == contact.id);
        ContactView::new(contact, &standing, next, sees_notes)
    };
    Ok(found.iter().map(view).collect())
}
