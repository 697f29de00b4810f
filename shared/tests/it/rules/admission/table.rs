//! What the tables of the checks have in common.

use chrono::{DateTime, Duration, Utc};
use shared::calls::rules::admission::admit;
use shared::calls::rules::reason::Reason;
use shared::calls::rules::snapshot::Snapshot;
use shared::calls::rules::verdict::Verdict::{Defer, Hold, Pass, Refuse};
use shared::calls::rules::verdict::{Check, Decision, Scope, Verdict};

use crate::rules::facts::{at, passing, tuesday};

/// What is changed about a call that could go, what the check says then, with which reasons, and why.
pub(super) type Row = (fn(&mut Snapshot), Verdict, &'static [Reason], &'static str);

/// Each row fails this check and no other, so the decision is this check's verdict.
pub(super) fn says<const N: usize>(check: Check, scope: Scope, rows: [Row; N]) {
    assert_eq!(admit(&passing()).decision, Decision::Dial, "the facts to start from pass");
    for (change, verdict, reasons, why) in rows {
        let mut snapshot = passing();
        change(&mut snapshot);
        let answer = admit(&snapshot);
        let (this, others): (Vec<_>, Vec<_>) =
            answer.checks.iter().partition(|c| c.check == check && c.scope == scope);
        assert_eq!(this.len(), 1, "{why}: every check is named once");
        assert_eq!((this[0].verdict, &this[0].reasons[..]), (verdict, reasons), "{why}");
        assert!(others.iter().all(|c| c.verdict == Pass), "{why}: nothing else: {others:?}");

        let reasons = reasons.to_vec();
        let decision = match verdict {
            Pass => Decision::Dial,
            Defer { until } => Decision::Defer { until, reasons },
            Hold => Decision::Hold { reasons },
            Refuse => Decision::Refuse { reasons },
        };
        assert_eq!(answer.decision, decision, "{why}");
        let of_call = scope == Scope::Call;
        let (own, other) =
            if of_call { (answer.call, answer.tenant) } else { (answer.tenant, answer.call) };
        assert_eq!((own, other), (decision, Decision::Dial), "{why}: waits where it belongs");
    }
}

pub(super) fn until(text: &str) -> Verdict {
    Defer { until: at(text) }
}

/// The same call at another instant.
pub(super) fn move_to(s: &mut Snapshot, now: &str) {
    s.now = at(now);
    s.call.earliest = s.now;
    s.call.due = s.now;
    s.call.deadline = s.now + Duration::days(3);
    s.account.next_start_at = s.now;
}

/// Tokens that come back one after the other, a minute apart.
pub(super) fn tokens(count: i64) -> Vec<DateTime<Utc>> {
    (1..=count).map(|minute| tuesday() + Duration::minutes(minute)).collect()
}
