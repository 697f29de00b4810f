//! A tenant's policy: every choice and every number that a tenant may tighten, with its default.
//!
//! The JSON names are public. What a tenant may choose at the loosest is its [`Allowance`].

mod allowance;
mod bounds;
mod region;

use std::collections::BTreeSet;

use chrono::Duration;
use serde::{Deserialize, Serialize};

use super::hours::Week;

pub use allowance::{Allowance, Fault, PolicyFault};
pub use region::{BadRegion, Region};

/// Length of the window in which [`Policy::window_limit`] calls may start.
pub const WINDOW: Duration = Duration::minutes(15);

/// How a contact is addressed by the voice agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SpokenName {
    /// As stored.
    Full,
    /// "Ada L."
    FirstNameAndInitial,
}

/// What a tenant has chosen; `{}` is the default policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// When calls may start, by the tenant's wall clock and the contact's.
    pub calling_hours: Week,
    /// Calls that may start within any 15 minutes.
    pub window_limit: u32,
    /// Dials of one calendar day of the tenant's zone.
    pub daily_limit: u32,
    /// Least time between two counted dials of one number or contact.
    pub gap_minutes: u32,
    /// Counted dials for one purpose.
    pub max_attempts: u32,
    /// Counted dials of one number within 7 days.
    pub number_week_limit: u32,
    /// How many of those may be campaigns'.
    pub number_week_campaign_limit: u32,
    /// A reminder is due so long before its appointment.
    pub call_before_hours: u32,
    /// No reminder is dialled later than this before its appointment (nor than half of `call_before_hours`).
    pub minimum_notice_minutes: u32,
    /// No reminder is dialled sooner than this after the booking was made.
    pub booking_delay_minutes: u32,
    /// A follow-up after no answer, busy or voicemail comes so much later.
    pub follow_up_delay_minutes: u32,
    /// Calls now of one contact on one local day.
    pub calls_now_per_contact_per_day: u32,
    /// Share of the day's dials that campaigns get at least.
    pub campaign_share_percent: u32,
    /// Call contacts who prefer another channel too.
    pub call_anyway: bool,
    /// Call nobody whose consent isn't recorded. (Numbers beginning with +1 always need it.)
    pub consent_required: bool,
    /// How the voice agent addresses a contact.
    pub spoken_name: SpokenName,
    /// Transcripts of conversations are kept.
    pub keep_transcripts: bool,
    /// Recordings of conversations are kept.
    pub keep_recordings: bool,
    /// The regulator's never-allocated numbers are accepted; they are dialled on a simulator only.
    pub allow_test_numbers: bool,
    /// Regions whose numbers are accepted.
    pub number_regions: BTreeSet<Region>,
    /// Staff who only read see notes and voice text too.
    pub users_see_notes: bool,
    /// Staff who only read see of which type an appointment is also if the type is sensitive.
    pub users_see_sensitive_types: bool,
    /// Appointments are of types of the tenant's list only; others are refused rather than warned about.
    pub listed_types_only: bool,
    /// A contact whom no call reaches in time is sent a text message.
    pub send_sms_instead: bool,
    /// A contact whom no call reaches in time is sent an e-mail.
    pub send_email_instead: bool,
    /// Archived contacts are erased after so many months.
    pub retention_months: u32,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            calling_hours: Week::default(),
            window_limit: 25,
            daily_limit: 300,
            gap_minutes: 8 * 60,
            max_attempts: 2,
            number_week_limit: 4,
            number_week_campaign_limit: 2,
            call_before_hours: 24,
            minimum_notice_minutes: 2 * 60,
            booking_delay_minutes: 30,
            follow_up_delay_minutes: 8 * 60,
            calls_now_per_contact_per_day: 5,
            campaign_share_percent: 10,
            call_anyway: false,
            consent_required: false,
            spoken_name: SpokenName::Full,
            keep_transcripts: false,
            keep_recordings: false,
            allow_test_numbers: false,
            number_regions: Region::HOME.into(),
            users_see_notes: false,
            users_see_sensitive_types: false,
            listed_types_only: false,
            send_sms_instead: false,
            send_email_instead: false,
            retention_months: 12,
        }
    }
}

impl Policy {
    /// Least time between two counted dials of one number or contact.
    pub fn gap(&self) -> Duration {
        minutes(self.gap_minutes)
    }

    /// No reminder is dialled later than this before its appointment.
    pub fn minimum_notice(&self) -> Duration {
        minutes(self.minimum_notice_minutes)
    }

    /// No reminder is dialled sooner than this after the booking was made.
    pub fn booking_delay(&self) -> Duration {
        minutes(self.booking_delay_minutes)
    }

    /// A follow-up comes so much later.
    pub fn follow_up_delay(&self) -> Duration {
        minutes(self.follow_up_delay_minutes)
    }
}

fn minutes(count: u32) -> Duration {
    Duration::minutes(count.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_object_is_the_default_policy() {
        assert_eq!(serde_json::from_str::<Policy>("{}").unwrap(), Policy::default());
    }

    #[test]
    fn a_policy_survives_being_stored() {
        let json = serde_json::to_string(&Policy::default()).unwrap();
        assert_eq!(serde_json::from_str::<Policy>(&json).unwrap(), Policy::default());
    }

    #[test]
    fn a_misspelt_or_negative_setting_is_not_ignored() {
        for (json, why) in [
            (r#"{"window_limits": 5}"#, "a misspelt name would silently leave the default"),
            (r#"{"gap_minutes": -1}"#, "no gap is negative"),
            (r#"{"calling_hours": {"monday": {"opens": "08:00"}}}"#, "a day needs both times"),
            (r#"{"number_regions": ["gb"]}"#, "regions are written in capitals"),
        ] {
            assert!(serde_json::from_str::<Policy>(json).is_err(), "{why}");
        }
    }
}
