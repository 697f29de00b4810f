//! From single verdicts to one decision.

use chrono::{DateTime, Utc};

use crate::calls::rules::hours::{HORIZON, shift};
use crate::calls::rules::reason::Reason;
use crate::calls::rules::verdict::{Check, CheckResult, Decision, Verdict};

/// Why no instant passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Nowhen {
    /// None within the horizon.
    Never,
    /// What else passes comes after an end.
    TooLate,
}

/// The instants that a decision is about.
#[derive(Debug, Clone, Copy)]
pub(super) struct Instants {
    /// The instant of the decision.
    pub(super) now: DateTime<Utc>,
    /// Before this instant the call isn't wanted anyway, so looking for an opening starts here.
    pub(super) wanted: DateTime<Utc>,
    /// From this instant on the call is refused, if there is one.
    pub(super) end: Option<DateTime<Utc>>,
}

/// Decides over those of the checks `of_now` that count, and if they only ask for patience, over later instants too.
pub(super) fn decide(
    instants: Instants,
    of_now: &[CheckResult],
    checks_at: impl Fn(DateTime<Utc>) -> Vec<CheckResult>,
    counts: impl Fn(&CheckResult) -> bool,
) -> Decision {
    let checks: Vec<_> = of_now.iter().filter(|result| counts(result)).collect();
    let because = |weight: fn(&Verdict) -> bool| -> Vec<Reason> {
        let heavy = checks.iter().filter(|result| weight(&result.verdict));
        heavy.flat_map(|result| result.reasons.iter().copied()).collect()
    };
    let refusals = because(|v| *v == Verdict::Refuse);
    let holds = because(|v| *v == Verdict::Hold);
    let waits = because(|v| matches!(v, Verdict::Defer { .. }));
    let wanted_later = instants.wanted > instants.now;
    // Five closed weeks don't matter to a call that is wanted in two months.
    let may_open = wanted_later && refusals.iter().all(|reason| *reason == Reason::NeverOpen);
    if !refusals.is_empty() && !may_open {
        let only_late = refusals.iter().all(|reason| reason.is_out_of_time());
        let behind = if only_late { [holds, waits].concat() } else { Vec::new() };
        return Decision::Refuse { reasons: [refusals, behind].concat() };
    }
    if !holds.is_empty() {
        return Decision::Hold { reasons: holds };
    }
    if waits.is_empty() && refusals.is_empty() {
        return Decision::Dial;
    }
    let certain = |result: &CheckResult| counts(result) && !may_come_sooner(result.check);
    match (first_passing(instants, &checks_at, &counts), instants.end) {
        (Ok(until), _) => Decision::Defer { until, reasons: [waits, refusals].concat() },
        (Err(Nowhen::TooLate), Some(end))
            if first_passing(instants, &checks_at, certain).is_ok() =>
        {
            Decision::Defer { until: end, reasons: waits }
        }
        (Err(why), _) => {
            let first = match why {
                Nowhen::Never => Reason::NeverOpen,
                Nowhen::TooLate => Reason::NoTimeBeforeDeadline,
            };
            Decision::Refuse { reasons: [vec![first], waits].concat() }
        }
    }
}

/// The first instant from now on (or from when the call is wanted) at which all checks that count pass, holds left aside.
///
/// Every step goes to an instant that some check names as its earliest, so no passing instant is jumped over, and
/// every step goes forward, to a boundary of some calendar; the horizon holds a few hundred of those.
pub(super) fn first_passing(
    instants: Instants,
    checks_at: impl Fn(DateTime<Utc>) -> Vec<CheckResult>,
    counts: impl Fn(&CheckResult) -> bool,
) -> Result<DateTime<Utc>, Nowhen> {
    let mut t = instants.now.max(instants.wanted);
    let horizon = shift(t, HORIZON);
    loop {
        let mut next = t;
        let mut refusals = Vec::new();
        for result in checks_at(t).iter().filter(|result| counts(result)) {
            match result.verdict {
                Verdict::Pass | Verdict::Hold => {}
                Verdict::Defer { until } => next = next.max(until),
                Verdict::Refuse => refusals.extend(result.reasons.iter().copied()),
            }
        }
        if refusals.contains(&Reason::NeverOpen) {
            return Err(Nowhen::Never);
        }
        if !refusals.is_empty() {
            return Err(Nowhen::TooLate);
        }
        if next > horizon {
            return Err(Nowhen::Never);
        }
        if next == t {
            return Ok(t);
        }
        t = next;
    }
}

/// Facts that give the latest instant of something that may happen before: a reservation that expires gives its token,
/// its dial of the day and its slot back at once.
fn may_come_sooner(check: Check) -> bool {
    matches!(check, Check::Window | Check::DailyLimit | Check::Provider)
}
