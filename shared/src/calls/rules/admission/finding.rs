//! What one check finds.

use chrono::{DateTime, Utc};

use crate::calls::rules::reason::Reason;
use crate::calls::rules::verdict::{Check, CheckResult, Scope, Verdict};

/// A verdict with its reasons; starts as *pass* and only ever gets heavier.
pub(super) struct Finding {
    t: DateTime<Utc>,
    verdict: Verdict,
    reasons: Vec<Reason>,
}

impl Finding {
    /// Nothing found against `t` yet.
    pub(super) fn about(t: DateTime<Utc>) -> Self {
        Self { t, verdict: Verdict::Pass, reasons: Vec::new() }
    }

    /// Holds for this reason if `wrong`.
    pub(super) fn hold_if(mut self, wrong: bool, reason: Reason) -> Self {
        if wrong {
            self.weigh(Verdict::Hold, reason);
        }
        self
    }

    /// Refuses for this reason if `wrong`.
    pub(super) fn refuse_if(mut self, wrong: bool, reason: Reason) -> Self {
        if wrong {
            self.weigh(Verdict::Refuse, reason);
        }
        self
    }

    /// Defers until `until` if that is still ahead; `None` means that the time never comes.
    pub(super) fn not_before(mut self, until: Option<DateTime<Utc>>, reason: Reason) -> Self {
        match until {
            Some(until) if until <= self.t => {}
            Some(until) => self.weigh(Verdict::Defer { until }, reason),
            None => self.weigh(Verdict::Refuse, Reason::NeverOpen),
        }
        self
    }

    /// Moves a wait on to the next instant that `next` allows; for waits of which one may end while another lasts.
    pub(super) fn ending_in(
        mut self,
        next: impl Fn(DateTime<Utc>) -> Option<DateTime<Utc>>,
    ) -> Self {
        if let Verdict::Defer { until } = self.verdict {
            match next(until) {
                Some(until) => self.verdict = Verdict::Defer { until },
                None => self.weigh(Verdict::Refuse, Reason::NeverOpen),
            }
        }
        self
    }

    /// The result to show.
    pub(super) fn of(self, check: Check, scope: Scope) -> CheckResult {
        CheckResult { check, scope, verdict: self.verdict, reasons: self.reasons }
    }

    fn weigh(&mut self, verdict: Verdict, reason: Reason) {
        self.verdict = self.verdict.max(verdict);
        self.reasons.push(reason);
    }
}

/// The instant from which fewer than `limit` of these are out; `None` if the limit is nothing.
pub(super) fn room_from(
    back_at: impl Iterator<Item = DateTime<Utc>>,
    limit: u32,
) -> Option<DateTime<Utc>> {
    let spare = usize::try_from(limit).unwrap_or(usize::MAX).checked_sub(1)?;
    let mut back_at: Vec<_> = back_at.collect();
    if back_at.len() <= spare {
        return Some(DateTime::<Utc>::MIN_UTC);
    }
    // The one that is the `limit`-th to come back, counted from the last.
    let (_, from, _) = back_at.select_nth_unstable_by(spare, |a, b| b.cmp(a));
    Some(*from)
}
