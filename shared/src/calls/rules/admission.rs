//! May this call be dialled now?
//!
//! Every check looks at the same facts and says what it makes of an instant `t` (a `Finding`): pass, not
//! before a later instant, hold, refuse. The facts stand still while it is asked about later instants, and each check
//! is monotone in `t`, for one of three reasons:
//!
//! - **hours, dates, pace, gaps, returning tokens**: *the earliest passing instant at or after `t`* never moves back
//!   when `t` moves on;
//! - **switches** (pauses, consent, lists): they don't depend on `t` at all;
//! - **ends** (deadline, a campaign's end): they pass until an instant and never again.
//!
//! So to jump to the latest instant that any check asks for, and to ask all of them again, never jumps over an
//! instant at which all pass, and ends at the first such one: see `search::first_passing`.

mod call;
mod finding;
mod search;
mod tenant;

use chrono::{DateTime, Utc};

use super::snapshot::{AccountFacts, CallFacts, Snapshot, TenantFacts};
use super::verdict::{Answer, Check, CheckResult, Scope, TenantAnswer, Verdict};
use search::{Instants, decide, first_passing};

/// How far a call has come when it is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// It is planned: everything counts.
    Planned,
    /// It is reserved: what the reservation itself holds (token, day, slot, gap, attempt) isn't asked again.
    Reserved,
}

/// The facts of the tenant's and the account's checks.
#[derive(Clone, Copy)]
struct TenantView<'a> {
    tenant: &'a TenantFacts,
    account: &'a AccountFacts,
    now: DateTime<Utc>,
    stage: Stage,
}

/// The facts of a call's own checks.
#[derive(Clone, Copy)]
struct CallView<'a> {
    tenant: &'a TenantFacts,
    call: &'a CallFacts,
    stage: Stage,
}

/// Decides whether a planned call may be dialled now, and if not, when and why not.
///
/// Refuse outweighs hold, hold outweighs defer. A call that can't pass all checks before its deadline is refused at
/// once, except while it waits for what may become free sooner than it seems (the window, the day, the provider): then it waits
/// until its deadline. A *call now* doesn't wait until it is due; it skips nothing else.
pub fn admit(snapshot: &Snapshot) -> Answer {
    answer(snapshot, Stage::Planned)
}

/// Decides whether a reserved call may still be dialled, just before the provider is asked.
///
/// Looks at what can have changed since the reservation: configuration, pauses, the account, hours, dates, lists, number,
/// purpose, campaign, channel, consent. Window, day, slots, gap, attempts and the number's week are held by the
/// reservation itself, and the breaker is left out because its probe is dialled while it is open.
pub fn recheck_before_dial(snapshot: &Snapshot) -> Answer {
    answer(snapshot, Stage::Reserved)
}

/// The part of [`admit`] that is the same for all calls of a tenant.
///
/// Dispatch asks it before it reads any call.
pub fn admit_tenant(
    tenant: &TenantFacts,
    account: &AccountFacts,
    now: DateTime<Utc>,
) -> TenantAnswer {
    let view = TenantView { tenant, account, now, stage: Stage::Planned };
    let checks_at = |t| tenant::checks(&view, t);
    let checks = checks_at(now);
    let instants = Instants { now, wanted: now, end: None };
    TenantAnswer { decision: decide(instants, &checks, checks_at, |_| true), checks }
}

fn answer(snapshot: &Snapshot, stage: Stage) -> Answer {
    let Snapshot { now, tenant, account, call } = snapshot;
    let tenant_view = TenantView { tenant, account, now: *now, stage };
    let call_view = CallView { tenant, call, stage };
    let checks_at = |t: DateTime<Utc>| {
        let mut checks = tenant::checks(&tenant_view, t);
        checks.extend(call::checks(&call_view, t));
        checks.sort_by_key(|result| result.check);
        checks
    };
    let wanted = if stage == Stage::Planned { call::wanted_from(call) } else { *now };
    let ends_at = call.campaign.as_ref().map_or(call.deadline, |campaign| campaign.ends_at);
    let of_tenant = Instants { now: *now, wanted: *now, end: None };
    let of_call = Instants { now: *now, wanted, end: Some(call.deadline.min(ends_at)) };
    let own = |result: &CheckResult| result.scope == Scope::Call;
    let checks = checks_at(*now);
    Answer {
        decision: decide(of_call, &checks, checks_at, |_| true),
        tenant: decide(of_tenant, &checks, checks_at, |result| !own(result)),
        call: decide(of_call, &checks, checks_at, own),
        earliest: by_the_rules_alone(of_call, &checks, checks_at),
        checks,
    }
}

/// The first instant at which everything passes but what other calls take.
fn by_the_rules_alone(
    instants: Instants,
    checks: &[CheckResult],
    checks_at: impl Fn(DateTime<Utc>) -> Vec<CheckResult>,
) -> Option<DateTime<Utc>> {
    let rule = |result: &CheckResult| !matches!(result.check, Check::Provider | Check::Window);
    let stuck = |result: &CheckResult| rule(result) && result.verdict == Verdict::Hold;
    if checks.iter().any(stuck) { None } else { first_passing(instants, checks_at, rule).ok() }
}
