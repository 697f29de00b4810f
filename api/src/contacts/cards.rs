//! Building the cards of many contacts in a number of statements that doesn't grow with theirs.

use std::collections::HashMap;

use shared::appointments;
use shared::appointments::store::Shown;
use shared::contacts::store::{self, Opened};
use shared::ids::{AppointmentId, ContactId};

use super::view::{Frame, Viewer};
use super::{ContactView, NOUN};
use crate::app::Work;
use crate::http::Problem;

/// A contact, the appointment that is shown of it, and what its viewer sees of both.
pub(super) struct Card {
    pub(super) opened: Opened,
    pub(super) shown: Option<Shown>,
    pub(super) view: ContactView,
}

/// The cards of these contacts, in this order; of each the appointment that is to be shown, or none: the next open one, or else
/// the latest. Contacts that are gone are left out. Five statements, whatever their number; the caller bounds that.
pub(super) async fn cards(
    work: &mut Work,
    viewer: Viewer,
    wanted: &[(ContactId, Option<AppointmentId>)],
) -> Result<Vec<Card>, Problem> {
    let ids: Vec<ContactId> = wanted.iter().map(|(contact, _)| *contact).collect();
    let found = store::some(&mut work.tx, &work.keys, &ids).await?;
    let mut by_id: HashMap<ContactId, Opened> =
        found.into_iter().map(|opened| (opened.contact.id, opened)).collect();
    let opened: Vec<_> = wanted
        .iter()
        .filter_map(|(contact, shown)| Some((by_id.remove(contact)?, *shown)))
        .collect();
    let found: Vec<_> = opened.iter().map(|(opened, shown)| (opened, *shown)).collect();
    let built = build(work, viewer, &found, true).await?;
    let card = |((opened, _), (view, shown))| Card { opened, shown, view };
    Ok(opened.into_iter().zip(built).map(card).collect())
}

/// The views of contacts that are read already, each with its next open appointment, or else the latest.
pub(super) async fn views(
    work: &mut Work,
    viewer: Viewer,
    found: &[Opened],
) -> Result<Vec<ContactView>, Problem> {
    let found: Vec<_> = found.iter().map(|opened| (opened, None)).collect();
    let built = build(work, viewer, &found, false).await?;
    Ok(built.into_iter().map(|(view, _)| view).collect())
}

/// The view of one contact that is read already.
pub(super) async fn view(
    work: &mut Work,
    viewer: Viewer,
    found: &Opened,
) -> Result<ContactView, Problem> {
    let mut views = views(work, viewer, std::slice::from_ref(found)).await?;
    views.pop().ok_or(Problem::NotFound(NOUN))
}

/// `chosen`: the shown appointments were chosen by a search, and the next ones are read besides.
async fn build(
    work: &mut Work,
    viewer: Viewer,
    found: &[(&Opened, Option<AppointmentId>)],
    chosen: bool,
) -> Result<Vec<(ContactView, Option<Shown>)>, Problem> {
    let ids: Vec<ContactId> = found.iter().map(|(opened, _)| opened.contact.id).collect();
    let mut facts = store::facts(&mut work.tx, &ids).await?;
    let keys: Vec<_> = found.iter().map(|(opened, shown)| (&opened.key, *shown)).collect();
    let mut shown = appointments::store::shown(&mut work.tx, &keys, work.now).await?;
    let usual = match chosen {
        true => {
            let keys: Vec<_> = keys.iter().map(|(key, _)| (*key, None)).collect();
            appointments::store::shown(&mut work.tx, &keys, work.now).await?
        }
        false => HashMap::new(),
    };
    let all = shown.values().chain(usual.values()).map(|shown| &shown.appointment);
    let listed = appointments::store::listed(&mut work.tx, all).await?;
    let frame = Frame { viewer, now: work.now, listed: &listed };
    let card = |(opened, _): &(&Opened, _)| {
        let contact = &opened.contact;
        let facts = facts.remove(&contact.id).unwrap_or_default();
        let shown = shown.remove(&contact.id);
        let usual = if chosen { usual.get(&contact.id) } else { shown.as_ref() };
        (ContactView::new(contact, facts, shown.as_ref(), usual, frame), shown)
    };
    Ok(found.iter().map(card).collect())
}
