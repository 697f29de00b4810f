//! What the admission rule looks at: plain facts, read in one transaction, nothing that can change under it.

use std::collections::BTreeSet;

use chrono::{DateTime, Duration, NaiveDate, Utc};
use chrono_tz::Tz;

use super::policy::Policy;

/// Everything that decides whether one call may be dialled at `now`.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// The instant of the decision.
    pub now: DateTime<Utc>,
    /// The tenant: configuration, pauses, window and day.
    pub tenant: TenantFacts,
    /// The provider account that the tenant dials through.
    pub account: AccountFacts,
    /// The call with its contact, number and past dials.
    pub call: CallFacts,
}

/// Facts about the tenant, the same for all of its calls.
#[derive(Debug, Clone)]
pub struct TenantFacts {
    /// The tenant's own zone.
    pub zone: Tz,
    /// Suspended tenants aren't dialled for.
    pub active: bool,
    /// A voice agent id is set.
    pub has_agent: bool,
    /// A caller number is set.
    pub has_caller_number: bool,
    /// A calendar is connected whose key is missing or no longer accepted.
    pub calendar_key_missing: bool,
    /// Held as *not configured* since the provider answered 422, or 400 three times in a row.
    pub refused_by_provider: bool,
    /// Why nothing is dialled: all that hold at the moment.
    pub pauses: BTreeSet<Pause>,
    /// The policy in force.
    pub policy: Policy,
    /// Local dates on which nobody is called.
    pub closed_dates: BTreeSet<NaiveDate>,
    /// Tokens of the 15-minute window that are out: for each the latest instant at which it comes back.
    pub tokens_back_at: Vec<DateTime<Utc>>,
    /// All dials (counted or not) of the local calendar day of `now`, reservations included.
    pub dials_today: u32,
}

/// Who stopped a tenant's dialling.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Pause {
    /// An administrator of the tenant.
    ByHand,
    /// Too many failed dials or opt-outs since the last resume.
    Automatic,
    /// The platform's stop-all.
    StopAll,
    /// The database may have gone back in time; the provider's list is being read first.
    Recovering,
}

/// Facts about the provider account.
#[derive(Debug, Clone)]
pub struct AccountFacts {
    /// Held after 401, 402 or 403, until its administrator or a probe releases it.
    pub held: bool,
    /// The breaker stops all but probes.
    pub breaker_open: bool,
    /// Concurrent-call slots that are free, the one granted to this call included.
    pub free_slots: u32,
    /// The earliest instant at which the starts-per-second limit allows one more.
    pub next_start_at: DateTime<Utc>,
}

/// What a call is for.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum CallKind {
    /// A planned reminder of an appointment.
    Reminder,
    /// Staff pressed *call now*.
    CallNow,
    /// Part of a campaign.
    Campaign,
}

/// Status of an appointment.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum AppointmentStatus {
    /// Nobody has answered yet.
    Pending,
    /// The contact will come.
    Confirmed,
    /// The contact won't come.
    Cancelled,
    /// Moved to another time, or to be moved.
    Rescheduled,
}

/// How a contact wishes to be reached.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// By telephone.
    Voice,
    /// By text message.
    Sms,
    /// By electronic mail.
    Email,
}

/// Facts about the call, its contact and its number.
#[derive(Debug, Clone)]
pub struct CallFacts {
    /// What the call is for.
    pub kind: CallKind,
    /// Not dialled before this instant.
    pub earliest: DateTime<Utc>,
    /// Wanted at this instant.
    pub due: DateTime<Utc>,
    /// Not dialled at or after this instant.
    pub deadline: DateTime<Utc>,
    /// The contact's zone.
    pub zone: Tz,
    /// The contact is neither deleted nor archived.
    pub contact_live: bool,
    /// The provider has said that the number doesn't exist.
    pub number_bad: bool,
    /// The number begins with +1.
    pub north_american: bool,
    /// The number is one of the never-allocated test numbers, and the account isn't a simulator.
    pub test_number_to_real_provider: bool,
    /// The number is on the tenant's do-not-call list.
    pub do_not_call: bool,
    /// How the contact wishes to be reached.
    pub channel: Channel,
    /// Consent to automated calls is recorded.
    pub consent: bool,
    /// Status of the call's appointment, if it is about one.
    pub appointment: Option<AppointmentStatus>,
    /// Set when the call belongs to a campaign.
    pub campaign: Option<CampaignFacts>,
    /// Counted dials for this purpose key, of the contact or the number, over all time; those under way included.
    pub attempts: u32,
    /// The last counted dial of the same number or contact in the tenant.
    pub last_counted_dial: Option<DateTime<Utc>>,
    /// An earlier attempt of this call, contact or number may still ring, or its fate is unknown.
    pub under_way: bool,
    /// Counted dials of the number in the last 7 days.
    pub number_dials: Vec<NumberDial>,
    /// Calls now of this contact on the local day of `now`, this one not included.
    pub calls_now_today: u32,
    /// Not to be retried before this instant (exponential retry after a dial that was not placed).
    pub retry_at: Option<DateTime<Utc>>,
}

/// One counted dial of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NumberDial {
    /// When it started.
    pub at: DateTime<Utc>,
    /// It was part of a campaign.
    pub campaign: bool,
}

/// Facts about a call's campaign.
#[derive(Debug, Clone)]
pub struct CampaignFacts {
    /// Ended for good.
    pub stopped: bool,
    /// Paused by hand or automatically.
    pub paused: bool,
    /// The contact is still selected.
    pub selected: bool,
    /// Least time between two dials of the campaign.
    pub interval: Duration,
    /// The campaign's last dial.
    pub last_dial_at: Option<DateTime<Utc>>,
    /// Days of the week (0 = Monday) on which it dials.
    pub days: BTreeSet<u8>,
    /// Local opening, minutes after midnight.
    pub opens_minute: u16,
    /// Local closing, minutes after midnight.
    pub closes_minute: u16,
    /// Nothing is dialled at or after this instant.
    pub ends_at: DateTime<Utc>,
    /// Don't wait eight hours after another call (the campaign's choice).
    pub skip_gap: bool,
}
