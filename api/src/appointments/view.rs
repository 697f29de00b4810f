//! How an appointment is shown.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use schemars::JsonSchema;
use serde::Serialize;
use shared::appointments::listed::Listed;
use shared::appointments::{Appointment, Attendance, ConfirmedBy, Label, Priority};
use shared::calls::rules::snapshot::AppointmentStatus;
use shared::ids::{AppointmentId, AppointmentTypeId, ContactId, LocationId};

use super::lists::Warning;
use crate::auth::Eyes;

/// An appointment as its tenant's people see it.
#[derive(Debug, Clone, Serialize, JsonSchema)]
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
    /// What kind of appointment. Null also for those who may not see a sensitive one.
    #[schemars(example = "Check-up")]
    r#type: Option<String>,
    /// Which of the tenant's types that is; null if it is none of them, or not shown.
    type_id: Option<AppointmentTypeId>,
    /// The type is one of the tenant's sensitive ones.
    sensitive: bool,
    /// With whom.
    #[schemars(example = "Dr Grey")]
    owner_name: Option<String>,
    /// At which business.
    company_name: Option<String>,
    /// Where.
    #[schemars(example = "1 Elm Street")]
    location: Option<String>,
    /// Which of the tenant's locations that is.
    location_id: Option<LocationId>,
    /// Left out for those who may not see notes.
    #[serde(skip_serializing_if = "Option::is_none")]
    voice_text: Option<Option<String>>,
    priority: Priority,
    status: AppointmentStatus,
    status_reason: Option<String>,
    confirmed_by: Option<ConfirmedBy>,
    confirmed_at: Option<DateTime<Utc>>,
    last_contact_at: Option<DateTime<Utc>>,
    /// Whether the contact came.
    attendance: Option<Attendance>,
    /// When that was said.
    attendance_at: Option<DateTime<Utc>>,
    /// By whom.
    attendance_by: Option<String>,
    /// Who brought the booking: `manual`, `api`, `import`, or a calendar.
    #[schemars(example = &"manual")]
    source: String,
    /// The version, as in `ETag`.
    version: i32,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl AppointmentView {
    /// An appointment of a contact who lives in `zone`, as `eyes` see it.
    pub(crate) fn new(of: &Appointment, zone: Tz, eyes: Eyes, listed: &Listed) -> Self {
        let kind = of.kind.as_ref().and_then(|kind| listed.type_of(kind));
        let sensitive = kind.is_some_and(|(_, sensitive)| sensitive);
        let shows_type = eyes.sensitive_types || !sensitive;
        let said = of.attendance.as_ref();
        let voice_text = of.voice_text.as_ref().map(|text| text.as_str().to_owned());
        Self {
            id: of.id,
            contact_id: of.contact,
            at: of.at,
            local_time: of.at.with_timezone(&zone).format("%Y-%m-%dT%H:%M").to_string(),
            call_before_hours: of.call_before_hours,
            duration_minutes: of.duration_minutes,
            r#type: text(&of.kind).filter(|_| shows_type),
            type_id: kind.map(|(id, _)| id).filter(|_| shows_type),
            sensitive,
            owner_name: text(&of.owner_name),
            company_name: text(&of.company_name),
            location: text(&of.location),
            location_id: of.location.as_ref().and_then(|location| listed.location_of(location)),
            voice_text: eyes.notes.then_some(voice_text),
            priority: of.priority,
            status: of.status,
            status_reason: of.status_reason.clone(),
            confirmed_by: of.confirmed_by,
            confirmed_at: of.confirmed_at,
            last_contact_at: of.last_contact_at,
            attendance: said.map(|said| said.attendance),
            attendance_at: said.map(|said| said.at),
            attendance_by: said.map(|said| said.by.clone()),
            source: of.source.clone(),
            version: of.version,
            created_at: of.created_at,
            updated_at: of.updated_at,
        }
    }
}

/// An appointment that was made or changed, and what staff may want to know about it.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "AppointmentMade")]
pub(super) struct Made {
    #[serde(flatten)]
    pub(super) appointment: AppointmentView,
    /// What is allowed and may yet be a mistake.
    pub(super) warnings: Vec<Warning>,
}

fn text(label: &Option<Label>) -> Option<String> {
    label.as_ref().map(|label| label.as_str().to_owned())
}
