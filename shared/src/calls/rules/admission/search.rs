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

/// Decides over those of the checks `of_now` that count, and if they only ask for patience, over later instants too.
///
/// `end` is the instant after which the call is refused.
pub(super) fn decide(
    now: DateTime<Utc>,
    of_now: &[CheckResult],
    checks_at: impl Fn(DateTime<Utc>) -> Vec<CheckResult>,
    counts: impl Fn(&CheckResult) -> bool,
    end: Option<DateTime<Utc>>,
) -> Decision {
    let checks: Vec<_> = of_now.iter().filter(|result| counts(result)).collect();
    let because = |weight: fn(&Verdict) -> bool| -> Vec<Reason> {
        let heavy = checks.iter().filter(|result| weight(&result.verdict));
        heavy.flat_map(|result| result.reasons.iter().copied()).collect()
    };
    match checks.iter().map(|result| result.verdict).max() {
        None | Some(Verdict::Pass) => Decision::Dial,
        Some(Verdict::Hold) => Decision::Hold { reasons: because(|v| *v == Verdict::Hold) },
        Some(Verdict::Refuse) => {
            let mut reasons = because(|v| *v == Verdict::Refuse);
            if reasons.iter().all(|reason| reason.is_out_of_time()) {
                reasons.extend(because(|v| matches!(v, Verdict::Hold | Verdict::Defer { .. })));
            }
            Decision::Refuse { reasons }
        }
        Some(Verdict::Defer { .. }) => {
            let waiting = because(|v| matches!(v, Verdict::Defer { .. }));
            let certain = |result: &CheckResult| counts(result) && !may_come_sooner(result.check);
            match (first_passing(now, &checks_at, &counts), end) {
                (Ok(until), _) => Decision::Defer { until, reasons: waiting },
                (Err(Nowhen::TooLate), Some(end))
                    if first_passing(now, &checks_at, certain).is_ok() =>
                {
                    Decision::Defer { until: end, reasons: waiting }
                }
                (Err(why), _) => {
                    let first = match why {
                        Nowhen::Never => Reason::NeverOpen,
                        Nowhen::TooLate => Reason::NoTimeBeforeDeadline,
                    };
                    Decision::Refuse { reasons: [vec![first], waiting].concat() }
                }
            }
        }
    }
}

/// The first instant from `now` on at which all checks that count pass, holds left aside.
///
/// Every step goes to an instant that some check names as its earliest, so no passing instant is jumped over, and
/// every step goes forward, to a boundary of some calendar; the horizon holds a few hundred of those.
pub(super) fn first_passing(
    now: DateTime<Utc>,
    checks_at: impl Fn(DateTime<Utc>) -> Vec<CheckResult>,
    counts: impl Fn(&CheckResult) -> bool,
) -> Result<DateTime<Utc>, Nowhen> {
    let horizon = shift(now, HORIZON);
    let mut t = now;
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
