//! The checks of a call, its contact, its number and its campaign.

use std::collections::BTreeSet;

use chrono::{DateTime, Duration, Utc};

use super::finding::{Finding, room_from};
use super::{CallView, Stage};
use crate::calls::rules::hours::{
    Calendar, Opening, TimeOfDay, WallClock, Week, local_date, shift,
};
use crate::calls::rules::reason::Reason;
use crate::calls::rules::snapshot::{
    AppointmentStatus, CallFacts, CallKind, CampaignFacts, Channel,
};
use crate::calls::rules::verdict::{Check, CheckResult, Scope};

/// Counted dials of a +1 number in 7 days.
const NORTH_AMERICAN_WEEK_LIMIT: u32 = 3;

/// What each of the call's own checks makes of `t`.
pub(super) fn checks(view: &CallView<'_>, t: DateTime<Utc>) -> Vec<CheckResult> {
    let mut checks = vec![
        calling_hours(view, t).of(Check::CallingHours, Scope::Call),
        do_not_call(view, t).of(Check::DoNotCall, Scope::Call),
        number(view, t).of(Check::Number, Scope::Call),
        still_needed(view, t).of(Check::StillNeeded, Scope::Call),
        channel(view, t).of(Check::Channel, Scope::Call),
        campaign(view, t).of(Check::Campaign, Scope::Call),
        consent(view, t).of(Check::Consent, Scope::Call),
    ];
    if view.stage == Stage::Planned {
        checks.extend([
            gap(view, t).of(Check::Gap, Scope::Call),
            attempts(view, t).of(Check::Attempts, Scope::Call),
            number_week(view, t).of(Check::NumberWeek, Scope::Call),
            calls_now(view, t).of(Check::CallsNow, Scope::Call),
            under_way(view, t).of(Check::UnderWay, Scope::Call),
            retry(view, t).of(Check::Retry, Scope::Call),
            not_before(view, t).of(Check::NotBefore, Scope::Call),
        ]);
    }
    checks
}

fn calling_hours(view: &CallView<'_>, t: DateTime<Utc>) -> Finding {
    let clock = WallClock::new(view.call.zone, view.tenant.policy.calling_hours);
    Finding::about(t)
        .not_before(Calendar::for_calls([clock]).next_open(t), Reason::OutsideContactHours)
}

fn gap(view: &CallView<'_>, t: DateTime<Utc>) -> Finding {
    let skipped = view.call.campaign.as_ref().is_some_and(|campaign| campaign.skip_gap);
    let over = match view.call.last_counted_dial {
        Some(last) if !skipped => shift(last, view.tenant.policy.gap()),
        _ => t,
    };
    Finding::about(t).not_before(Some(over), Reason::GapNotOver)
}

/// While the last attempt may still turn out not to have been placed, it is too early to give up.
fn attempts(view: &CallView<'_>, t: DateTime<Utc>) -> Finding {
    let used = view.call.attempts >= view.tenant.policy.max_attempts;
    Finding::about(t)
        .refuse_if(used && !view.call.under_way, Reason::AttemptsUsed)
        .hold_if(used && view.call.under_way, Reason::LastAttemptUnderWay)
}

/// Weeks are 7 times 24 hours; the day of a +1 number is the calendar day of the contact's zone, the one that the
/// person who is called lives by.
fn number_week(view: &CallView<'_>, t: DateTime<Utc>) -> Finding {
    let policy = &view.tenant.policy;
    let dials = &view.call.number_dials;
    let over = |at: &DateTime<Utc>| shift(*at, Duration::days(7));
    let all = || dials.iter().map(|dial| over(&dial.at));
    let mut finding = Finding::about(t)
        .not_before(room_from(all(), policy.number_week_limit), Reason::NumberWeekReached);
    if view.call.campaign.is_some() {
        let campaigns = dials.iter().filter(|dial| dial.campaign).map(|dial| over(&dial.at));
        // A tenant may choose that campaigns never call; that is no calendar without an opening.
        let none = policy.number_week_campaign_limit == 0;
        let from = room_from(campaigns, policy.number_week_campaign_limit).unwrap_or(t);
        finding = finding
            .refuse_if(none, Reason::NumberWeekCampaignsReached)
            .not_before(Some(from), Reason::NumberWeekCampaignsReached);
    }
    if !view.call.north_american {
        return finding;
    }
    let from = room_from(all(), NORTH_AMERICAN_WEEK_LIMIT);
    let days: BTreeSet<_> = dials.iter().map(|dial| local_date(view.call.zone, dial.at)).collect();
    let other_days =
        Calendar::plain([
            WallClock::new(view.call.zone, Week::daily(Opening::ALL_DAY)).except(&days)
        ]);
    finding
        .not_before(from, Reason::NorthAmericanWeekReached)
        .not_before(other_days.next_open(t), Reason::NorthAmericanDayReached)
        .ending_in(|until| other_days.next_open(until))
}

fn do_not_call(view: &CallView<'_>, t: DateTime<Utc>) -> Finding {
    Finding::about(t).refuse_if(view.call.do_not_call, Reason::OnDoNotCallList)
}

fn number(view: &CallView<'_>, t: DateTime<Utc>) -> Finding {
    Finding::about(t)
        .refuse_if(view.call.number_bad, Reason::NumberBad)
        .refuse_if(view.call.test_number_to_real_provider, Reason::TestNumber)
}

fn still_needed(view: &CallView<'_>, t: DateTime<Utc>) -> Finding {
    use AppointmentStatus::{Cancelled, Confirmed};
    let call = view.call;
    let finding = Finding::about(t)
        .refuse_if(!call.contact_live, Reason::ContactGone)
        .refuse_if(t >= call.deadline, Reason::DeadlinePassed);
    let cancelled = call.appointment == Some(Cancelled);
    let finding = match call.kind {
        CallKind::Reminder => finding
            .refuse_if(call.appointment.is_none(), Reason::AppointmentGone)
            .refuse_if(call.appointment == Some(Confirmed), Reason::AlreadyConfirmed)
            .refuse_if(cancelled, Reason::AppointmentCancelled),
        CallKind::CallNow => finding.refuse_if(cancelled, Reason::AppointmentCancelled),
        CallKind::Campaign => finding.refuse_if(call.campaign.is_none(), Reason::CampaignStopped),
    };
    match &call.campaign {
        None => finding,
        Some(campaign) => finding
            .refuse_if(campaign.stopped, Reason::CampaignStopped)
            .hold_if(!campaign.selected, Reason::NotSelected),
    }
}

fn calls_now(view: &CallView<'_>, t: DateTime<Utc>) -> Finding {
    let used = view.call.calls_now_today >= view.tenant.policy.calls_now_per_contact_per_day;
    Finding::about(t).refuse_if(used && view.call.kind == CallKind::CallNow, Reason::CallsNowUsed)
}

fn channel(view: &CallView<'_>, t: DateTime<Utc>) -> Finding {
    let other = view.call.channel != Channel::Voice && !view.tenant.policy.call_anyway;
    Finding::about(t).hold_if(other, Reason::PrefersAnotherChannel)
}

fn campaign(view: &CallView<'_>, t: DateTime<Utc>) -> Finding {
    let Some(campaign) = &view.call.campaign else { return Finding::about(t) };
    let hours = Calendar::for_calls([WallClock::new(view.tenant.zone, own_hours(campaign))]);
    // The dial of a reserved call is already the campaign's last.
    let last = campaign.last_dial_at.filter(|_| view.stage == Stage::Planned);
    let paced = last.map_or(t, |last| shift(last, campaign.interval));
    Finding::about(t)
        .refuse_if(t >= campaign.ends_at, Reason::CampaignEnded)
        .hold_if(campaign.paused, Reason::CampaignPaused)
        .not_before(hours.next_open(t), Reason::OutsideCampaignHours)
        .not_before(Some(paced), Reason::CampaignPace)
        .ending_in(|until| hours.next_open(until))
}

/// The campaign's days and hours, by the tenant's wall clock: it is the tenant's staff who chose them.
fn own_hours(campaign: &CampaignFacts) -> Week {
    let opening = Opening {
        opens: TimeOfDay::of_minute(campaign.opens_minute),
        closes: TimeOfDay::of_minute(campaign.closes_minute),
    };
    Week::from_days(
        [0, 1, 2, 3, 4, 5, 6].map(|day| campaign.days.contains(&day).then_some(opening)),
    )
}

fn consent(view: &CallView<'_>, t: DateTime<Utc>) -> Finding {
    let required = view.tenant.policy.consent_required || view.call.north_american;
    Finding::about(t).hold_if(required && !view.call.consent, Reason::ConsentMissing)
}

fn under_way(view: &CallView<'_>, t: DateTime<Utc>) -> Finding {
    Finding::about(t).hold_if(view.call.under_way, Reason::DialUnderWay)
}

fn retry(view: &CallView<'_>, t: DateTime<Utc>) -> Finding {
    Finding::about(t).not_before(Some(view.call.retry_at.unwrap_or(t)), Reason::RetryWait)
}

fn not_before(view: &CallView<'_>, t: DateTime<Utc>) -> Finding {
    Finding::about(t).not_before(Some(wanted_from(view.call)), Reason::NotDueYet)
}

/// A *call now* is wanted as soon as it may be; everything else when it is due.
pub(super) fn wanted_from(call: &CallFacts) -> DateTime<Utc> {
    match call.kind {
        CallKind::CallNow => call.earliest,
        CallKind::Reminder | CallKind::Campaign => call.earliest.max(call.due),
    }
}
