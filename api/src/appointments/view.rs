//! How an appointment is shown.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use schemars::JsonSchema;
use serde::Serialize;
use shared::appointments::{Appointment, ConfirmedBy, Label, Priority};
use shared::calls::rules::snapshot::AppointmentStatus;
use shared::ids::{AppointmentId, ContactId};

/// An appointment as its tenant's people see it.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Appointment")]
pub(crate) struct AppointmentView {
    id: AppointmentId,
    contact_id: ContactId,
    at: DateTime<Utc>,
    /// `at` on the contact's wall.
    #[schemars(example = "2027-03-01T09:30")]
    local_time: String,
    /// So long before the appointment its reminder is due.
    #[schemars(example = 24)]
    call_before_hours: u16,
    /// How long it takes.
    #[schemars(example = 30)]
    duration_minutes: Option<u16>,
    /// What kind of appointment.
    #[schemars(example = "Check-up")]
    r#type: Option<String>,
    /// With whom.
    #[schemars(example = "Dr Grey")]
    owner_name: Option<String>,
    /// At which business.
    company_name: Option<String>,
    /// Where.
    #[schemars(example = "1 Elm Street")]
    location: Option<String>,
    /// Left out for those who may not see notes.
    #[serde(skip_serializing_if = "Option::is_none")]
    voice_text: Option<Option<String>>,
    priority: Priority,
    status: AppointmentStatus,
    status_reason: Option<String>,
    confirmed_by: Option<ConfirmedBy>,
    confirmed_at: Option<DateTime<Utc>>,
    last_contact_at: Option<DateTime<Utc>>,
    /// The version, as in `ETag`.
    version: i32,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl AppointmentView {
    /// An appointment of a contact who lives in `zone`.
    pub(crate) fn new(of: &Appointment, zone: Tz, sees_notes: bool) -> Self {
        let voice_text = of.voice_text.as_ref().map(|text| text.as_str().to_owned());
        Self {
            id: of.id,
            contact_id: of.contact,
            at: of.at,
            local_time: of.at.with_timezone(&zone).format("%Y-%m-%dT%H:%M").to_string(),
            call_before_hours: of.call_before_hours,
            duration_minutes: of.duration_minutes,
            r#type: text(&of.kind),
            owner_name: text(&of.owner_name),
            company_name: text(&of.company_name),
            location: text(&of.location),
            voice_text: sees_notes.then_some(voice_text),
            priority: of.priority,
            status: of.status,
            status_reason: of.status_reason.clone(),
            confirmed_by: of.confirmed_by,
            confirmed_at: of.confirmed_at,
            last_contact_at: of.last_contact_at,
            version: of.version,
            created_at: of.created_at,
            updated_at: of.updated_at,
        }
    }
}

fn text(label: &Option<Label>) -> Option<String> {
    label.as_ref().map(|label| label.as_str().to_owned())
}

/// Values for the audit chain: all that people can change, to be sealed.
pub(super) fn audited(of: &Appointment) -> serde_json::Value {
    let mut view = serde_json::to_value(AppointmentView::new(of, chrono_tz::UTC, true))
        .unwrap_or(serde_json::Value::Null);
    if let Some(view) = view.as_object_mut() {
        for derived in ["id", "contact_id", "local_time", "created_at", "updated_at"] {
            view.remove(derived);
        }
    }
    view
}
