//! What the admission rule answers.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::reason::Reason;

/// The checks, in the order in which they are shown.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// The tenant is active and has what a call needs.
    Configured,
    /// Nobody has stopped the tenant's dialling.
    Paused,
    /// The provider account takes calls.
    Provider,
    /// Opening hours, by the tenant's wall clock and by the contact's.
    CallingHours,
    /// The tenant's closed dates.
    Holidays,
    /// Calls of the last 15 minutes.
    Window,
    /// Dials of the calendar day.
    DailyLimit,
    /// Time since the last dial of the number or contact.
    Gap,
    /// Dials for this purpose.
    Attempts,
    /// Dials of the number within a week.
    NumberWeek,
    /// The tenant's do-not-call list.
    DoNotCall,
    /// The number exists and may be sent to this provider.
    Number,
    /// The call still has a purpose, and time for it.
    StillNeeded,
    /// How often staff pressed *call now* for this contact today.
    CallsNow,
    /// How the contact wishes to be reached.
    Channel,
    /// The campaign's own pace, days and hours.
    Campaign,
    /// Consent to automated calls.
    Consent,
    /// No earlier dial of this number or contact may still ring.
    UnderWay,
    /// The wait after a dial that was not placed.
    Retry,
    /// The call's own earliest and due time.
    NotBefore,
}

/// Whose facts a check looks at, and so what waits when it fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// All of the tenant's calls.
    Tenant,
    /// All calls through the provider account.
    Account,
    /// This call only.
    Call,
}

/// What one check says. Ordered: a later one outweighs an earlier one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case", tag = "verdict")]
pub enum Verdict {
    /// Nothing in the way.
    Pass,
    /// Not yet.
    Defer {
        /// The earliest instant at which this check passes, other things being equal.
        until: DateTime<Utc>,
    },
    /// Not until something changes; nobody knows when.
    Hold,
    /// Never.
    Refuse,
}

/// One check with its verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CheckResult {
    /// Which check.
    pub check: Check,
    /// Whose facts it looked at. (Calling hours appear twice: the tenant's and the contact's wall clock.)
    pub scope: Scope,
    /// What it says.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// Why; empty if it passes.
    pub reasons: Vec<Reason>,
}

/// What all checks say together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case", tag = "decision")]
pub enum Decision {
    /// Dial now: every check passes.
    Dial,
    /// Look again at `until`, and not before: the checks can't all pass earlier unless facts change.
    Defer {
        /// The earliest instant at which all checks pass together.
        until: DateTime<Utc>,
        /// Why not now.
        reasons: Vec<Reason>,
    },
    /// Look again when something has changed.
    Hold {
        /// What is in the way.
        reasons: Vec<Reason>,
    },
    /// Don't look again: flag the contact, tell staff.
    Refuse {
        /// Why; when only time ran out, what was in the way follows.
        reasons: Vec<Reason>,
    },
}

impl Decision {
    /// Why the call isn't dialled; empty for [`Decision::Dial`].
    pub fn reasons(&self) -> &[Reason] {
        match self {
            Self::Dial => &[],
            Self::Defer { reasons, .. } | Self::Hold { reasons } | Self::Refuse { reasons } => {
                reasons
            }
        }
    }

    /// When to look again, if that is known.
    pub fn until(&self) -> Option<DateTime<Utc>> {
        match self {
            Self::Defer { until, .. } => Some(*until),
            _ => None,
        }
    }
}

/// The whole answer about one call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Answer {
    /// What to do.
    pub decision: Decision,
    /// What the tenant's and the account's checks say without this call: when the tenant is looked at again.
    pub tenant: Decision,
    /// What the call's own checks say: when this call is looked at again.
    pub call: Decision,
    /// Every check with its verdict, in the order of [`Check`].
    pub checks: Vec<CheckResult>,
    /// When the rules alone would let it be dialled, as if no other call were waiting and the provider idle; `None`
    /// while it is held or refused for another reason.
    pub earliest: Option<DateTime<Utc>>,
}

impl Answer {
    /// Whether every check passes but, perhaps, this one. (The breaker's probe takes a call that only the breaker stops.)
    pub fn passes_all_but(&self, check: Check) -> bool {
        self.checks.iter().all(|result| result.check == check || result.verdict == Verdict::Pass)
    }
}

/// The tenant's and the account's part of the answer, the same for all of the tenant's calls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TenantAnswer {
    /// What to do with all of its calls.
    pub decision: Decision,
    /// The checks with their verdicts, in the order of [`Check`].
    pub checks: Vec<CheckResult>,
}
