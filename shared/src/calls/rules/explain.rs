//! Why a call isn't dialled, in a sentence for staff.
//!
//! Built from the reason and the facts: counts and times only, nothing about the person.

use chrono::{DateTime, Datelike, Utc};
use chrono_tz::Tz;

use super::policy::Policy;
use super::reason::Reason;
use super::snapshot::Snapshot;
use super::verdict::{CheckResult, Verdict};

impl CheckResult {
    /// One sentence per reason; none if the check passes. Times are told by the tenant's wall clock.
    pub fn explain(&self, snapshot: &Snapshot) -> Vec<String> {
        self.reasons.iter().map(|reason| self.sentence(*reason, snapshot)).collect()
    }

    fn sentence(&self, reason: Reason, snapshot: &Snapshot) -> String {
        let what = reason.explain(snapshot);
        match self.verdict {
            Verdict::Defer { until } => {
                format!("{what} That ends on {}.", wall(until, snapshot.tenant.zone))
            }
            _ => what,
        }
    }
}

impl Reason {
    /// What is in the way, in one English sentence without personal data.
    pub fn explain(self, snapshot: &Snapshot) -> String {
        let Snapshot { tenant, call, .. } = snapshot;
        let policy = &tenant.policy;
        let sentence = match self {
            Self::OutsideContactHours => {
                return format!(
                    "Where the contact lives ({}) it is outside calling hours.",
                    call.zone
                );
            }
            Self::OutsideTenantHours => {
                return format!("It is outside the tenant's calling hours ({}).", tenant.zone);
            }
            Self::DeadlinePassed => {
                return format!(
                    "The time for this call ended on {}.",
                    wall(call.deadline, tenant.zone)
                );
            }
            Self::NoTimeBeforeDeadline => {
                return format!(
                    "The call can't be made before its time ends on {}.",
                    wall(call.deadline, tenant.zone)
                );
            }
            Self::AttemptsUsed => {
                return format!("It was dialled {}, as often as it may be.", times(call.attempts));
            }
            Self::GapNotOver => {
                return format!(
                    "The number or contact was dialled in the last {}.",
                    gap_of(policy)
                );
            }
            Self::DailyLimitReached => {
                return format!(
                    "{} of {} dials of this day are made.",
                    tenant.dials_today, policy.daily_limit
                );
            }
            Self::WindowFull => {
                return format!(
                    "All {} calls that may start within 15 minutes have started.",
                    policy.window_limit
                );
            }
            Self::NumberWeekReached => {
                return limit_of_week("The number", policy.number_week_limit);
            }
            Self::NumberWeekCampaignsReached => {
                return limit_of_week(
                    "By campaigns, the number",
                    policy.number_week_campaign_limit,
                );
            }
            Self::CallsNowUsed => {
                return format!(
                    "Call now was used for this contact {} today, as often as it may be.",
                    times(policy.calls_now_per_contact_per_day)
                );
            }
            Self::TenantInactive => "The tenant is suspended.",
            Self::NoAgent => "No voice agent is set.",
            Self::NoCallerNumber => "No caller number is set.",
            Self::CalendarKeyMissing => "A connected calendar has no working key.",
            Self::ConfigurationRefused => "The voice provider refused the tenant's configuration.",
            Self::PausedByHand => "An administrator has paused calling.",
            Self::PausedAutomatically => {
                "Calling paused itself after too many failures or opt-outs."
            }
            Self::StoppedByPlatform => "The platform has stopped all calls.",
            Self::Recovering => {
                "Calls wait while past calls are compared with the provider's record."
            }
            Self::AccountHeld => "The voice provider doesn't accept the account.",
            Self::BreakerOpen => {
                "The voice provider fails too often; calls wait until it works again."
            }
            Self::NoFreeSlot => "The voice provider has no line free at the moment.",
            Self::StartsPerSecondReached => {
                "The voice provider starts only so many calls a second."
            }
            Self::ClosedDate => "The date is one of the tenant's closed dates.",
            Self::NeverOpen => "No call can start within the next 35 days.",
            Self::LastAttemptUnderWay => {
                "The last attempt is under way, or its result isn't known yet."
            }
            Self::NorthAmericanDayReached => "A +1 number is dialled once a day at most.",
            Self::NorthAmericanWeekReached => {
                "A +1 number is dialled three times in 7 days at most."
            }
            Self::OnDoNotCallList => "The number is on the do-not-call list.",
            Self::NumberBad => "The voice provider says that the number doesn't exist.",
            Self::TestNumber => "The number is a test number; only a simulator dials it.",
            Self::ContactGone => "The contact is deleted or archived.",
            Self::AppointmentGone => "The appointment no longer exists.",
            Self::AlreadyConfirmed => "The appointment is already confirmed.",
            Self::AppointmentCancelled => "The appointment is cancelled.",
            Self::CampaignStopped => "The campaign was stopped.",
            Self::NotSelected => "The contact is no longer selected by the campaign.",
            Self::PrefersAnotherChannel => {
                "The contact prefers another channel than the telephone."
            }
            Self::CampaignPaused => "The campaign is paused.",
            Self::CampaignPace => "The campaign leaves time between its calls.",
            Self::OutsideCampaignHours => "It is outside the campaign's own days and hours.",
            Self::CampaignEnded => "The campaign has ended.",
            Self::ConsentMissing => "Consent to automated calls isn't recorded.",
            Self::DialUnderWay => "An earlier call may still ring, or its result isn't known yet.",
            Self::RetryWait => "The last dial was not placed; it is tried again after a wait.",
            Self::NotDueYet => "The call isn't due yet.",
        };
        sentence.to_owned()
    }
}

fn wall(t: DateTime<Utc>, zone: Tz) -> String {
    if (1..=9998).contains(&t.year()) {
        t.with_timezone(&zone).format("%-d %B %Y at %H:%M").to_string()
    } else {
        "a far day".to_owned()
    }
}

fn times(count: u32) -> String {
    if count == 1 { "once".to_owned() } else { format!("{count} times") }
}

fn limit_of_week(what: &str, limit: u32) -> String {
    format!("{what} was dialled {} in 7 days, as often as it may be.", times(limit))
}

fn gap_of(policy: &Policy) -> String {
    match (policy.gap_minutes / 60, policy.gap_minutes % 60) {
        (hours, 0) => format!("{hours} hours"),
        (_, _) => format!("{} minutes", policy.gap_minutes),
    }
}
