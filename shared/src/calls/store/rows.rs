//! Rows as PostgreSQL gives them, and the facts that the rules want.

use chrono::{DateTime, NaiveDate, TimeZone, Utc};
use chrono_tz::Tz;
use sqlx::types::Json;

use crate::calls::rules::policy::Policy;
use crate::calls::rules::snapshot::{
    AppointmentStatus, CallFacts, CallKind, Channel, NumberDial, Pause, TenantFacts,
};
use crate::db::Error;
use crate::ids::{AppointmentId, CallId, CampaignId, ContactId};

/// Reads one of our own words; what doesn't parse was written by a newer release.
pub(crate) fn word<T: serde::de::DeserializeOwned>(
    text: &str,
    column: &'static str,
) -> Result<T, Error> {
    serde_json::from_value(serde_json::Value::from(text)).map_err(|_| Error::Unreadable(column))
}

pub(crate) fn zone(text: &str) -> Result<Tz, Error> {
    text.parse().map_err(|_| Error::Unreadable("zone"))
}

/// What `tenant_facts()` answers.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct TenantRow {
    zone: String,
    active: bool,
    /// The voice agent.
    pub agent_id: Option<String>,
    /// The number that the contact sees, E.164.
    pub caller_number: Option<String>,
    refused: bool,
    paused: bool,
    auto_paused: bool,
    stop_all: bool,
    recovering: bool,
    policy: Json<Policy>,
    closed_dates: Vec<NaiveDate>,
    tokens_back_at: Vec<DateTime<Utc>>,
    dials_today: i64,
}

impl TenantRow {
    /// The facts for the rule.
    ///
    /// # Errors
    /// [`Error::Unreadable`] for a zone that this release doesn't know.
    pub fn facts(&self) -> Result<TenantFacts, Error> {
        let pauses = [
            (self.paused, Pause::ByHand),
            (self.auto_paused, Pause::Automatic),
            (self.stop_all, Pause::StopAll),
            (self.recovering, Pause::Recovering),
        ];
        Ok(TenantFacts {
            zone: zone(&self.zone)?,
            active: self.active,
            has_agent: self.agent_id.is_some(),
            has_caller_number: self.caller_number.is_some(),
            calendar_key_missing: false,
            refused_by_provider: self.refused,
            pauses: pauses
                .into_iter()
                .filter_map(|(holds, pause)| holds.then_some(pause))
                .collect(),
            policy: self.policy.0.clone(),
            closed_dates: self.closed_dates.iter().copied().collect(),
            tokens_back_at: self.tokens_back_at.clone(),
            dials_today: self.dials_today.try_into().unwrap_or(u32::MAX),
        })
    }
}

/// Start of the local calendar day of `now`.
///
/// A midnight that the clocks skip becomes the first instant of that date.
pub fn day_start(now: DateTime<Utc>, zone: Tz) -> DateTime<Utc> {
    let midnight = now.with_timezone(&zone).date_naive().and_time(chrono::NaiveTime::MIN);
    (0..=180)
        .find_map(|minutes| {
            zone.from_local_datetime(&(midnight + chrono::Duration::minutes(minutes))).earliest()
        })
        .map_or(now, |local| local.to_utc())
}

/// What `calls_with_facts()` answers: a call with what its checks look at.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct CallRow {
    /// The call.
    pub id: CallId,
    /// Who is called.
    pub contact_id: ContactId,
    /// What about, if it is about an appointment.
    pub appointment_id: Option<AppointmentId>,
    /// The campaign that it belongs to.
    pub campaign_id: Option<CampaignId>,
    kind: String,
    /// What it is for.
    pub purpose_key: String,
    /// Its state.
    pub state: String,
    earliest: DateTime<Utc>,
    due: DateTime<Utc>,
    deadline: DateTime<Utc>,
    /// 0 normal, 1 high, 2 urgent.
    pub priority: i16,
    /// Somebody pressed *call now*.
    pub front: bool,
    retry_at: Option<DateTime<Utc>>,
    /// Reasons of the last look.
    pub blocked: Vec<String>,
    /// When it was planned.
    pub planned_at: DateTime<Utc>,
    appointment_status: Option<String>,
    number_eq: Vec<u8>,
    region: String,
    test_number: bool,
    zone: String,
    live: bool,
    channel: String,
    consent: bool,
    number_bad: bool,
    do_not_call: bool,
    attempts: i64,
    last_counted: Option<DateTime<Utc>>,
    under_way: bool,
    number_dials: Vec<DateTime<Utc>>,
    campaign_dials: Vec<DateTime<Utc>>,
    calls_now_today: i64,
}

impl CallRow {
    /// The facts for the rule. `to_simulator`: the account is a simulator's, which alone may be sent test numbers.
    ///
    /// # Errors
    /// [`Error::Unreadable`] for a word or zone that this release doesn't know.
    pub fn facts(&self, to_simulator: bool) -> Result<CallFacts, Error> {
        let dials = |at: &[DateTime<Utc>], campaign| {
            at.iter().map(|at| NumberDial { at: *at, campaign }).collect::<Vec<_>>()
        };
        let count = |n: i64| u32::try_from(n).unwrap_or(u32::MAX);
        Ok(CallFacts {
            // A call that somebody pressed *call now* for is one, whatever it was planned as.
            kind: if self.front { CallKind::CallNow } else { self.kind()? },
            // Half an hour after the booking is for reminders; who presses *call now* knows of the booking.
            earliest: if self.front { self.planned_at.min(self.earliest) } else { self.earliest },
            due: self.due,
            deadline: self.deadline,
            zone: zone(&self.zone)?,
            contact_live: self.live,
            number_bad: self.number_bad,
            north_american: self.region == "US" || self.region == "CA",
            test_number_to_real_provider: self.test_number && !to_simulator,
            do_not_call: self.do_not_call,
            channel: word::<Channel>(&self.channel, "contacts.channel")?,
            consent: self.consent,
            appointment: self
                .appointment_status
                .as_deref()
                .map(|status| word::<AppointmentStatus>(status, "appointments.status"))
                .transpose()?,
            campaign: None,
            attempts: count(self.attempts),
            last_counted_dial: self.last_counted,
            under_way: self.under_way,
            number_dials: [dials(&self.number_dials, false), dials(&self.campaign_dials, true)]
                .concat(),
            calls_now_today: count(self.calls_now_today),
            retry_at: self.retry_at,
        })
    }

    /// The same call, as it is once somebody has pressed *call now* for it: in front, not dialled at or after
    /// `deadline`.
    pub fn pressed(self, deadline: DateTime<Utc>) -> Self {
        Self { front: true, deadline, ..self }
    }

    /// What the call is for.
    ///
    /// # Errors
    /// [`Error::Unreadable`] for a word that this release doesn't know.
    pub fn kind(&self) -> Result<CallKind, Error> {
        word(&self.kind, "calls.kind")
    }

    /// Wanted at this instant.
    pub fn due(&self) -> DateTime<Utc> {
        self.due
    }

    /// Not dialled at or after this instant.
    pub fn deadline(&self) -> DateTime<Utc> {
        self.deadline
    }

    /// Which number, as a hash: two calls with the same one can't be reserved together.
    pub fn number(&self) -> &[u8] {
        &self.number_eq
    }

    /// The contact's zone.
    ///
    /// # Errors
    /// [`Error::Unreadable`] for a zone that this release doesn't know.
    pub fn zone(&self) -> Result<Tz, Error> {
        zone(&self.zone)
    }
}
