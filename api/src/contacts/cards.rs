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
/// the latest. Contacts that are gone are left out. Four statements or five, whatever their number; the caller bounds that.
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
    let built = build(work, viewer, &found).await?;
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
    let built = build(work, viewer, &found).await?;
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

/// Of each contact the appointment that a search chose is shown, and the next one is told besides; without a choice, that.
async fn build(
    work: &mut Work,
    viewer: Viewer,
    found: &[(&Opened, Option<AppointmentId>)],
) -> Result<Vec<(ContactView, Option<Shown>)>, Problem> {
    let ids: Vec<ContactId> = found.iter().map(|(opened, _)| opened.contact.id).collect();
    let mut facts = store::facts(&mut work.tx, &ids).await?;
    let all: Vec<_> = found.iter().map(|(opened, _)| (&opened.key, None)).collect();
    let mut usual = appointments::store::shown(&mut work.tx, &all, work.now).await?;
    // Nearly always a search shows the same: no filter or term about appointments chose another.
    let others: Vec<_> = found
        .iter()
        .filter(|(opened, shown)| {
            let of = usual.get(&opened.contact.id).map(|shown| shown.appointment.id);
            shown.is_some() && *shown != of
        })
        .map(|(opened, shown)| (&opened.key, *shown))
        .collect();
    let mut chosen = match others.is_empty() {
        true => HashMap::new(),
        false => appointments::store::shown(&mut work.tx, &others, work.now).await?,
    };
    let all = usual.values().chain(chosen.values()).map(|shown| &shown.appointment);
    let listed = appointments::store::listed(&mut work.tx, all).await?;
    let frame = Frame { viewer, now: work.now, listed: &listed };
    let card = |(opened, _): &(&Opened, _)| {
        let contact = &opened.contact;
        let facts = facts.remove(&contact.id).unwrap_or_default();
        let (usual, chosen) = (usual.remove(&contact.id), chosen.remove(&contact.id));
        let shown = chosen.as_ref().or(usual.as_ref());
        let view = ContactView::new(contact, facts, shown, usual.as_ref(), frame);
        (view, chosen.or(usual))
    };
    Ok(found.iter().map(card).collect())
}
