//! The checks of the call, its contact, its number and its campaign, row by row.

use chrono::Duration;
use chrono_tz::Tz;
use shared::calls::rules::reason::Reason::*;
use shared::calls::rules::snapshot::{
    AppointmentStatus::{Cancelled, Confirmed, Rescheduled},
    CallKind, Channel, NumberDial,
};
use shared::calls::rules::verdict::Check;
use shared::calls::rules::verdict::Scope::Call;
use shared::calls::rules::verdict::Verdict::{Hold, Pass, Refuse};

use super::table::{says, until};
use crate::rules::facts::{as_campaign, tuesday};

fn dials(ages_hours: &[i64], campaign: bool) -> Vec<NumberDial> {
    let dial = |hours: &i64| NumberDial { at: tuesday() - Duration::hours(*hours), campaign };
    ages_hours.iter().map(dial).collect()
}

#[test]
fn the_contacts_wall_clock_must_show_opening_hours() {
    says(
        Check::CallingHours,
        Call,
        [
            (
                |s| s.call.zone = Tz::America__New_York,
                until("2026-03-10T12:00:00Z"),
                &[OutsideContactHours],
                "six in the morning in New York",
            ),
            (|s| s.call.zone = Tz::Europe__Berlin, Pass, &[], "eleven in Berlin"),
        ],
    );
}

#[test]
fn eight_hours_lie_between_two_dials_of_a_number_or_contact() {
    says(
        Check::Gap,
        Call,
        [
            (
                |s| s.call.last_counted_dial = Some(tuesday() - Duration::hours(7)),
                until("2026-03-10T11:00:00Z"),
                &[GapNotOver],
                "seven hours ago",
            ),
            (
                |s| s.call.last_counted_dial = Some(tuesday() - Duration::hours(8)),
                Pass,
                &[],
                "eight hours ago",
            ),
            (
                |s| {
                    as_campaign(s).skip_gap = true;
                    s.call.last_counted_dial = Some(tuesday() - Duration::hours(1));
                },
                Pass,
                &[],
                "a campaign may choose not to wait",
            ),
        ],
    );
}

#[test]
fn two_dials_may_be_made_for_one_purpose() {
    says(
        Check::Attempts,
        Call,
        [
            (|s| s.call.attempts = 1, Pass, &[], "a second"),
            (|s| s.call.attempts = 2, Refuse, &[AttemptsUsed], "no third"),
        ],
    );
}

#[test]
fn a_number_is_dialled_four_times_in_seven_days() {
    says(
        Check::NumberWeek,
        Call,
        [
            (|s| s.call.number_dials = dials(&[20, 40, 60], false), Pass, &[], "a fourth"),
            (
                |s| s.call.number_dials = dials(&[20, 40, 60, 167], false),
                until("2026-03-10T11:00:00Z"),
                &[NumberWeekReached],
                "a fifth waits until the first is a week old",
            ),
            (
                |s| s.call.number_dials = dials(&[20, 40, 60, 168], false),
                Pass,
                &[],
                "a week old has left the week",
            ),
            (
                |s| s.call.number_dials = dials(&[20, 40], true),
                Pass,
                &[],
                "the campaigns' two don't bind a reminder",
            ),
            (
                |s| {
                    as_campaign(s);
                    s.call.number_dials = dials(&[20, 167], true);
                },
                until("2026-03-10T11:00:00Z"),
                &[NumberWeekCampaignsReached],
                "a campaigns' third waits",
            ),
            (
                |s| {
                    as_campaign(s);
                    s.tenant.policy.number_week_campaign_limit = 0;
                },
                Refuse,
                &[NumberWeekCampaignsReached],
                "the policy lets no campaign call",
            ),
            (
                |s| {
                    as_campaign(s);
                    s.call.number_dials = dials(&[20, 40], false);
                },
                Pass,
                &[],
                "a campaign's first, after two reminders",
            ),
            (
                |s| {
                    (s.call.north_american, s.call.consent) = (true, true);
                    s.call.number_dials = dials(&[30, 60], false);
                },
                Pass,
                &[],
                "+1: a third",
            ),
            (
                |s| {
                    (s.call.north_american, s.call.consent) = (true, true);
                    s.call.number_dials = dials(&[30, 60, 167], false);
                },
                until("2026-03-10T11:00:00Z"),
                &[NorthAmericanWeekReached],
                "+1: no fourth",
            ),
        ],
    );
}

#[test]
fn nobody_is_called_who_asked_not_to_be_or_can_not_be() {
    says(
        Check::DoNotCall,
        Call,
        [(|s| s.call.do_not_call = true, Refuse, &[OnDoNotCallList], "they asked for it")],
    );
    says(
        Check::Number,
        Call,
        [
            (|s| s.call.number_bad = true, Refuse, &[NumberBad], "nobody is there"),
            (
                |s| s.call.test_number_to_real_provider = true,
                Refuse,
                &[TestNumber],
                "test numbers are the simulator's",
            ),
        ],
    );
}

#[test]
fn a_call_must_still_be_needed() {
    says(
        Check::StillNeeded,
        Call,
        [
            (|s| s.call.contact_live = false, Refuse, &[ContactGone], "a deleted contact"),
            (
                |s| s.call.appointment = Some(Confirmed),
                Refuse,
                &[AlreadyConfirmed],
                "they have said yes",
            ),
            (
                |s| s.call.appointment = Some(Cancelled),
                Refuse,
                &[AppointmentCancelled],
                "they have said no",
            ),
            (|s| s.call.appointment = Some(Rescheduled), Pass, &[], "a new time to remind of"),
            (|s| s.call.appointment = None, Refuse, &[AppointmentGone], "a reminder of nothing"),
            (
                |s| s.call.deadline = tuesday(),
                Refuse,
                &[DeadlinePassed],
                "the deadline is too late",
            ),
            (
                |s| (s.call.kind, s.call.appointment) = (CallKind::CallNow, Some(Confirmed)),
                Pass,
                &[],
                "staff may call who has confirmed",
            ),
            (
                |s| (s.call.kind, s.call.appointment) = (CallKind::CallNow, Some(Cancelled)),
                Refuse,
                &[AppointmentCancelled],
                "but not who has cancelled",
            ),
            (
                |s| (s.call.kind, s.call.appointment) = (CallKind::CallNow, None),
                Pass,
                &[],
                "no appointment",
            ),
            (|s| as_campaign(s).stopped = true, Refuse, &[CampaignStopped], "a stopped campaign"),
            (|s| as_campaign(s).selected = false, Hold, &[NotSelected], "held on purpose"),
        ],
    );
}

#[test]
fn a_contact_who_prefers_messages_is_not_called() {
    says(
        Check::Channel,
        Call,
        [
            (|s| s.call.channel = Channel::Sms, Hold, &[PrefersAnotherChannel], "messages"),
            (
                |s| {
                    s.call.channel = Channel::Email;
                    s.tenant.policy.call_anyway = true;
                },
                Pass,
                &[],
                "unless the policy calls anyway",
            ),
        ],
    );
}

#[test]
fn a_campaign_keeps_its_own_pace_and_hours() {
    says(
        Check::Campaign,
        Call,
        [
            (|s| as_campaign(s).last_dial_at = None, Pass, &[], "a campaign in its hours"),
            (|s| as_campaign(s).paused = true, Hold, &[CampaignPaused], "paused"),
            (
                |s| as_campaign(s).last_dial_at = Some(tuesday() - Duration::seconds(20)),
                until("2026-03-10T10:00:10Z"),
                &[CampaignPace],
                "one every 30 seconds",
            ),
            (
                |s| as_campaign(s).opens_minute = 11 * 60,
                until("2026-03-10T11:00:00Z"),
                &[OutsideCampaignHours],
                "its own hours",
            ),
            (
                |s| as_campaign(s).closes_minute = 10 * 60,
                until("2026-03-11T08:00:00Z"),
                &[OutsideCampaignHours],
                "closed since ten",
            ),
            (
                |s| {
                    let campaign = as_campaign(s);
                    campaign.last_dial_at = Some(tuesday());
                    (campaign.interval, campaign.closes_minute) =
                        (Duration::hours(1), 10 * 60 + 30);
                },
                until("2026-03-11T08:00:00Z"),
                &[CampaignPace],
                "when its pace allows the next, its hours are over",
            ),
            (|s| as_campaign(s).ends_at = tuesday(), Refuse, &[CampaignEnded], "its end"),
        ],
    );
}

#[test]
fn consent_is_needed_where_the_policy_or_the_law_says_so() {
    says(
        Check::Consent,
        Call,
        [
            (
                |s| s.tenant.policy.consent_required = true,
                Hold,
                &[ConsentMissing],
                "the policy wants it",
            ),
            (|s| s.call.north_american = true, Hold, &[ConsentMissing], "+1 always wants it"),
            (
                |s| (s.call.north_american, s.call.consent) = (true, true),
                Pass,
                &[],
                "it is recorded",
            ),
        ],
    );
}

#[test]
fn a_call_waits_for_its_time_and_for_earlier_dials() {
    says(
        Check::UnderWay,
        Call,
        [(|s| s.call.under_way = true, Hold, &[DialUnderWay], "the phone may still ring")],
    );
    says(
        Check::Retry,
        Call,
        [(
            |s| s.call.retry_at = Some(tuesday() + Duration::seconds(30)),
            until("2026-03-10T10:00:30Z"),
            &[RetryWait],
            "a dial that was not placed",
        )],
    );
    says(
        Check::NotBefore,
        Call,
        [
            (
                |s| s.call.earliest = tuesday() + Duration::minutes(30),
                until("2026-03-10T10:30:00Z"),
                &[NotDueYet],
                "booked just now",
            ),
            (
                |s| s.call.due = tuesday() + Duration::hours(2),
                until("2026-03-10T12:00:00Z"),
                &[NotDueYet],
                "wanted at noon",
            ),
            (
                |s| {
                    s.call.kind = CallKind::CallNow;
                    s.call.due = tuesday() + Duration::hours(2);
                },
                Pass,
                &[],
                "call now doesn't wait for that",
            ),
        ],
    );
}

#[test]
fn a_sixth_call_now_of_a_day_is_refused() {
    says(
        Check::CallsNow,
        Call,
        [
            (
                |s| (s.call.kind, s.call.calls_now_today) = (CallKind::CallNow, 4),
                Pass,
                &[],
                "the fifth",
            ),
            (
                |s| (s.call.kind, s.call.calls_now_today) = (CallKind::CallNow, 5),
                Refuse,
                &[CallsNowUsed],
                "the sixth",
            ),
            (|s| s.call.calls_now_today = 5, Pass, &[], "the planned reminder still goes"),
        ],
    );
}
