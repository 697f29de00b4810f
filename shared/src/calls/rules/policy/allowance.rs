//! The loosest policy that a tenant may choose.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Policy, Region};
use crate::calls::rules::hours::{Opening, TimeOfDay};

/// A day that opens opens for so long at least; two minutes of it can't start a call.
const SHORTEST_DAY_MINUTES: u16 = 15;

/// A year: no wait of a policy is longer, so that no sum of times leaves the calendar.
const YEAR_MINUTES: u32 = 365 * 24 * 60;

/// How loose a tenant's policy may be; `{}` allows the default policy and whatever is stricter.
///
/// Only a platform administrator changes it, tenant by tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Allowance {
    /// No day opens earlier.
    pub opens_not_before: TimeOfDay,
    /// No day closes later.
    pub closes_not_after: TimeOfDay,
    /// Largest `window_limit`.
    pub window_limit_at_most: u32,
    /// Largest `daily_limit`.
    pub daily_limit_at_most: u32,
    /// Smallest `gap_minutes`.
    pub gap_minutes_at_least: u32,
    /// Largest `max_attempts`.
    pub max_attempts_at_most: u32,
    /// Largest `number_week_limit`.
    pub number_week_limit_at_most: u32,
    /// Largest `number_week_campaign_limit`.
    pub number_week_campaign_limit_at_most: u32,
    /// Largest `call_before_hours`.
    pub call_before_hours_at_most: u32,
    /// Smallest `minimum_notice_minutes`.
    pub minimum_notice_minutes_at_least: u32,
    /// Smallest `booking_delay_minutes`.
    pub booking_delay_minutes_at_least: u32,
    /// Smallest `follow_up_delay_minutes`.
    pub follow_up_delay_minutes_at_least: u32,
    /// Largest `calls_now_per_contact_per_day`.
    pub calls_now_per_contact_per_day_at_most: u32,
    /// Smallest `campaign_share_percent`.
    pub campaign_share_percent_at_least: u32,
    /// Whether `call_anyway` may be chosen.
    pub may_call_anyway: bool,
    /// Whether `consent_required` may be switched off.
    pub may_call_without_consent: bool,
    /// Whether transcripts may be kept.
    pub may_keep_transcripts: bool,
    /// Whether recordings may be kept.
    pub may_keep_recordings: bool,
    /// Whether test numbers may be allowed.
    pub may_allow_test_numbers: bool,
    /// Regions that may be chosen.
    pub number_regions: BTreeSet<Region>,
    /// Largest `retention_months`.
    pub retention_months_at_most: u32,
}

impl Default for Allowance {
    fn default() -> Self {
        let policy = Policy::default();
        Self {
            opens_not_before: Opening::USUAL.opens,
            closes_not_after: Opening::USUAL.closes,
            window_limit_at_most: policy.window_limit,
            daily_limit_at_most: policy.daily_limit,
            gap_minutes_at_least: policy.gap_minutes,
            max_attempts_at_most: policy.max_attempts,
            number_week_limit_at_most: policy.number_week_limit,
            number_week_campaign_limit_at_most: policy.number_week_campaign_limit,
            call_before_hours_at_most: 168,
            minimum_notice_minutes_at_least: policy.minimum_notice_minutes,
            booking_delay_minutes_at_least: policy.booking_delay_minutes,
            follow_up_delay_minutes_at_least: policy.follow_up_delay_minutes,
            calls_now_per_contact_per_day_at_most: policy.calls_now_per_contact_per_day,
            campaign_share_percent_at_least: policy.campaign_share_percent,
            may_call_anyway: true,
            may_call_without_consent: true,
            may_keep_transcripts: true,
            may_keep_recordings: true,
            may_allow_test_numbers: false,
            number_regions: policy.number_regions,
            retention_months_at_most: policy.retention_months,
        }
    }
}

/// A setting that a tenant may not choose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{field} {reason}")]
pub struct PolicyFault {
    /// Its path in the JSON, `calling_hours.monday.opens`.
    pub field: &'static str,
    /// What is wrong with it.
    pub reason: Fault,
}

/// What is wrong with a setting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// Too small: this is the smallest.
    AtLeast(u32),
    /// Too large: this is the largest.
    AtMost(u32),
    /// Too early: this is the earliest.
    NotBefore(TimeOfDay),
    /// Too late: this is the latest.
    NotAfter(TimeOfDay),
    /// The day closes before it opens, or within a quarter of an hour.
    TooShort,
    /// All seven days are closed, or no region is left: nobody could be called.
    Empty,
    /// Not open to this tenant.
    NotAllowed,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtLeast(least) => write!(f, "must be at least {least}"),
            Self::AtMost(most) => write!(f, "must be at most {most}"),
            Self::NotBefore(time) => write!(f, "must not be before {time}"),
            Self::NotAfter(time) => write!(f, "must not be after {time}"),
            Self::TooShort => write!(f, "must be {SHORTEST_DAY_MINUTES} minutes after opening"),
            Self::Empty => f.write_str("must not be empty: nobody could be called"),
            Self::NotAllowed => f.write_str("can only be allowed by a platform administrator"),
        }
    }
}

impl Policy {
    /// Whether a tenant with this allowance may choose this policy.
    ///
    /// # Errors
    /// Every setting that it may not choose, by the setting's JSON path.
    pub fn check(&self, allowance: &Allowance) -> Result<(), Vec<PolicyFault>> {
        let mut faults = Vec::new();
        self.check_hours(allowance, &mut faults);
        self.check_numbers(allowance, &mut faults);
        self.check_choices(allowance, &mut faults);
        if faults.is_empty() { Ok(()) } else { Err(faults) }
    }

    fn check_hours(&self, allowance: &Allowance, faults: &mut Vec<PolicyFault>) {
        let week = &self.calling_hours;
        let days = [
            (week.monday, "calling_hours.monday.opens", "calling_hours.monday.closes"),
            (week.tuesday, "calling_hours.tuesday.opens", "calling_hours.tuesday.closes"),
            (week.wednesday, "calling_hours.wednesday.opens", "calling_hours.wednesday.closes"),
            (week.thursday, "calling_hours.thursday.opens", "calling_hours.thursday.closes"),
            (week.friday, "calling_hours.friday.opens", "calling_hours.friday.closes"),
            (week.saturday, "calling_hours.saturday.opens", "calling_hours.saturday.closes"),
            (week.sunday, "calling_hours.sunday.opens", "calling_hours.sunday.closes"),
        ];
        if days.iter().all(|(day, ..)| day.is_none()) {
            faults.push(PolicyFault { field: "calling_hours", reason: Fault::Empty });
        }
        for (day, opens, closes) in days {
            let Some(day) = day else { continue };
            if day.opens < allowance.opens_not_before {
                let reason = Fault::NotBefore(allowance.opens_not_before);
                faults.push(PolicyFault { field: opens, reason });
            }
            if day.closes > allowance.closes_not_after {
                let reason = Fault::NotAfter(allowance.closes_not_after);
                faults.push(PolicyFault { field: closes, reason });
            }
            if day.closes.minute() < day.opens.minute() + SHORTEST_DAY_MINUTES {
                faults.push(PolicyFault { field: closes, reason: Fault::TooShort });
            }
        }
    }

    fn check_numbers(&self, a: &Allowance, faults: &mut Vec<PolicyFault>) {
        // A limit of nothing would stop all calls without saying so: that is what a pause is for.
        let campaigns_most = a.number_week_campaign_limit_at_most;
        let calls_now_most = a.calls_now_per_contact_per_day_at_most;
        let notice_least = a.minimum_notice_minutes_at_least;
        for (field, value, least, most) in [
            ("window_limit", self.window_limit, 1, a.window_limit_at_most),
            ("daily_limit", self.daily_limit, 1, a.daily_limit_at_most),
            ("gap_minutes", self.gap_minutes, a.gap_minutes_at_least, YEAR_MINUTES),
            ("max_attempts", self.max_attempts, 1, a.max_attempts_at_most),
            ("number_week_limit", self.number_week_limit, 1, a.number_week_limit_at_most),
            ("number_week_campaign_limit", self.number_week_campaign_limit, 0, campaigns_most),
            ("call_before_hours", self.call_before_hours, 1, a.call_before_hours_at_most),
            ("minimum_notice_minutes", self.minimum_notice_minutes, notice_least, YEAR_MINUTES),
            (
                "booking_delay_minutes",
                self.booking_delay_minutes,
                a.booking_delay_minutes_at_least,
                YEAR_MINUTES,
            ),
            (
                "follow_up_delay_minutes",
                self.follow_up_delay_minutes,
                a.follow_up_delay_minutes_at_least,
                YEAR_MINUTES,
            ),
            (
                "calls_now_per_contact_per_day",
                self.calls_now_per_contact_per_day,
                0,
                calls_now_most,
            ),
            (
                "campaign_share_percent",
                self.campaign_share_percent,
                a.campaign_share_percent_at_least,
                100,
            ),
            ("retention_months", self.retention_months, 1, a.retention_months_at_most),
        ] {
            if value < least {
                faults.push(PolicyFault { field, reason: Fault::AtLeast(least) });
            } else if value > most {
                faults.push(PolicyFault { field, reason: Fault::AtMost(most) });
            }
        }
    }

    fn check_choices(&self, allowance: &Allowance, faults: &mut Vec<PolicyFault>) {
        let regions = &self.number_regions;
        if regions.is_empty() {
            faults.push(PolicyFault { field: "number_regions", reason: Fault::Empty });
        }
        let waives_consent = !self.consent_required;
        for (field, loose, allowed) in [
            ("call_anyway", self.call_anyway, allowance.may_call_anyway),
            ("consent_required", waives_consent, allowance.may_call_without_consent),
            ("keep_transcripts", self.keep_transcripts, allowance.may_keep_transcripts),
            ("keep_recordings", self.keep_recordings, allowance.may_keep_recordings),
            ("allow_test_numbers", self.allow_test_numbers, allowance.may_allow_test_numbers),
            ("number_regions", !regions.is_subset(&allowance.number_regions), false),
        ] {
            if loose && !allowed {
                faults.push(PolicyFault { field, reason: Fault::NotAllowed });
            }
        }
    }
}
