//! Why a call has not gone out, and when it will: the admission rule's own answer, on one snapshot.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::call_now::{self, Prospect};
use super::forecast::expected;
use super::rules::admission::admit;
use super::rules::hours::{Calendar, WallClock};
use super::rules::order::two_calling_days;
use super::rules::reason::{Lifter, Reason};
use super::rules::snapshot::{AccountFacts, CallFacts, Snapshot};
use super::rules::verdict::{Answer, Check, CheckResult, Decision, Scope, Verdict};
use super::store::dial::facts;
use super::store::explain::{self as store, Scene};
use super::store::{CallRow, day_start};
use crate::db::{Error, TenantTx};
use crate::ids::{CallId, ContactId};

/// One check, as it is shown.
#[derive(Debug, Clone, Serialize)]
pub struct ShownCheck {
    /// Which check.
    pub check: Check,
    /// Whose facts it looked at.
    pub scope: Scope,
    /// What it says.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// Why not.
    pub reasons: Vec<ShownReason>,
}

/// One reason, as it is shown.
#[derive(Debug, Clone, Serialize)]
pub struct ShownReason {
    /// Stable; clients match on it.
    pub code: Reason,
    /// For people.
    pub text: String,
    /// Who can lift it.
    pub lifted_by: Lifter,
}

/// Why a call has not gone out, and when it will.
#[derive(Debug, Clone, Serialize)]
pub struct Explanation {
    /// The instant that it is about.
    pub now: DateTime<Utc>,
    /// What the rule says.
    #[serde(flatten)]
    pub decision: Decision,
    /// Every check, with its verdict.
    pub checks: Vec<ShownCheck>,
    /// When the rules alone would let it be dialled; `null` while it is held or refused.
    pub earliest: Option<DateTime<Utc>>,
    /// When it will be dialled, with what is before it; a forecast.
    pub expected: Option<DateTime<Utc>>,
    /// Its place among the tenant's planned calls; 1 is next. `null` if it isn't planned.
    pub place: Option<u32>,
}

/// The explanation of a planned call. `None`: the tenant has no such call.
///
/// Open `tx` with [`crate::db::Db::tenant_snapshot`], so that all of it is of one snapshot.
///
/// # Errors
/// Any [`Error`].
pub async fn call(tx: &mut TenantTx, call: CallId) -> Result<Option<Explanation>, Error> {
    let Some(scene) = store::scene(tx).await? else { return Ok(None) };
    let Some(row) = facts(tx, call, scene.now, day_start(scene.now, scene.tenant.zone)).await?
    else {
        return Ok(None);
    };
    let ahead = match row.state.as_str() {
        "planned" => Some(store::ahead(tx, call, scene.now, near(&scene)).await?),
        _ => None,
    };
    explain(&scene, &row, ahead).map(Some)
}

/// Whether a contact may be called now. `None`: the tenant has no such contact.
///
/// # Errors
/// Any [`Error`].
pub async fn contact(tx: &mut TenantTx, contact: ContactId) -> Result<Option<Explanation>, Error> {
    let Some(scene) = store::scene(tx).await? else { return Ok(None) };
    let Some(Prospect { row, .. }) = call_now::prospect(tx, &scene, contact, false).await? else {
        return Ok(None);
    };
    explain(&scene, &row, Some(0)).map(Some)
}

/// The explanation of a call as it stands in a scene.
pub(super) fn explain(
    scene: &Scene,
    row: &CallRow,
    ahead: Option<u32>,
) -> Result<Explanation, Error> {
    let snapshot = snapshot(
        scene,
        row.facts(scene.account.as_ref().is_some_and(|account| account.simulator))?,
    );
    let answer = admit(&snapshot);
    let expected = forecast(scene, &answer, ahead);
    Ok(Explanation {
        now: scene.now,
        checks: answer.checks.iter().map(|check| shown(check, &snapshot)).collect(),
        earliest: answer.earliest,
        expected,
        place: ahead.map(|ahead| ahead.saturating_add(1)),
        decision: answer.decision,
    })
}

fn forecast(scene: &Scene, answer: &Answer, ahead: Option<u32>) -> Option<DateTime<Utc>> {
    let from = match &answer.call {
        Decision::Dial => scene.now,
        Decision::Defer { until, .. } => *until,
        Decision::Hold { .. } | Decision::Refuse { .. } => return None,
    };
    // A pause, a hold, a breaker: nobody knows when it ends. A slot or a start comes back by itself, within moments.
    let held = answer.checks.iter().any(|check| {
        check.verdict == Verdict::Hold
            && check.scope != Scope::Call
            && !check.reasons.contains(&Reason::NoFreeSlot)
    });
    if held {
        return None;
    }
    let rate = scene.account.as_ref().map_or(0.0, |account| account.rate);
    expected(
        scene.now,
        &scene.tenant,
        rate,
        ahead.unwrap_or(0),
        from.max(answer.earliest.unwrap_or(from)),
    )
}

fn shown(check: &CheckResult, snapshot: &Snapshot) -> ShownCheck {
    let reasons = check
        .reasons
        .iter()
        .map(|reason| ShownReason {
            code: *reason,
            text: reason.explain(snapshot),
            lifted_by: reason.lifter(),
        })
        .collect();
    ShownCheck { check: check.check, scope: check.scope, verdict: check.verdict, reasons }
}

/// A snapshot of a call in a scene. A tenant without an account has no agent either: agents live in accounts.
pub(super) fn snapshot(scene: &Scene, call: CallFacts) -> Snapshot {
    let mut tenant = scene.tenant.clone();
    let account = match &scene.account {
        Some(account) => account.facts.clone(),
        None => {
            tenant.has_agent = false;
            AccountFacts {
                held: false,
                breaker_open: false,
                free_slots: 1,
                next_start_at: scene.now,
            }
        }
    };
    Snapshot { now: scene.now, tenant, account, call }
}

fn near(scene: &Scene) -> DateTime<Utc> {
    let clock = WallClock::new(scene.tenant.zone, scene.tenant.policy.calling_hours)
        .except(&scene.tenant.closed_dates);
    two_calling_days(scene.now, scene.tenant.zone, &Calendar::plain([clock]))
}
