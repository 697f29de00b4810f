//! Appointments: times that a contact has with the tenant. Reminders, status and outcomes belong to them.

mod attendance;
mod label;
pub mod listed;
pub mod store;
pub mod when;
mod words;

use chrono::{DateTime, Duration, Utc};
use chrono_tz::Tz;

use crate::calls::rules::snapshot::AppointmentStatus;
use crate::contacts::text::VoiceText;
use crate::ids::{AppointmentId, ContactId};

pub use attendance::{Attendance, NoAttendance, attendance_of, attendance_word, may_attend};
pub use label::{Label, LabelError};
pub use words::{ConfirmedBy, Priority, status_of, status_word};

/// A move of at least this much is a new appointment to whoever must come.
const REAL_MOVE: Duration = Duration::hours(2);

/// Hours before the appointment at which a reminder may be due.
pub const LEAD_HOURS: std::ops::RangeInclusive<u16> = 1..=168;
/// Minutes that an appointment may take.
pub const DURATION_MINUTES: std::ops::RangeInclusive<u16> = 5..=480;
/// Most characters of a type.
pub const MOST_TYPE: usize = 80;
/// Most characters of whom it is with, and of the business.
pub const MOST_PERSON: usize = 120;
/// Most characters of a location.
pub const MOST_LOCATION: usize = 200;

/// Somebody of the tenant made the booking.
pub const BY_HAND: &str = "manual";
/// A row of a file brought it.
pub const BY_IMPORT: &str = "import";
/// A program made it, with a key.
pub const BY_PROGRAM: &str = "api";

/// Whether somebody came, who says so, and when it was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attended {
    /// Whether.
    pub attendance: Attendance,
    /// When it was said.
    pub at: DateTime<Utc>,
    /// Who said so: an actor of the audit chain.
    pub by: String,
}

/// A time that a contact has with the tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appointment {
    /// Its id.
    pub id: AppointmentId,
    /// Whose it is.
    pub contact: ContactId,
    /// When.
    pub at: DateTime<Utc>,
    /// The reminder is due so many hours before, 1 to 168.
    pub call_before_hours: u16,
    /// How long it takes, 5 to 480 minutes.
    pub duration_minutes: Option<u16>,
    /// What it is for: a word of the tenant's list, at most 80 characters.
    pub kind: Option<Label>,
    /// With whom, at most 120 characters.
    pub owner_name: Option<Label>,
    /// For which company, at most 120 characters.
    pub company_name: Option<Label>,
    /// Where, at most 200 characters.
    pub location: Option<Label>,
    /// What the voice may say besides.
    pub voice_text: Option<VoiceText>,
    /// How important it is.
    pub priority: Priority,
    /// How it stands.
    pub status: AppointmentStatus,
    /// Why, in the words of whoever set it by hand; at most 500 characters.
    pub status_reason: Option<String>,
    /// How it was confirmed.
    pub confirmed_by: Option<ConfirmedBy>,
    /// When it was confirmed.
    pub confirmed_at: Option<DateTime<Utc>>,
    /// When the contact was last reached about it.
    pub last_contact_at: Option<DateTime<Utc>>,
    /// Whether the contact came, by hand.
    pub attendance: Option<Attended>,
    /// Who brought the booking: `manual`, `api`, `import`, a calendar.
    pub source: String,
    /// When the booking was made; no reminder comes at once.
    pub booked_at: DateTime<Utc>,
    /// Attempts are counted anew in each round; a real move begins one.
    pub round: i32,
    /// Counts changes.
    pub version: i32,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

impl Appointment {
    /// One that was booked at `booked_at`, and nobody has confirmed yet. Its reminder is due `call_before_hours` before.
    pub fn new(
        contact: ContactId,
        at: DateTime<Utc>,
        call_before_hours: u16,
        booked_at: DateTime<Utc>,
    ) -> Self {
        Self {
            id: AppointmentId::new(),
            contact,
            at,
            call_before_hours,
            duration_minutes: None,
            kind: None,
            owner_name: None,
            company_name: None,
            location: None,
            voice_text: None,
            priority: Priority::Normal,
            status: AppointmentStatus::Pending,
            status_reason: None,
            confirmed_by: None,
            confirmed_at: None,
            last_contact_at: None,
            attendance: None,
            source: BY_HAND.to_owned(),
            booked_at,
            round: 1,
            version: 1,
            created_at: booked_at,
            updated_at: booked_at,
        }
    }

    /// Moves it. True if the move is real: by two hours or more, or to another day where the contact lives. Then the
    /// status is *rescheduled*, attempts are counted afresh and the booking is as of now.
    pub fn move_to(&mut self, at: DateTime<Utc>, zone: Tz, now: DateTime<Utc>) -> bool {
        let day = |t: DateTime<Utc>| t.with_timezone(&zone).date_naive();
        let real = (at - self.at).abs() >= REAL_MOVE || day(at) != day(self.at);
        self.at = at;
        if real {
            self.status = AppointmentStatus::Rescheduled;
            (self.status_reason, self.confirmed_by, self.confirmed_at) = (None, None, None);
            self.attendance = None;
            self.booked_at = now;
            self.round += 1;
        }
        real
    }

    /// Sets the status by hand. `method` says how it was confirmed; without one it was by hand.
    pub fn set_status(
        &mut self,
        status: AppointmentStatus,
        reason: Option<String>,
        method: Option<ConfirmedBy>,
        now: DateTime<Utc>,
    ) {
        let confirmed = status == AppointmentStatus::Confirmed;
        self.status = status;
        self.status_reason = reason;
        self.confirmed_by = confirmed.then(|| method.unwrap_or(ConfirmedBy::Manual));
        self.confirmed_at = confirmed.then_some(now);
    }
}

/// Values of an appointment for the audit chain: all that people can change, to be sealed.
pub fn audited(of: &Appointment) -> serde_json::Value {
    let text = |label: &Option<Label>| label.as_ref().map(|it| it.as_str().to_owned());
    let said = of.attendance.as_ref();
    serde_json::json!({
        "at": of.at,
        "call_before_hours": of.call_before_hours,
        "duration_minutes": of.duration_minutes,
        "type": text(&of.kind),
        "owner_name": text(&of.owner_name),
        "company_name": text(&of.company_name),
        "location": text(&of.location),
        "voice_text": of.voice_text.as_ref().map(|it| it.as_str()),
        "priority": of.priority,
        "status": status_word(of.status),
        "status_reason": of.status_reason,
        "confirmed_by": of.confirmed_by,
        "confirmed_at": of.confirmed_at,
        "last_contact_at": of.last_contact_at,
        "attendance": said.map(|said| attendance_word(said.attendance)),
        "attendance_at": said.map(|said| said.at),
        "attendance_by": said.map(|said| said.by.clone()),
        "source": of.source,
        "version": of.version,
    })
}

#[cfg(test)]
mod tests;
