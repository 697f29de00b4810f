//! Reading appointments.

use axum::extract::State;
use chrono_tz::Tz;
use shared::appointments::Appointment;
use shared::appointments::store::listed;
use shared::db::TenantTx;
use shared::ids::{AppointmentId, ContactId};
use shared::{appointments, contacts};

use super::NOUN;
use super::view::AppointmentView;
use crate::app::App;
use crate::auth::{Allowed, Eyes, ReadContacts};
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
    let eyes = by.eyes(&work.tenant);
    let found = appointments::store::list(&mut work.tx, &opened.key).await?;
    let listed = listed(&mut work.tx, found.iter()).await?;
    let view = |of| AppointmentView::new(of, opened.contact.zone, eyes, &listed);
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
    let eyes = by.eyes(&work.tenant);
    show(&mut work.tx, opened.contact.zone, &found, eyes).await
}

/// The answer that shows an appointment of a contact who lives in `zone`.
pub(super) async fn show(
    tx: &mut TenantTx,
    zone: Tz,
    appointment: &Appointment,
    eyes: Eyes,
) -> Result<AppointmentReply, Problem> {
    let listed = listed(tx, std::iter::once(appointment)).await?;
    let view = AppointmentView::new(appointment, zone, eyes, &listed);
    Ok(Reply::ok(&view)?.with_version(appointment.version))
}
