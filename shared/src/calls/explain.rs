//! Why a call has not gone out, and when it will: the admission rule's own answer, on one snapshot.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::call_now;
use super::forecast::{Forecast, expected};
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
#[derive(Debug, Clone, Serialize, schemars::JsonSchema)]
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
#[derive(Debug, Clone, Serialize, schemars::JsonSchema)]
pub struct ShownReason {
    /// Stable; clients match on it.
    pub code: Reason,
    /// For people.
    pub text: String,
    /// Who can lift it.
    pub lifted_by: Lifter,
}

/// Why a call has not gone out, and when it will.
#[derive(Debug, Clone, Serialize, schemars::JsonSchema)]
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
    /// When it will be dialled, with what is before it; a forecast. `null`: not before its deadline, as things are.
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
    let planned = row.state == "planned";
    let ahead = if planned { store::ahead(tx, call, scene.now, near(&scene)).await? } else { 0 };
    let explanation = explain(&scene, &row, ahead)?;
    Ok(Some(Explanation { place: planned.then(|| ahead.saturating_add(1)), ..explanation }))
}

/// Whether a contact may be called now, whoever presses and for as long as it takes. `None`: the tenant has no such
/// contact.
///
/// # Errors
/// Any [`Error`].
pub async fn contact(tx: &mut TenantTx, contact: ContactId) -> Result<Option<Explanation>, Error> {
    let Some(scene) = store::scene(tx).await? else { return Ok(None) };
    let Some(prospect) = call_now::prospect(tx, &scene, contact).await? else {
        return Ok(None);
    };
    prospect.explain(&scene).map(Some)
}

/// The explanation of a call as it stands in a scene, with `ahead` calls before it.
pub(super) fn explain(scene: &Scene, row: &CallRow, ahead: u32) -> Result<Explanation, Error> {
    let snapshot = snapshot(
        scene,
        row.facts(scene.account.as_ref().is_some_and(|account| account.simulator))?,
    );
    let answer = admit(&snapshot);
    Ok(Explanation {
        now: scene.now,
        checks: answer.checks.iter().map(|check| shown(check, &snapshot)).collect(),
        earliest: answer.earliest,
        expected: forecast(scene, &snapshot, &answer, ahead),
        place: None,
        decision: answer.decision,
    })
}

fn forecast(
    scene: &Scene,
    snapshot: &Snapshot,
    answer: &Answer,
    ahead: u32,
) -> Option<DateTime<Utc>> {
    if !matches!(answer.call, Decision::Dial | Decision::Defer { .. }) {
        return None;
    }
    // A pause, a hold, a breaker: nobody knows when it ends. A slot comes back by itself, within moments.
    let held = answer.checks.iter().any(|check| {
        check.verdict == Verdict::Hold && check.reasons.iter().any(|r| *r != Reason::NoFreeSlot)
    });
    if held {
        return None;
    }
    let at = expected(&Forecast {
        now: scene.now,
        tenant: &snapshot.tenant,
        starts_per_second: scene.account.as_ref()?.rate,
        next_start_at: snapshot.account.next_start_at,
        ahead,
        // Without an instant by the rules alone there is none with others before it either.
        from: answer.earliest?,
        contact_zone: snapshot.call.zone,
    })?;
    (at < snapshot.call.deadline).then_some(at)
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
