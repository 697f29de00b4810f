//! Appointments of a contact.

mod attend;
mod create;
mod edit;
mod fields;
mod find;
mod lists;
mod view;

use shared::appointments::Appointment;
use shared::crypto::{ContactField, ContactKey};

use crate::app::Work;
use crate::http::Problem;
use crate::http::contract::{Routes, get, post, put};

pub(crate) use create::book;
pub(crate) use fields::{Booking, DURATION_MINUTES, NewAppointment, name};
pub(crate) use lists::{Lists, Warning, list_full};
pub(crate) use view::AppointmentView;

/// What others read of an appointment that a client wrote.
pub(crate) mod reading {
    pub(crate) use super::edit::{How, MOST_REASON, why};
    pub(crate) use super::fields::{LEAD_HOURS, MOST_LOCATION, MOST_PERSON, label};
}

/// What an appointment is called in problems.
const NOUN: &str = "appointment";

/// Routes below `/v1/contacts`.
pub(crate) fn routes() -> Routes {
    let one = "/{contact}/appointments/{appointment}";
    Routes::tagged("Appointments")
        .at(
            "/{contact}/appointments",
            post(create::CREATE, create::create).get(find::LIST, find::list),
        )
        .at(
            one,
            get(find::FIND, find::find)
                .patch(edit::PATCH, edit::patch)
                .delete(edit::DELETE, edit::delete),
        )
        .at(&format!("{one}/move"), post(edit::MOVE, edit::move_to))
        .at(&format!("{one}/attendance"), put(attend::PUT, attend::put))
        .at(&format!("{one}/cancel"), post(edit::CANCEL, edit::cancel))
}

/// Adds to the changes that an appointment was made.
fn tell_created(work: &mut Work, key: &ContactKey, made: &Appointment) -> Result<(), Problem> {
    work.changes.event("appointment.created", made.id.0, Some(made.contact));
    let values = serde_json::json!({ "after": shared::appointments::audited(made) });
    entry(work, key, "appointment.create", made, &values)
}

/// Adds an audit entry about an appointment, sealed under its contact's key.
fn entry(
    work: &mut Work,
    key: &ContactKey,
    action: &'static str,
    of: &Appointment,
    values: &serde_json::Value,
) -> Result<(), Problem> {
    let place = ContactField::AuditValues { entry: of.id.0 };
    let sealed = key.seal(place, values.to_string().as_bytes())?;
    work.changes.entry(action, of.id.0, Some(sealed));
    Ok(())
}
