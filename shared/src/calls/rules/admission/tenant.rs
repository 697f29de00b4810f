//! The checks of the tenant and of the provider account.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::finding::{Finding, room_from};
use super::{Stage, TenantView};
use crate::calls::rules::hours::{Calendar, Opening, WallClock, Week, local_date};
use crate::calls::rules::reason::Reason;
use crate::calls::rules::snapshot::Pause;
use crate::calls::rules::verdict::{Check, CheckResult, Scope};

/// What each check of the tenant and the account makes of `t`.
pub(super) fn checks(view: &TenantView<'_>, t: DateTime<Utc>) -> Vec<CheckResult> {
    let mut checks = vec![
        configured(view, t).of(Check::Configured, Scope::Tenant),
        paused(view, t).of(Check::Paused, Scope::Tenant),
        provider(view, t).of(Check::Provider, Scope::Account),
        calling_hours(view, t).of(Check::CallingHours, Scope::Tenant),
        holidays(view, t).of(Check::Holidays, Scope::Tenant),
    ];
    if view.stage == Stage::Planned {
        checks.push(window(view, t).of(Check::Window, Scope::Tenant));
        checks.push(daily_limit(view, t).of(Check::DailyLimit, Scope::Tenant));
    }
    checks
}

fn configured(view: &TenantView<'_>, t: DateTime<Utc>) -> Finding {
    Finding::about(t)
        .hold_if(!view.tenant.active, Reason::TenantInactive)
        .hold_if(!view.tenant.has_agent, Reason::NoAgent)
        .hold_if(!view.tenant.has_caller_number, Reason::NoCallerNumber)
        .hold_if(view.tenant.calendar_key_missing, Reason::CalendarKeyMissing)
        .hold_if(view.tenant.refused_by_provider, Reason::ConfigurationRefused)
}

fn paused(view: &TenantView<'_>, t: DateTime<Utc>) -> Finding {
    view.tenant.pauses.iter().fold(Finding::about(t), |finding, pause| {
        let reason = match pause {
            Pause::ByHand => Reason::PausedByHand,
            Pause::Automatic => Reason::PausedAutomatically,
            Pause::StopAll => Reason::StoppedByPlatform,
            Pause::Recovering => Reason::Recovering,
        };
        finding.hold_if(true, reason)
    })
}

fn provider(view: &TenantView<'_>, t: DateTime<Utc>) -> Finding {
    let account = view.account;
    let held = Finding::about(t).hold_if(account.held, Reason::AccountHeld);
    match view.stage {
        // A reserved call has its slot, and the breaker's probe is dialled while it is open.
        Stage::Reserved => held,
        Stage::Planned => held
            .hold_if(account.breaker_open, Reason::BreakerOpen)
            .hold_if(account.free_slots == 0, Reason::NoFreeSlot)
            .not_before(Some(account.next_start_at), Reason::StartsPerSecondReached),
    }
}

fn calling_hours(view: &TenantView<'_>, t: DateTime<Utc>) -> Finding {
    let clock = WallClock::new(view.tenant.zone, view.tenant.policy.calling_hours);
    Finding::about(t)
        .not_before(Calendar::for_calls([clock]).next_open(t), Reason::OutsideTenantHours)
}

fn holidays(view: &TenantView<'_>, t: DateTime<Utc>) -> Finding {
    if view.tenant.closed_dates.is_empty() {
        return Finding::about(t);
    }
    let clock = WallClock::new(view.tenant.zone, Week::daily(Opening::ALL_DAY))
        .except(&view.tenant.closed_dates);
    Finding::about(t).not_before(Calendar::for_calls([clock]).next_open(t), Reason::ClosedDate)
}

fn window(view: &TenantView<'_>, t: DateTime<Utc>) -> Finding {
    let back_at = view.tenant.tokens_back_at.iter().copied();
    let limit = view.tenant.policy.window_limit;
    Finding::about(t).not_before(room_from(back_at, limit), Reason::WindowFull)
}

/// Counts the local calendar day of `now`; any other local date has the whole limit before it.
fn daily_limit(view: &TenantView<'_>, t: DateTime<Utc>) -> Finding {
    let limit = view.tenant.policy.daily_limit;
    if limit > 0 && view.tenant.dials_today < limit {
        return Finding::about(t);
    }
    let today = BTreeSet::from([local_date(view.tenant.zone, view.now)]);
    let other_days = WallClock::new(view.tenant.zone, Week::daily(Opening::ALL_DAY)).except(&today);
    let until = (limit > 0).then(|| Calendar::plain([other_days]).next_open(t)).flatten();
    Finding::about(t).not_before(until, Reason::DailyLimitReached)
}
