//! Booking an appointment.

use axum::extract::State;
use shared::appointments::Appointment;
use shared::crypto::ContactKey;
use shared::ids::ContactId;
use shared::{appointments, contacts};

use super::fields::{Booking, NewAppointment};
use super::lists::{Lists, Warning};
use super::view::{AppointmentView, Made};
use crate::app::{App, Begun, Work};
use crate::auth::{Allowed, EditContacts};
use crate::contacts::bring_back;
use crate::http::contract::Operation;
use crate::http::{Created, Fields, Path, Post, Problem, Reply, Versioned};
use crate::planning::{self, Planned};

pub(super) const CREATE: Operation = Operation::new("bookAppointment", "Book an appointment").says(
    "And plan its reminder. When: `at` with an offset, or `local_time` on the wall of `zone`. A contact that is archived is \
     brought back. `warnings` tells what is allowed and may yet be a mistake.",
);

/// Books an appointment and plans its reminder.
pub(super) async fn create(
    State(app): State<App>,
    by: Allowed<EditContacts>,
    Path(contact): Path<ContactId>,
    Post { body, once }: Post<NewAppointment>,
) -> Result<Reply<Versioned<Created<Made>>>, Problem> {
    let mut work = match app.change_once(&by, once).await? {
        Begun::Anew(work) => *work,
        Begun::Before(reply) => return Ok(reply),
    };
    let found = contacts::store::lock(&mut work.tx, &work.keys, contact).await?;
    let mut opened = found.ok_or(Problem::NotFound(crate::contacts::NOUN))?;
    let mut fields = Fields::default();
    let read = body.read(&mut fields, &work.tenant, work.now);
    let booking = fields.finish_in(&mut work, read)?;
    let lists = Lists::read(&mut work.tx, booking.kind.as_ref(), booking.location.as_ref()).await?;
    lists.check_type(booking.kind.as_ref(), &work.tenant.policy, "/type")?;
    if opened.contact.archived_at.is_some() {
        bring_back(&mut work, &mut opened).await?;
    }
    let (phone, at) = (&opened.contact.phone, booking.at);
    let twins =
        contacts::store::with_phone_and_time(&mut work.tx, &work.keys, phone, at, contact).await?;
    let (appointment, mut warnings) =
        book(&mut work, &opened.key, contact, booking, &lists).await?;
    warnings.splice(0..0, Warning::possible_duplicate(twins));
    let address = format!("/v1/contacts/{contact}/appointments/{}", appointment.id);
    let (zone, eyes) = (opened.contact.zone, by.eyes(&work.tenant));
    let view = AppointmentView::new(&appointment, zone, eyes, &lists.listed());
    let reply = Reply::created(address, &Made { appointment: view, warnings })?;
    work.commit(&app, reply.with_version(appointment.version)).await
}

/// Stores a booking and plans its reminder. Returns what staff may want to know about it, too.
pub(crate) async fn book(
    work: &mut Work,
    key: &ContactKey,
    contact: ContactId,
    booking: Booking,
    lists: &Lists,
) -> Result<(Appointment, Vec<Warning>), Problem> {
    let mut appointment = booking.into_appointment(contact, work.now, work.actor);
    lists.complete(&mut appointment);
    appointments::store::insert(&mut work.tx, key, &appointment, &appointment.source).await?;
    super::tell_created(work, key, &appointment)?;
    planning::tell(work, Planned::AppointmentCreated(&appointment)).await?;
    let warnings = lists.warnings(&appointment);
    Ok((appointment, warnings))
}
