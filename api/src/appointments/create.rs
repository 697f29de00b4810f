//! Booking an appointment.

use axum::extract::State;
use shared::ids::ContactId;
use shared::{appointments, contacts};

use super::fields::NewAppointment;
use super::view::AppointmentView;
use crate::app::{App, Begun};
use crate::auth::{Allowed, EditContacts};
use crate::http::contract::Operation;
use crate::http::{Created, Fields, Path, Post, Problem, Reply, Versioned};
use crate::planning::{self, Planned};

pub(super) const CREATE: Operation = Operation::new("bookAppointment", "Book an appointment").says(
    "And plan its reminder. When: `at` with an offset, or `local_time` on the wall of `zone`.",
);

/// Books an appointment and plans its reminder.
pub(super) async fn create(
    State(app): State<App>,
    by: Allowed<EditContacts>,
    Path(contact): Path<ContactId>,
    Post { body, once }: Post<NewAppointment>,
) -> Result<Reply<Versioned<Created<AppointmentView>>>, Problem> {
    let mut work = match app.change_once(&by, once).await? {
        Begun::Anew(work) => *work,
        Begun::Before(reply) => return Ok(reply),
    };
    let found = contacts::store::lock(&mut work.tx, &work.keys, contact).await?;
    let opened = found.ok_or(Problem::NotFound(crate::contacts::NOUN))?;
    let mut fields = Fields::default();
    let read = body.read(&mut fields, &work.tenant, work.now);
    let appointment = fields.finish(read)?.into_appointment(contact, work.now);
    appointments::store::insert(&mut work.tx, &opened.key, &appointment, "api").await?;
    super::tell_created(&mut work, &opened.key, &appointment)?;
    planning::tell(&mut work, Planned::AppointmentCreated(&appointment)).await?;
    let address = format!("/v1/contacts/{contact}/appointments/{}", appointment.id);
    let view = AppointmentView::new(&appointment, opened.contact.zone, true);
    let reply = Reply::created(address, &view)?.with_version(appointment.version);
    work.commit(&app, reply).await
}
