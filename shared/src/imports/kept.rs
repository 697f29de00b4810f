//! What somebody was before a row was written into them: kept sealed under their own key, for taking it back.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::appointments::{Appointment, Label, Priority};
use crate::contacts::{Consent, Contact, channel_of, channel_word};
use crate::crypto::{ContactField, ContactKey, CryptoError};
use crate::ids::JobId;

/// What a contact and an appointment were, as far as a row changes them. Personal data.
#[derive(Serialize, Deserialize)]
pub(super) struct Kept {
    contact: Option<KeptContact>,
    appointment: Option<KeptAppointment>,
}

#[derive(Serialize, Deserialize)]
struct KeptContact {
    email: Option<String>,
    notes: Option<String>,
    zone: String,
    channel: String,
    consent: Option<(DateTime<Utc>, String)>,
    archived_at: Option<DateTime<Utc>>,
}

#[derive(Serialize, Deserialize)]
struct KeptAppointment {
    call_before_hours: u16,
    duration_minutes: Option<u16>,
    kind: Option<String>,
    owner_name: Option<String>,
    company_name: Option<String>,
    location: Option<String>,
    voice_text: Option<String>,
    priority: i16,
}

impl Kept {
    /// Of what is about to be changed.
    pub(super) fn of(contact: Option<&Contact>, appointment: Option<&Appointment>) -> Self {
        let text = |label: &Option<Label>| label.as_ref().map(|it| it.as_str().to_owned());
        Self {
            contact: contact.map(|of| KeptContact {
                email: of.email.as_ref().map(|it| it.as_str().to_owned()),
                notes: of.notes.as_ref().map(|it| it.as_str().to_owned()),
                zone: of.zone.name().to_owned(),
                channel: channel_word(of.channel).to_owned(),
                consent: of.consent.as_ref().map(|it| (it.at, it.by.clone())),
                archived_at: of.archived_at,
            }),
            appointment: appointment.map(|of| KeptAppointment {
                call_before_hours: of.call_before_hours,
                duration_minutes: of.duration_minutes,
                kind: text(&of.kind),
                owner_name: text(&of.owner_name),
                company_name: text(&of.company_name),
                location: text(&of.location),
                voice_text: of.voice_text.as_ref().map(|it| it.as_str().to_owned()),
                priority: of.priority.rank(),
            }),
        }
    }

    /// Whether an appointment is among it: it was changed, and not made.
    pub(super) fn has_appointment(&self) -> bool {
        self.appointment.is_some()
    }

    /// Whether the contact is among it.
    pub(super) fn has_contact(&self) -> bool {
        self.contact.is_some()
    }

    pub(super) fn seal(&self, key: &ContactKey, job: JobId) -> Result<Vec<u8>, CryptoError> {
        let text = serde_json::to_vec(self).unwrap_or_default();
        Ok(key.seal(ContactField::BeforeJob { job: job.0 }, &text)?.into_bytes())
    }

    pub(super) fn open(key: &ContactKey, job: JobId, sealed: &[u8]) -> Option<Self> {
        let opened = key.open(ContactField::BeforeJob { job: job.0 }, sealed).ok()?;
        serde_json::from_slice(&opened).ok()
    }

    /// The contact as it was. `None`: it isn't among it, or can't be read.
    pub(super) fn put_back(&self, contact: &Contact) -> Option<Contact> {
        let before = self.contact.as_ref()?;
        let read = |text: &Option<String>| text.as_ref().map(|it| it.parse()).transpose();
        let notes = before.notes.as_ref().map(|it| it.parse()).transpose();
        Some(Contact {
            email: read(&before.email).ok()?,
            notes: notes.ok()?,
            zone: before.zone.parse().ok()?,
            channel: channel_of(&before.channel)?,
            consent: before.consent.clone().map(|(at, by)| Consent { at, by }),
            archived_at: before.archived_at,
            ..contact.clone()
        })
    }

    /// The appointment as it was. `None`: it isn't among it, or can't be read.
    pub(super) fn put_back_appointment(&self, appointment: &Appointment) -> Option<Appointment> {
        let before = self.appointment.as_ref()?;
        let label = |text: &Option<String>| text.clone().map(Label::stored);
        let voice_text = before.voice_text.as_ref().map(|it| it.parse()).transpose();
        Some(Appointment {
            call_before_hours: before.call_before_hours,
            duration_minutes: before.duration_minutes,
            kind: label(&before.kind),
            owner_name: label(&before.owner_name),
            company_name: label(&before.company_name),
            location: label(&before.location),
            voice_text: voice_text.ok()?,
            priority: Priority::of_rank(before.priority)?,
            ..appointment.clone()
        })
    }
}
