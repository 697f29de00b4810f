//! One look at one tenant: which of its calls are reserved, which wait for what, and when to look again.

use std::collections::BTreeSet;

use chrono::{DateTime, Duration, Utc};
use shared::audit::{Actor, Changes};
use shared::calls::rules::admission::{admit, admit_tenant};
use shared::calls::rules::hours::{Calendar, WallClock};
use shared::calls::rules::order::{self, Candidate, Day, Priority, Queue};
use shared::calls::rules::snapshot::{AccountFacts, CallKind, Snapshot, TenantFacts};
use shared::calls::rules::verdict::{Answer, Check, CheckResult, Decision, TenantAnswer, Verdict};
use shared::calls::store::CallRow;
use shared::calls::store::day_start;
use shared::calls::store::dispatch::{self as store, Decided, Look, LookAccount};
use shared::db::{Error, TenantTx};
use shared::ids::{AttemptId, CallId, ContactId, TenantId};
use shared::telemetry::metrics;

use crate::app::App;

/// Calls of one class that a look reads. More than the window has tokens, since some will have to wait.
const CANDIDATES: i32 = 40;
/// Never longer without a look while anything is planned for today.
const SAFETY_NET: Duration = Duration::minutes(15);
/// A call that is held is looked at again when something about it changes, and this often in case nobody noticed.
const HELD_AGAIN: Duration = Duration::minutes(15);
/// Starts may come in bursts of so much of a second's allowance.
const BURST: Duration = Duration::milliseconds(250);

/// What a look is for.
#[derive(Debug, Clone, Copy)]
pub enum Purpose {
    /// The ordinary look, reserving at most `room` calls.
    Ordinary {
        /// What the queue has room for.
        room: usize,
    },
    /// The breaker's probe: this call only, though the breaker is open.
    Probe {
        /// The call.
        call: CallId,
    },
}

/// Looks at a tenant under its lock. Returns the reservations, which are committed.
///
/// # Errors
/// Any [`Error`]; nothing was changed then.
pub async fn look(app: &App, tenant: TenantId, purpose: Purpose) -> Result<Vec<AttemptId>, Error> {
    let mut tx = app.db.tenant(tenant).await?;
    let Some(look) = store::open(&mut tx).await? else { return Ok(Vec::new()) };
    let mut changes = Changes::by(Actor::Worker);
    overtake(&mut tx, &look, &mut changes).await?;

    let decided = match &look.account {
        Some(account) => decide(&mut tx, &look, account, purpose, &mut changes).await?,
        None => Decided { next_look: Some(look.now + SAFETY_NET), net: true, ..Decided::default() },
    };
    let account = look.account.as_ref().map(|account| account.id);
    store::write(&mut tx, look.now, account, &decided).await?;
    if !changes.is_empty() {
        changes.append(&mut tx).await?;
    }
    tx.commit().await?;

    if look.by_net && !decided.reserved.is_empty() {
        metrics::caught_by_net();
        tracing::warn!(tenant.id = %tenant, "calls were due that only the safety net found");
    }
    Ok(decided.reserved.into_iter().map(|(_, attempt)| attempt).collect())
}

/// Calls that time has caught up with: overdue ones are refused, those at their last chance flagged, calls now that
/// were not dialled in their 10 minutes given back.
async fn overtake(tx: &mut TenantTx, look: &Look, changes: &mut Changes) -> Result<(), Error> {
    let reached = |at: Option<DateTime<Utc>>| at.is_some_and(|at| at <= look.now);
    if reached(look.first_deadline) {
        for call in store::refuse_overdue(tx, look.now).await? {
            changes.event("call.refused", call.id.0, Some(call.contact_id)).entry(
                "call.refuse",
                call.id.0,
                None,
            );
            changes.event("contact.flagged", call.contact_id.0, Some(call.contact_id));
        }
    }
    if reached(look.first_warning) {
        for call in store::flag_last_chances(tx, look.now).await? {
            changes.event("contact.flagged", call.contact_id.0, Some(call.contact_id));
        }
    }
    if reached(look.first_front_end) {
        for call in store::give_back_fronts(tx, look.now).await? {
            changes.event("call.given_back", call.id.0, Some(call.contact_id)).entry(
                "call.give_back",
                call.id.0,
                None,
            );
        }
    }
    Ok(())
}

async fn decide(
    tx: &mut TenantTx,
    look: &Look,
    account: &LookAccount,
    purpose: Purpose,
    changes: &mut Changes,
) -> Result<Decided, Error> {
    let mut facts = Facts::of(look, account);
    let mut decided = Decided::default();
    let room = match purpose {
        Purpose::Ordinary { room } => room,
        Purpose::Probe { .. } => 1,
    };
    let opening = admit_tenant(&facts.tenant, &facts.account, look.now);
    let mut left_over = false;
    let mut first_eligible = look.first_eligible;
    let may_try = matches!(opening.decision, Decision::Dial)
        || (matches!(purpose, Purpose::Probe { .. }) && only_provider(&opening.checks));
    if may_try {
        let near = near(look);
        let day_start = day_start(look.now, look.tenant.zone);
        let rows = match purpose {
            Purpose::Ordinary { .. } => {
                store::candidates(tx, look.now, near, CANDIDATES, day_start).await?
            }
            // The call that can best bear it is the last in the order: far behind those that a look reads.
            Purpose::Probe { call } => store::candidate(tx, look.now, call, day_start).await?,
        };
        // Reading them made due what has come due: the first that has not is another one now.
        if matches!(purpose, Purpose::Ordinary { .. })
            && first_eligible.is_some_and(|at| at <= look.now)
        {
            first_eligible = store::first_eligible(tx).await?;
        }
        let full = rows.len() >= usize::try_from(CANDIDATES).unwrap_or(usize::MAX);
        let mut queue = queue_of(&rows, near, look)?;
        while let Some(next) = queue.next() {
            let Some(row) = rows.iter().find(|row| row.id == next.id) else { continue };
            let answer = admit(&facts.snapshot(row, account.simulator)?);
            let probing =
                matches!(purpose, Purpose::Probe { .. }) && answer.passes_all_but(Check::Provider);
            if (answer.decision == Decision::Dial && decided.reserved.len() < room) || probing {
                decided.reserved.push((row.id, AttemptId::new()));
                queue.dialled(&next);
                facts.take(row, account);
            } else if answer.call == Decision::Dial || answer.decision == Decision::Dial {
                // The call could go; the tenant, its account or the queue can't take more now.
                left_over = true;
                break;
            } else {
                put_off(tx, look.now, row, &answer, &mut decided, changes).await?;
            }
        }
        // The day's last dial ends the queue, not what is due.
        left_over |= !queue.is_empty();
        // A probe reads one call: whatever else is due goes on waiting for the account.
        left_over |= full || matches!(purpose, Purpose::Probe { .. });
    }
    decided.next_start_at = Some(match purpose {
        Purpose::Ordinary { .. } => facts.account.next_start_at,
        // Probes are outside of the rate, which is none while the breaker is open.
        Purpose::Probe { .. } => account.facts.next_start_at,
    });
    next_look(look, (&facts, first_eligible), left_over, may_try, &mut decided);
    Ok(decided)
}

/// What waits, until when, and why; or never.
async fn put_off(
    tx: &mut TenantTx,
    now: DateTime<Utc>,
    row: &CallRow,
    answer: &Answer,
    decided: &mut Decided,
    changes: &mut Changes,
) -> Result<(), Error> {
    let codes: Vec<&str> = answer.call.reasons().iter().map(|reason| reason.code()).collect();
    let why = codes.join(",");
    if let Some(first) = answer.call.reasons().first() {
        metrics::deferred(first.code());
    }
    match &answer.call {
        Decision::Defer { until, .. } => decided.moved.push((row.id, *until, why)),
        Decision::Refuse { .. } => {
            store::refuse(tx, now, row.id, codes.first().copied().unwrap_or("refused")).await?;
            changes.event("call.refused", row.id.0, Some(row.contact_id)).entry(
                "call.refuse",
                row.id.0,
                None,
            );
            changes.event("contact.flagged", row.contact_id.0, Some(row.contact_id));
        }
        Decision::Hold { .. } | Decision::Dial => {
            decided.moved.push((row.id, now + HELD_AGAIN, why))
        }
    }
    Ok(())
}

fn next_look(
    look: &Look,
    (facts, first_eligible): (&Facts, Option<DateTime<Utc>>),
    left_over: bool,
    tried: bool,
    decided: &mut Decided,
) {
    let now = look.now;
    let mut times: Vec<DateTime<Utc>> =
        [look.first_warning, look.first_deadline, look.first_front_end]
            .into_iter()
            .flatten()
            .filter(|at| *at > now)
            .collect();
    let closing = admit_tenant(&facts.tenant, &facts.account, now);
    let first_eligible = first_eligible.filter(|at| *at > now);
    // Something is due, or was before this look changed its mind about it.
    let any_due = left_over || !tried && look.first_deadline.is_some();
    match &closing.decision {
        Decision::Dial if left_over => times.push(now),
        Decision::Dial => {
            times.extend(first_eligible);
            times.extend(decided.moved.iter().map(|(_, at, _)| *at));
        }
        _ if any_due && waits_for_provider(&closing) => {
            decided.waits = Some(look.first_deadline.unwrap_or(now));
        }
        // Nothing waits for the account yet. What comes due later finds out then whether it must.
        _ if waits_for_provider(&closing) => {
            times.extend(first_eligible);
            times.extend(decided.moved.iter().map(|(_, at, _)| *at));
        }
        Decision::Defer { until, .. } => {
            // Nothing of the tenant's can go before `until`; what isn't due by then sets its own time.
            let first = decided.moved.iter().map(|(_, at, _)| *at).chain(first_eligible).min();
            times.push(if any_due {
                *until
            } else {
                first.map_or(*until, |first| first.max(*until))
            });
        }
        Decision::Hold { .. } | Decision::Refuse { .. } => {}
    }
    let first = times.into_iter().min();
    let today = day_start(now, look.tenant.zone) + Duration::days(1);
    let planned_today = any_due
        || look.first_eligible.is_some_and(|at| at < today)
        || decided.moved.iter().any(|(_, at, _)| *at < today);
    let net = now + SAFETY_NET;
    decided.net = planned_today && first.is_none_or(|first| first > net);
    decided.next_look = if decided.net { Some(net) } else { first };
}

/// Whether what happens to the account decides when the tenant is looked at next: nothing but the account is in the way,
/// or it is held for nobody knows how long and all else passes by itself. (Released at night, the tenant is looked at
/// once, and then finds out when it opens.)
fn waits_for_provider(closing: &TenantAnswer) -> bool {
    let passes_by_itself = |result: &CheckResult| {
        result.check == Check::Provider
            || matches!(result.verdict, Verdict::Pass | Verdict::Defer { .. })
    };
    only_provider(&closing.checks)
        || matches!(closing.decision, Decision::Hold { .. })
            && closing.checks.iter().all(passes_by_itself)
}

fn only_provider(checks: &[CheckResult]) -> bool {
    checks.iter().all(|result| result.verdict == Verdict::Pass || result.check == Check::Provider)
}

/// The end of the next two calling days: before it the earliest deadline goes first.
fn near(look: &Look) -> DateTime<Utc> {
    let clock = WallClock::new(look.tenant.zone, look.tenant.policy.calling_hours)
        .except(&look.tenant.closed_dates);
    order::two_calling_days(look.now, look.tenant.zone, &Calendar::plain([clock]))
}

fn queue_of(rows: &[CallRow], near: DateTime<Utc>, look: &Look) -> Result<Queue, Error> {
    let candidates = rows
        .iter()
        .map(|row| {
            Ok(Candidate {
                id: row.id,
                kind: if row.front { CallKind::CallNow } else { row.kind()? },
                priority: match row.priority {
                    2.. => Priority::Urgent,
                    1 => Priority::High,
                    _ => Priority::Normal,
                },
                due: row.due(),
                deadline: row.deadline(),
                campaign: row.campaign_id.map(|campaign| (campaign, 0)),
            })
        })
        .collect::<Result<Vec<_>, Error>>()?;
    let policy = &look.tenant.policy;
    let day = Day {
        daily_limit: policy.daily_limit,
        dials: look.tenant.dials_today,
        campaign_dials: 0,
        others_due: 0,
        campaign_share_percent: policy.campaign_share_percent,
    };
    Ok(Queue::new(candidates, near, day))
}

/// The facts as they are after what this look has reserved.
struct Facts {
    now: DateTime<Utc>,
    tenant: TenantFacts,
    account: AccountFacts,
    numbers: BTreeSet<Vec<u8>>,
    contacts: BTreeSet<ContactId>,
}

impl Facts {
    fn of(look: &Look, account: &LookAccount) -> Self {
        Self {
            now: look.now,
            tenant: look.tenant.clone(),
            account: account.facts.clone(),
            numbers: BTreeSet::new(),
            contacts: BTreeSet::new(),
        }
    }

    fn snapshot(&self, row: &CallRow, simulator: bool) -> Result<Snapshot, Error> {
        let mut call = row.facts(simulator)?;
        if self.numbers.contains(row.number()) || self.contacts.contains(&row.contact_id) {
            call.under_way = true;
            call.last_counted_dial = Some(self.now);
        }
        Ok(Snapshot {
            now: self.now,
            tenant: self.tenant.clone(),
            account: self.account.clone(),
            call,
        })
    }

    /// A reservation takes token, day, slot, start and number.
    fn take(&mut self, row: &CallRow, account: &LookAccount) {
        self.numbers.insert(row.number().to_vec());
        self.contacts.insert(row.contact_id);
        self.tenant.tokens_back_at.push(self.now + Duration::seconds(901));
        self.tenant.dials_today = self.tenant.dials_today.saturating_add(1);
        self.account.free_slots = self.account.free_slots.saturating_sub(1);
        self.account.next_start_at = next_start(self.account.next_start_at, self.now, account.rate);
    }
}

/// The instant at which the next start is allowed after one at `now`, for `rate` starts per second.
///
/// The generic cell rate algorithm (ITU-T I.371): starts are `1 / rate` apart on average, and may run ahead of that by
/// [`BURST`], but never by so much that a rate of a few per second becomes a burst of them.
fn next_start(next: DateTime<Utc>, now: DateTime<Utc>, rate: f64) -> DateTime<Utc> {
    let apart = Duration::microseconds((1e6 / rate.max(0.001)) as i64);
    let ahead = (BURST - apart).max(Duration::zero());
    // `next` is the theoretical arrival time less the tolerance.
    (next + ahead).max(now) + apart - ahead
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts_keep_the_rate_and_burst_a_little() {
        let t0 = DateTime::UNIX_EPOCH + Duration::days(20_000);
        for (rate, seconds, want, why) in [
            (1.0, 10, 10..=11, "one a second, no burst"),
            (5.0, 10, 50..=52, "few a second: bursts stay below a second call"),
            (400.0, 2, 800..=901, "many a second: a quarter second's worth at once"),
        ] {
            let (mut next, mut starts) = (DateTime::UNIX_EPOCH, 0);
            for ms in 0..seconds * 1000 {
                let now = t0 + Duration::milliseconds(ms);
                while next <= now {
                    starts += 1;
                    next = next_start(next, now, rate);
                }
            }
            assert!(want.contains(&starts), "{rate} a second for {seconds} s gave {starts}: {why}");
        }
    }
}
