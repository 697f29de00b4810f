//! Why a call isn't dialled, and who can change that.

use serde::{Deserialize, Serialize};

/// Who can lift what is in a call's way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Lifter {
    /// Nobody needs to: it passes by itself.
    Time,
    /// Anybody of the tenant who may edit contacts and calls.
    Staff,
    /// The tenant's administrator.
    TenantAdministrator,
    /// The platform's administrator.
    PlatformAdministrator,
    /// The person who is to be called.
    Contact,
    /// The voice provider.
    Provider,
    /// Nobody: it is final.
    Nobody,
}

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident, $code:literal, $lifter:ident;)+) => {
        /// One way of failing a check. The codes are public and stable.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
        pub enum Reason {
            $($(#[$doc])* #[serde(rename = $code)] $name,)+
        }

        impl Reason {
            /// Every reason there is.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// Its public code.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)+ }
            }

            /// Who can lift it.
            pub const fn lifter(self) -> Lifter {
                match self { $(Self::$name => Lifter::$lifter,)+ }
            }
        }
    };
}

reasons! {
    /// The tenant is suspended.
    TenantInactive, "tenant_inactive", PlatformAdministrator;
    /// No voice agent is set.
    NoAgent, "no_agent", TenantAdministrator;
    /// No caller number is set.
    NoCallerNumber, "no_caller_number", TenantAdministrator;
    /// A connected calendar has no working key.
    CalendarKeyMissing, "calendar_key_missing", TenantAdministrator;
    /// The provider has refused the tenant's configuration.
    ConfigurationRefused, "configuration_refused", TenantAdministrator;
    /// An administrator has paused the tenant.
    PausedByHand, "paused_by_hand", TenantAdministrator;
    /// Too many failed dials or opt-outs paused the tenant.
    PausedAutomatically, "paused_automatically", TenantAdministrator;
    /// The platform has stopped all dialling.
    StoppedByPlatform, "stopped_by_platform", PlatformAdministrator;
    /// The database is being compared with the provider's record.
    Recovering, "recovering", PlatformAdministrator;
    /// The provider doesn't accept the account.
    AccountHeld, "account_held", PlatformAdministrator;
    /// The provider fails too often.
    BreakerOpen, "breaker_open", Provider;
    /// The provider takes no more calls at the same time.
    NoFreeSlot, "no_free_slot", Time;
    /// The provider takes no more starts in this second.
    StartsPerSecondReached, "starts_per_second_reached", Time;
    /// The tenant is closed at this time of day or week.
    OutsideTenantHours, "outside_tenant_hours", Time;
    /// It is too early or too late where the contact lives.
    OutsideContactHours, "outside_contact_hours", Time;
    /// The date is one of the tenant's closed dates.
    ClosedDate, "closed_date", Time;
    /// No call can start within the next 35 days.
    NeverOpen, "never_open", TenantAdministrator;
    /// All calls of these 15 minutes have started.
    WindowFull, "window_full", Time;
    /// All dials of this day are made.
    DailyLimitReached, "daily_limit_reached", Time;
    /// The number or contact was dialled too short a time ago.
    GapNotOver, "gap_not_over", Time;
    /// All dials for this purpose are made.
    AttemptsUsed, "attempts_used", Nobody;
    /// The last dial for this purpose is under way, or its fate unknown.
    LastAttemptUnderWay, "last_attempt_under_way", Time;
    /// The number was dialled as often as it may be within a week.
    NumberWeekReached, "number_week_reached", Time;
    /// The number was dialled by campaigns as often as it may be within a week.
    NumberWeekCampaignsReached, "number_week_campaigns_reached", Time;
    /// A +1 number was dialled today already.
    NorthAmericanDayReached, "north_american_day_reached", Time;
    /// A +1 number was dialled three times within a week.
    NorthAmericanWeekReached, "north_american_week_reached", Time;
    /// The number is on the do-not-call list.
    OnDoNotCallList, "on_do_not_call_list", Contact;
    /// The provider has said that the number doesn't exist.
    NumberBad, "number_bad", Staff;
    /// A test number would go to a real provider.
    TestNumber, "test_number", Staff;
    /// The contact is deleted or archived.
    ContactGone, "contact_gone", Staff;
    /// The reminder's appointment doesn't exist.
    AppointmentGone, "appointment_gone", Nobody;
    /// The appointment is confirmed.
    AlreadyConfirmed, "already_confirmed", Nobody;
    /// The appointment is cancelled.
    AppointmentCancelled, "appointment_cancelled", Nobody;
    /// The campaign was stopped.
    CampaignStopped, "campaign_stopped", Nobody;
    /// The contact is no longer selected by the campaign: held on purpose.
    NotSelected, "not_selected", Staff;
    /// The deadline has passed.
    DeadlinePassed, "deadline_passed", Nobody;
    /// The checks can't all pass before the deadline.
    NoTimeBeforeDeadline, "no_time_before_deadline", Nobody;
    /// Staff have called this contact now as often as they may today.
    CallsNowUsed, "calls_now_used", Nobody;
    /// The contact prefers another channel.
    PrefersAnotherChannel, "prefers_another_channel", Contact;
    /// The campaign is paused.
    CampaignPaused, "campaign_paused", Staff;
    /// The campaign's own pace.
    CampaignPace, "campaign_pace", Time;
    /// Outside the campaign's own days and hours.
    OutsideCampaignHours, "outside_campaign_hours", Time;
    /// The campaign has ended.
    CampaignEnded, "campaign_ended", Nobody;
    /// Consent isn't recorded.
    ConsentMissing, "consent_missing", Contact;
    /// An earlier dial may still ring, or its fate is unknown.
    DialUnderWay, "dial_under_way", Time;
    /// The wait after a dial that was not placed isn't over.
    RetryWait, "retry_wait", Time;
    /// The call isn't due yet.
    NotDueYet, "not_due_yet", Time;
}

impl Reason {
    /// Whether it says only that time has run out.
    pub const fn is_out_of_time(self) -> bool {
        matches!(self, Self::DeadlinePassed | Self::NoTimeBeforeDeadline | Self::CampaignEnded)
    }
}
