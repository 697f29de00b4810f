//! Building the cards of many contacts in a number of statements that doesn't grow with theirs.

use std::collections::HashMap;

use shared::appointments;
use shared::contacts::store::{self, Opened};
use shared::ids::{AppointmentId, ContactId};

use super::view::{Frame, Viewer};
use super::{ContactView, NOUN};
use crate::app::Work;
use crate::http::Problem;

/// The cards of these contacts, in this order; of each the appointment that is to be shown, or none: the next open one, or else
/// the latest. Contacts that are gone are left out. At most 1,000 at a time, by the caller's word: four statements, whatever
/// their number. `next_appointment` is left out.
#[expect(dead_code, reason = "the search route calls it")]
pub(crate) async fn cards(
    work: &mut Work,
    viewer: Viewer,
    wanted: &[(ContactId, Option<AppointmentId>)],
) -> Result<Vec<ContactView>, Problem> {
    let ids: Vec<ContactId> = wanted.iter().map(|(contact, _)| *contact).collect();
    let found = store::find_all(&mut work.tx, &work.keys, &ids).await?;
    let mut by_id: HashMap<ContactId, Opened> =
        found.into_iter().map(|opened| (opened.contact.id, opened)).collect();
    let found: Vec<_> = wanted
        .iter()
        .filter_map(|(contact, shown)| Some((by_id.remove(contact)?, *shown)))
        .collect();
    let found: Vec<_> = found.iter().map(|(opened, shown)| (opened, *shown)).collect();
    build(work, viewer, &found, false).await
}

/// The views of contacts that are read already, each with its next open appointment, or else the latest.
pub(super) async fn views(
    work: &mut Work,
    viewer: Viewer,
    found: &[Opened],
) -> Result<Vec<ContactView>, Problem> {
    let found: Vec<_> = found.iter().map(|opened| (opened, None)).collect();
    build(work, viewer, &found, true).await
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

async fn build(
    work: &mut Work,
    viewer: Viewer,
    found: &[(&Opened, Option<AppointmentId>)],
    next_too: bool,
) -> Result<Vec<ContactView>, Problem> {
    let ids: Vec<ContactId> = found.iter().map(|(opened, _)| opened.contact.id).collect();
    let mut facts = store::facts(&mut work.tx, &ids).await?;
    let keys: Vec<_> = found.iter().map(|(opened, shown)| (&opened.key, *shown)).collect();
    let shown = appointments::store::shown(&mut work.tx, &keys, work.now).await?;
    let appointments = shown.values().map(|shown| &shown.appointment);
    let listed = appointments::store::listed(&mut work.tx, appointments).await?;
    let frame = Frame { viewer, now: work.now, listed: &listed, next_too };
    let card = |(opened, _): &(&Opened, _)| {
        let contact = &opened.contact;
        let facts = facts.remove(&contact.id).unwrap_or_default();
        ContactView::new(contact, facts, shown.get(&contact.id), frame)
    };
    Ok(found.iter().map(card).collect())
}
