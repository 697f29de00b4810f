//! What must not have happened. One finding for each breach, with ids to look at; never a number or a name.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use chrono::{DateTime, Timelike};
use uuid::Uuid;

use super::evidence::{Call, Dialled, Evidence, Limits};

/// What was breached. The names are those of the report, with `_breaches` where that reads better there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Breach {
    /// One attempt reached the provider twice.
    DoubleDial,
    /// A number was dialled while an earlier dial of it was not over.
    Overlap,
    /// A planned call is gone, or over without an outcome or a reason.
    Lost,
    /// A call that nothing will ever look at again.
    Stranded,
    /// More starts in some 15 minutes than the tenant's window has.
    Window,
    /// More dials on a local day than the tenant's limit.
    Day,
    /// A dial outside 08:00 to 20:00.
    Hours,
    /// Less than 8 hours between two counted dials of a number or a contact.
    Gap,
    /// A listed number.
    DoNotCall,
    /// More than two counted dials for one purpose.
    Attempts,
    /// The provider placed a call that the database doesn't have, or takes for not placed.
    Disowned,
}

/// A breach, in words.
#[derive(Debug, Clone)]
pub(crate) struct Finding {
    pub(crate) breach: Breach,
    words: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.breach, self.words)
    }
}

const MINUTE: i64 = 60_000;
const WINDOW: i64 = 15 * MINUTE;
const GAP: i64 = 8 * 60 * MINUTE;
/// The safety net looks at least this often, and then somebody must have looked.
const NET: i64 = 16 * MINUTE;
/// After the two hours for which an unknown attempt is held at most, and a sweep: by then a dial is settled, one way or another.
const SETTLED_BY: i64 = 3 * 60 * MINUTE;

/// Everything that is wrong.
pub(crate) fn judge(evidence: &Evidence) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut add = |breach, words: String| findings.push(Finding { breach, words });
    dialled_once(evidence, &mut add);
    nothing_forgotten(evidence, &mut add);
    let placed: Vec<&Dialled> = evidence.dials.iter().filter(|it| it.dial.accepted).collect();
    for dial in &placed {
        hours_and_list(evidence, dial, &mut add);
    }
    for (tenant, limits) in &evidence.tenants {
        let mut own: Vec<&Dialled> =
            placed.iter().copied().filter(|it| it.dial.tenant == *tenant).collect();
        own.sort_by_key(|it| it.started);
        window_and_day(limits, &own, &mut add);
    }
    gap_and_attempts(evidence, &placed, &mut add);
    findings
}

type Add<'a> = dyn FnMut(Breach, String) + 'a;

fn dialled_once(evidence: &Evidence, add: &mut Add<'_>) {
    let mut requests: BTreeMap<Uuid, usize> = BTreeMap::new();
    for it in &evidence.dials {
        *requests.entry(it.dial.attempt).or_default() += 1;
    }
    for (attempt, count) in requests.into_iter().filter(|(_, count)| *count > 1) {
        add(Breach::DoubleDial, format!("attempt {attempt} reached the provider {count} times"));
    }
    let mut by_number: BTreeMap<(Uuid, &str), Vec<&Dialled>> = BTreeMap::new();
    for it in evidence.dials.iter().filter(|it| it.dial.accepted) {
        by_number.entry((it.dial.tenant, &it.dial.number)).or_default().push(it);
    }
    for dials in by_number.values() {
        for pair in dials.windows(2) {
            let (older, newer) = (&pair[0].dial, &pair[1].dial);
            if older.ended.is_none_or(|ended| newer.received < ended) {
                let (one, other) = (older.attempt, newer.attempt);
                add(Breach::Overlap, format!("attempt {other} began while {one} was not over"));
            }
        }
    }
    for it in evidence.dials.iter().filter(|it| it.dial.counted) {
        let (attempt, call) = (it.dial.attempt, it.dial.call);
        match evidence.attempts.get(&attempt) {
            None => add(
                Breach::Disowned,
                format!("attempt {attempt} of call {call} is unknown to the database"),
            ),
            // Dialled at the very end of a run that did not come to rest.
            Some(known) if under_way(&known.state) && it.at + SETTLED_BY > evidence.now => {}
            Some(known) if known.state != "settled" => {
                let state = &known.state;
                add(
                    Breach::Disowned,
                    format!("attempt {attempt} of call {call} rang and is {state}"),
                );
            }
            Some(_) => {}
        }
    }
}

fn nothing_forgotten(evidence: &Evidence, add: &mut Add<'_>) {
    for id in &evidence.planned {
        if !evidence.calls.contains_key(id) {
            add(Breach::Lost, format!("call {id} was planned and is gone"));
        }
    }
    let called: BTreeSet<Uuid> = evidence.calls.values().map(|call| call.contact_id).collect();
    for contact in &evidence.newcomers {
        if !called.contains(contact) && !evidence.flagged.contains(contact) {
            add(Breach::Lost, format!("contact {contact} was made over HTTP; no call and no flag"));
        }
    }
    for call in evidence.calls.values() {
        if matches!(call.state.as_str(), "settled" | "refused" | "withdrawn") {
            if !call.explained {
                add(
                    Breach::Lost,
                    format!("call {} is {} and nobody knows why", call.id, call.state),
                );
            }
        } else if let Some(why) = stranded(call, evidence) {
            add(Breach::Stranded, format!("call {} ({}) {why}", call.id, call.state));
        }
    }
}

/// States of an attempt that the provider still has something to say about.
fn under_way(state: &str) -> bool {
    matches!(state, "dialling" | "placed" | "ended" | "unknown")
}

/// Why a call that is not over never will be.
fn stranded(call: &Call, evidence: &Evidence) -> Option<&'static str> {
    let now = evidence.now;
    if call.state != "planned" {
        let dials = evidence.dials.iter().filter(|it| it.dial.call == call.id);
        let last = dials.map(|it| it.at).max().unwrap_or(0);
        // Everything is mended; by the rules' clock hours have passed.
        return (last + SETTLED_BY < now)
            .then_some("is still under way though the provider has nothing to add");
    }
    if call.deadline + NET < now {
        return Some("is past its deadline and nobody was told");
    }
    let wanted = if call.is_due { now } else { call.eligible };
    let looked_at = call.next_look <= wanted.max(now) + NET || call.tenant_stopped;
    (!looked_at).then_some("is planned and nothing will look at it")
}

fn hours_and_list(evidence: &Evidence, it: &Dialled, add: &mut Add<'_>) {
    let (attempt, tenant) = (it.dial.attempt, it.dial.tenant);
    if let Some(limits) = evidence.tenants.get(&tenant)
        && !it.straddles
        && let Some(at) = DateTime::from_timestamp_millis(it.at)
    {
        let local = at.with_timezone(&limits.zone);
        if !(8..20).contains(&local.hour()) {
            let name = &limits.name;
            add(
                Breach::Hours,
                format!("attempt {attempt} of tenant {name} at {}", local.format("%H:%M:%S")),
            );
        }
    }
    let claimed = evidence.attempts.get(&attempt).and_then(|it| it.intent);
    if let Some(listed) = evidence.listed.get(&(tenant, it.dial.number.clone()))
        && claimed.is_none_or(|claimed| claimed > *listed)
        && it.at > listed + MINUTE
    {
        add(Breach::DoNotCall, format!("attempt {attempt}, {} s after", (it.at - listed) / 1_000));
    }
}

fn window_and_day(limits: &Limits, own: &[&Dialled], add: &mut Add<'_>) {
    let timed: Vec<&Dialled> = own.iter().copied().filter(|it| !it.straddles).collect();
    for (first, it) in timed.iter().enumerate() {
        let within = timed[first..].iter().take_while(|that| that.started - it.started < WINDOW);
        let count = within.count();
        if count > limits.window {
            let (name, attempt) = (&limits.name, it.dial.attempt);
            add(
                Breach::Window,
                format!("tenant {name}: {count} starts in 15 minutes from attempt {attempt} on"),
            );
            break;
        }
    }
    let mut days: BTreeMap<_, usize> = BTreeMap::new();
    for it in timed {
        if let Some(at) = DateTime::from_timestamp_millis(it.at) {
            *days.entry(at.with_timezone(&limits.zone).date_naive()).or_default() += 1;
        }
    }
    for (day, count) in days.into_iter().filter(|(_, count)| *count > limits.day) {
        add(Breach::Day, format!("tenant {}: {count} dials on {day}", limits.name));
    }
}

fn gap_and_attempts(evidence: &Evidence, placed: &[&Dialled], add: &mut Add<'_>) {
    let mut near: BTreeMap<(Uuid, String), Vec<&Dialled>> = BTreeMap::new();
    let mut purposes: BTreeMap<(Uuid, &str), usize> = BTreeMap::new();
    for it in placed.iter().copied().filter(|it| it.dial.counted) {
        near.entry((it.dial.tenant, it.dial.number.clone())).or_default().push(it);
        if let Some(call) = evidence.calls.get(&it.dial.call) {
            near.entry((it.dial.tenant, call.contact_id.to_string())).or_default().push(it);
            *purposes.entry((call.tenant_id, &call.purpose_key)).or_default() += 1;
        }
    }
    let mut told = Vec::new();
    for dials in near.values() {
        for pair in dials.windows(2) {
            let (older, newer) = (pair[0], pair[1]);
            let attempt = newer.dial.attempt;
            if newer.at - older.at < GAP
                && !older.straddles
                && !newer.straddles
                && !told.contains(&attempt)
            {
                let minutes = (newer.at - older.at) / MINUTE;
                add(
                    Breach::Gap,
                    format!("attempt {attempt}, {minutes} minutes after {}", older.dial.attempt),
                );
                told.push(attempt);
            }
        }
    }
    for ((_, purpose), count) in purposes.into_iter().filter(|(_, count)| *count > 2) {
        add(Breach::Attempts, format!("{count} counted dials for {purpose}"));
    }
}

#[cfg(test)]
#[path = "verdict_tests.rs"]
mod tests;
