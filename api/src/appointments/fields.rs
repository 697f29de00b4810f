//! Reading an appointment from what a client wrote.

use chrono::{DateTime, NaiveDateTime, Utc};
use schemars::JsonSchema;
use serde::Deserialize;
use shared::appointment_types::key;
use shared::appointments::{Appointment, BY_HAND, BY_PROGRAM, Label, LabelError, Priority, when};
use shared::audit::Actor;
use shared::contacts::text::{MOST_VOICE_TEXT, VoiceText};
use shared::ids::ContactId;
use shared::tenants::Tenant;

use crate::contacts::MOST_ZONE;
use crate::http::{Code, Fields};
use crate::phi;

pub(super) use shared::appointments::MOST_TYPE;
pub(crate) use shared::appointments::{DURATION_MINUTES, LEAD_HOURS, MOST_LOCATION, MOST_PERSON};

/// Longest text that is looked at for a time.
pub(super) const MOST_TIME: usize = 64;

impl Code for LabelError {
    fn code(&self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::TooLong { .. } => "too_long",
            Self::ControlCharacter => "control_character",
            Self::Placeholder => "placeholder",
        }
    }
}

/// An appointment as a client sends it. When: `at` with an offset, or `local_time` on the wall of `zone`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewAppointment {
    /// RFC 3339 with an offset.
    #[schemars(length(max = MOST_TIME), example = "2036-03-03T09:30:00Z")]
    at: Option<String>,
    /// On the wall of `zone`, in place of `at`: `2027-03-01T09:30`.
    #[schemars(length(max = MOST_TIME))]
    local_time: Option<String>,
    /// Of `local_time`; the tenant's unless given.
    #[schemars(length(max = MOST_ZONE))]
    zone: Option<String>,
    /// So long before the appointment its reminder is due; the policy's unless given.
    #[schemars(range(min = 1, max = 168))]
    call_before_hours: Option<i64>,
    /// How long it takes.
    #[schemars(range(min = 5, max = 480), example = 30)]
    duration_minutes: Option<i64>,
    /// What kind of appointment.
    #[schemars(length(max = MOST_TYPE), example = "Check-up")]
    r#type: Option<String>,
    /// With whom.
    #[schemars(length(max = MOST_PERSON), example = "Dr Grey")]
    owner_name: Option<String>,
    /// At which business.
    #[schemars(length(max = MOST_PERSON))]
    company_name: Option<String>,
    /// Where.
    #[schemars(length(max = MOST_LOCATION), example = "1 Elm Street")]
    location: Option<String>,
    /// What the voice may say besides. Refused if health information is found in it.
    #[schemars(length(max = MOST_VOICE_TEXT))]
    voice_text: Option<String>,
    /// The more important go first.
    #[serde(default)]
    priority: Priority,
}

/// An appointment that was read and found right.
#[derive(Debug)]
pub(crate) struct Booking {
    pub(crate) at: DateTime<Utc>,
    call_before_hours: u16,
    duration_minutes: Option<u16>,
    pub(crate) kind: Option<Label>,
    owner_name: Option<Label>,
    company_name: Option<Label>,
    pub(crate) location: Option<Label>,
    voice_text: Option<VoiceText>,
    priority: Priority,
}

impl NewAppointment {
    /// Reads all fields and notes every fault.
    pub(crate) fn read(
        &self,
        fields: &mut Fields,
        tenant: &Tenant,
        now: DateTime<Utc>,
    ) -> Option<Booking> {
        let when = When { at: &self.at, local_time: &self.local_time, zone: &self.zone };
        let at = when.read(fields, tenant, now);
        let usual = i64::from(tenant.policy.call_before_hours);
        let lead = self.call_before_hours.unwrap_or(usual);
        let call_before_hours = fields.within("call_before_hours", lead, LEAD_HOURS);
        let duration = self.duration_minutes;
        let duration = duration.map(|d| fields.within("duration_minutes", d, DURATION_MINUTES));
        let kind = label(fields, "type", self.r#type.as_deref(), MOST_TYPE);
        let owner_name = label(fields, "owner_name", self.owner_name.as_deref(), MOST_PERSON);
        let company_name = label(fields, "company_name", self.company_name.as_deref(), MOST_PERSON);
        let location = label(fields, "location", self.location.as_deref(), MOST_LOCATION);
        let voice_text = self.voice_text.as_deref();
        let voice_text = voice_text.map(|raw| phi::voice_text(fields, raw, None));
        Some(Booking {
            at: at?,
            call_before_hours: call_before_hours?,
            duration_minutes: all(duration)?,
            kind: all(kind)?,
            owner_name: all(owner_name)?,
            company_name: all(company_name)?,
            location: all(location)?,
            voice_text: all(voice_text)?,
            priority: self.priority,
        })
    }
}

impl Booking {
    /// The appointment, made now by somebody or a program.
    pub(crate) fn into_appointment(
        self,
        contact: ContactId,
        now: DateTime<Utc>,
        by: Actor,
    ) -> Appointment {
        let source = if matches!(by, Actor::Key(_)) { BY_PROGRAM } else { BY_HAND };
        Appointment {
            source: source.to_owned(),
            duration_minutes: self.duration_minutes,
            kind: self.kind,
            owner_name: self.owner_name,
            company_name: self.company_name,
            location: self.location,
            voice_text: self.voice_text,
            priority: self.priority,
            ..Appointment::new(contact, self.at, self.call_before_hours, now)
        }
    }
}

/// A time as a client wrote it.
#[derive(Debug, Clone, Copy)]
pub(super) struct When<'a> {
    pub(super) at: &'a Option<String>,
    pub(super) local_time: &'a Option<String>,
    pub(super) zone: &'a Option<String>,
}

impl When<'_> {
    /// The instant, which lies ahead; or its fault noted.
    pub(super) fn read(
        self,
        fields: &mut Fields,
        tenant: &Tenant,
        now: DateTime<Utc>,
    ) -> Option<DateTime<Utc>> {
        let (field, at) = match (self.at, self.local_time) {
            (Some(at), None) => {
                if self.zone.is_some() {
                    fields.fault("zone", "not_wanted", "an instant with an offset needs no zone");
                    return None;
                }
                ("at", instant(fields, at)?)
            }
            (None, Some(local)) => ("local_time", self.on_the_wall(fields, local, tenant)?),
            (Some(_), Some(_)) => {
                fields.fault("local_time", "not_wanted", "give at or local_time, not both");
                return None;
            }
            (None, None) => {
                fields.fault("at", "missing", "give at, or local_time");
                return None;
            }
        };
        if at <= now {
            fields.fault(field, "in_the_past", "must lie ahead");
            return None;
        }
        Some(at)
    }

    fn on_the_wall(
        self,
        fields: &mut Fields,
        local: &str,
        tenant: &Tenant,
    ) -> Option<DateTime<Utc>> {
        let zone = match self.zone {
            None => Some(tenant.zone),
            Some(raw) => crate::contacts::zone(fields, raw),
        };
        let formats = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"];
        let local = formats.iter().find_map(|f| NaiveDateTime::parse_from_str(local, f).ok());
        if local.is_none() {
            fields.fault("local_time", "bad_time", "expected YYYY-MM-DDTHH:MM");
        }
        match when::instant(local?, zone?) {
            Ok(at) => Some(at),
            Err(skipped) => {
                fields.fault("local_time", "skipped_by_clocks", skipped.to_string());
                None
            }
        }
    }
}

fn instant(fields: &mut Fields, raw: &str) -> Option<DateTime<Utc>> {
    let at = DateTime::parse_from_rfc3339(raw).ok().map(|at| at.to_utc());
    if at.is_none() {
        fields.fault("at", "bad_time", "expected RFC 3339 with an offset, 2026-11-30T09:00:00Z");
    }
    at
}

/// A label, if one is given. The inner `None` means that it is wrong.
pub(crate) fn label(
    fields: &mut Fields,
    field: &str,
    raw: Option<&str>,
    most: usize,
) -> Option<Option<Label>> {
    raw.map(|raw| fields.take(field, Label::parse(raw, most)))
}

/// The name of an entry of a list: one that is nothing once folded can't be told from others.
pub(crate) fn name(fields: &mut Fields, field: &str, raw: &str, most: usize) -> Option<Label> {
    let name = fields.take(field, Label::parse(raw, most))?;
    if key(&name).is_empty() {
        fields.fault(field, "empty", "must not be empty");
        return None;
    }
    Some(name)
}

/// Turns "given, but wrong" into wrong, and "not given" into nothing.
fn all<T>(given: Option<Option<T>>) -> Option<Option<T>> {
    match given {
        None => Some(None),
        Some(None) => None,
        Some(value) => Some(value),
    }
}
