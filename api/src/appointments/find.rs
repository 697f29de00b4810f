//! Reading appointments.

use axum::extract::State;
use shared::ids::{AppointmentId, ContactId};
use shared::{appointments, contacts};

use super::NOUN;
use super::view::AppointmentView;
use crate::app::App;
use crate::auth::{Allowed, ReadContacts};
use crate::http::contract::Operation;
use crate::http::{PageView, Path, Problem, Reply, Shown, Versioned};

/// The answer that shows one appointment.
pub(super) type AppointmentReply = Reply<Versioned<Shown<AppointmentView>>>;

pub(super) const LIST: Operation =
    Operation::new("listAppointments", "List a contact's appointments")
        .says("The latest 200 on one page, the latest first.");

/// Lists a contact's appointments, the latest first.
pub(super) async fn list(
    State(app): State<App>,
    by: Allowed<ReadContacts>,
    Path(contact): Path<ContactId>,
) -> Result<Reply<Shown<PageView<AppointmentView>>>, Problem> {
    let mut work = app.read(&by).await?;
    let found = contacts::store::find(&mut work.tx, &work.keys, contact).await?;
    let opened = found.ok_or(Problem::NotFound(crate::contacts::NOUN))?;
    let sees_notes = by.sees_notes(&work.tenant);
    let found = appointments::store::list(&mut work.tx, &opened.key).await?;
    let view = |of| AppointmentView::new(of, opened.contact.zone, sees_notes);
    let shown = found.iter().map(|appointment| appointment.id.0);
    let items = found.iter().map(view).collect();
    Ok(Reply::ok(&PageView { items, next: None })?.showing(shown))
}

pub(super) const FIND: Operation = Operation::new("readAppointment", "Show an appointment");

/// Shows one appointment.
pub(super) async fn find(
    State(app): State<App>,
    by: Allowed<ReadContacts>,
    Path((contact, id)): Path<(ContactId, AppointmentId)>,
) -> Result<AppointmentReply, Problem> {
    let mut work = app.read(&by).await?;
    let found = contacts::store::find(&mut work.tx, &work.keys, contact).await?;
    let opened = found.ok_or(Problem::NotFound(crate::contacts::NOUN))?;
    let found = appointments::store::find(&mut work.tx, &opened.key, id).await?;
    let found = found.ok_or(Problem::NotFound(NOUN))?;
    let view = AppointmentView::new(&found, opened.contact.zone, by.sees_notes(&work.tenant));
    Ok(Reply::ok(&view)?.with_version(found.version))
}
