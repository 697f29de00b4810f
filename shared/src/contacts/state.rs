//! Where a contact stands with its calls: derived from calls and flags, never stored.

use crate::calls::rules::reason::{Lifter, Reason};

/// Where a contact stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CallingState {
    /// Nothing is planned, nothing is open.
    None,
    /// A call is planned.
    Scheduled,
    /// A call is reserved, being dialled or going on.
    InProgress,
    /// A call is planned again after one that reached nobody.
    FollowUp,
    /// All dials are used up.
    Exhausted,
    /// Staff should look.
    NeedsReview,
    /// A call is planned, and something other than time is in its way.
    Held,
}

/// What the state is derived from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    /// An open call is past being planned.
    pub under_way: bool,
    /// A call is planned.
    pub planned: bool,
    /// A planned call was dialled before.
    pub dialled_before: bool,
    /// Why planned calls were not dialled when last looked at: public codes.
    pub blocked: Vec<String>,
    /// Why staff should look: public codes of open flags.
    pub flags: Vec<String>,
}

impl Standing {
    /// The state. What happens now comes before what is planned, and that before what is left of the past.
    pub fn state(&self) -> CallingState {
        if self.under_way {
            CallingState::InProgress
        } else if self.planned && self.blocked.iter().any(|code| needs_somebody(code)) {
            CallingState::Held
        } else if self.planned && self.dialled_before {
            CallingState::FollowUp
        } else if self.planned {
            CallingState::Scheduled
        } else if self.flags.iter().any(|flag| flag.ends_with(Reason::AttemptsUsed.code())) {
            // Also as `not_called:attempts_used`, when a look refused the call for it.
            CallingState::Exhausted
        } else if !self.flags.is_empty() {
            CallingState::NeedsReview
        } else {
            CallingState::None
        }
    }
}

/// Whether a reason waits for somebody, not for time. A code of a newer release waits for somebody.
fn needs_somebody(code: &str) -> bool {
    let reason = Reason::ALL.iter().find(|reason| reason.code() == code);
    reason.is_none_or(|reason| !matches!(reason.lifter(), Lifter::Time))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_follows_calls_before_flags() {
        let planned = Standing { planned: true, ..Standing::default() };
        let blocked = |code: &str| Standing { blocked: vec![code.into()], ..planned.clone() };
        let flagged = |code: &str| Standing { flags: vec![code.into()], ..Standing::default() };
        for (standing, state, why) in [
            (Standing::default(), CallingState::None, "nothing"),
            (planned.clone(), CallingState::Scheduled, "planned"),
            (blocked("window_full"), CallingState::Scheduled, "time lifts it"),
            (blocked("consent_missing"), CallingState::Held, "somebody must lift it"),
            (blocked("of_a_newer_release"), CallingState::Held, "unknown, so not time"),
            (
                Standing { dialled_before: true, ..planned.clone() },
                CallingState::FollowUp,
                "dialled before",
            ),
            (
                Standing { under_way: true, ..blocked("consent_missing") },
                CallingState::InProgress,
                "what happens now comes first",
            ),
            (flagged("attempts_used"), CallingState::Exhausted, "no dial is left"),
            (flagged("too_late_to_call"), CallingState::NeedsReview, "staff should look"),
            (
                Standing { flags: vec!["attempts_used".into()], ..planned },
                CallingState::Scheduled,
                "a call is planned again",
            ),
        ] {
            assert_eq!(standing.state(), state, "{why}");
        }
    }
}
