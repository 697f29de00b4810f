//! The rules once more, slow and plain: minute by minute, counting.
//!
//! All random times are whole minutes, and so are all offsets of the zones in these years; so what is open or passes
//! changes at whole minutes only.

use std::collections::BTreeSet;

use chrono::{DateTime, Datelike, Duration, NaiveDate, Timelike, Utc};
use chrono_tz::Tz;
use shared::calls::rules::hours::Week;
use shared::calls::rules::snapshot::{
    AppointmentStatus, CallKind, CampaignFacts, Channel, Snapshot,
};

/// What a wall clock shows decides.
pub(crate) fn open_on_wall(
    zone: Tz,
    week: &Week,
    closed: &BTreeSet<NaiveDate>,
    t: DateTime<Utc>,
) -> bool {
    let wall = t.with_timezone(&zone);
    let minute = u16::try_from(wall.hour() * 60 + wall.minute()).unwrap();
    !closed.contains(&wall.date_naive())
        && week.on(wall.weekday()).is_some_and(|opening| {
            opening.opens.minute() <= minute && minute < opening.closes.minute()
        })
}

/// Open now and for the next two minutes.
pub(crate) fn call_may_start(open: impl Fn(DateTime<Utc>) -> bool, t: DateTime<Utc>) -> bool {
    (0..=2).all(|minute| open(t + Duration::minutes(minute)))
}

pub(crate) fn date(zone: Tz, t: DateTime<Utc>) -> NaiveDate {
    t.with_timezone(&zone).date_naive()
}

/// Something that doesn't pass with time.
pub(crate) fn stuck(s: &Snapshot) -> bool {
    let tenant = &s.tenant;
    let consent_needed = tenant.policy.consent_required || s.call.north_american;
    !tenant.active
        || !tenant.has_agent
        || !tenant.has_caller_number
        || tenant.calendar_key_missing
        || tenant.refused_by_provider
        || !tenant.pauses.is_empty()
        || s.account.held
        || s.account.breaker_open
        || s.account.free_slots == 0
        || (s.call.channel != Channel::Voice && !tenant.policy.call_anyway)
        || (consent_needed && !s.call.consent)
        || s.call.under_way
        || s.call.campaign.as_ref().is_some_and(|c| c.paused || !c.selected)
}

/// Something that is final.
pub(crate) fn final_at(s: &Snapshot, t: DateTime<Utc>) -> bool {
    let call = &s.call;
    let needless = match (call.kind, call.appointment) {
        (CallKind::Reminder, status) => {
            !matches!(status, Some(AppointmentStatus::Pending | AppointmentStatus::Rescheduled))
        }
        (CallKind::CallNow, status) => status == Some(AppointmentStatus::Cancelled),
        (CallKind::Campaign, _) => call.campaign.is_none(),
    };
    let calls_now = s.tenant.policy.calls_now_per_contact_per_day;
    needless
        || call.do_not_call
        || call.number_bad
        || call.test_number_to_real_provider
        || !call.contact_live
        || (call.attempts >= s.tenant.policy.max_attempts && !call.under_way)
        || (call.kind == CallKind::CallNow && call.calls_now_today >= calls_now)
        || t >= call.deadline
        || call.campaign.as_ref().is_some_and(|c| c.stopped || t >= c.ends_at)
        || (call.campaign.is_some() && s.tenant.policy.number_week_campaign_limit == 0)
}

/// Hours, dates and counts let the call go at `t`, if nothing else happens until then.
pub(crate) fn in_time(s: &Snapshot, t: DateTime<Utc>) -> bool {
    hours(s, t) && counts(s, t) && s.call.campaign.as_ref().is_none_or(|c| campaign(s, c, t))
}

fn hours(s: &Snapshot, t: DateTime<Utc>) -> bool {
    let (tenant, week) = (&s.tenant, &s.tenant.policy.calling_hours);
    call_may_start(
        |t| {
            open_on_wall(tenant.zone, week, &tenant.closed_dates, t)
                && open_on_wall(s.call.zone, week, &BTreeSet::new(), t)
        },
        t,
    )
}

fn counts(s: &Snapshot, t: DateTime<Utc>) -> bool {
    let (tenant, call, policy) = (&s.tenant, &s.call, &s.tenant.policy);
    let out = tenant.tokens_back_at.iter().filter(|back| **back > t).count();
    let same_day = date(tenant.zone, t) == date(tenant.zone, s.now);
    let skip = call.campaign.as_ref().is_some_and(|c| c.skip_gap);
    let week: Vec<_> =
        call.number_dials.iter().filter(|dial| dial.at > t - Duration::days(7)).collect();
    let of_campaigns = week.iter().filter(|dial| dial.campaign).count();
    let on_day = call.number_dials.iter().any(|d| date(call.zone, d.at) == date(call.zone, t));
    let wanted = if call.kind == CallKind::CallNow { call.earliest } else { call.due };

    out < policy.window_limit as usize
        && (!same_day || tenant.dials_today < policy.daily_limit)
        && s.account.next_start_at <= t
        && (skip || call.last_counted_dial.is_none_or(|last| t - last >= policy.gap()))
        && week.len() < policy.number_week_limit as usize
        && (call.campaign.is_none() || of_campaigns < policy.number_week_campaign_limit as usize)
        && (!call.north_american || (week.len() < 3 && !on_day))
        && call.retry_at.is_none_or(|retry| retry <= t)
        && call.earliest <= t
        && wanted <= t
}

fn campaign(s: &Snapshot, c: &CampaignFacts, t: DateTime<Utc>) -> bool {
    let open = |t: DateTime<Utc>| {
        let wall = t.with_timezone(&s.tenant.zone);
        let day = u8::try_from(wall.weekday().num_days_from_monday()).unwrap();
        let minute = u16::try_from(wall.hour() * 60 + wall.minute()).unwrap();
        c.days.contains(&day) && (c.opens_minute..c.closes_minute).contains(&minute)
    };
    call_may_start(open, t) && c.last_dial_at.is_none_or(|last| t - last >= c.interval)
}
