//! Reports of one attempt that can't all be true: *connected*, and *the number doesn't exist*; two reasons for one end.
//!
//! What is decided of an attempt is the heaviest of what its reports say: the one that is safest for the person called.
//! Facts only accumulate, so it can only grow heavier: what is told later overturns what was decided earlier exactly where
//! all of it together would have been decided otherwise, and the order in which it came doesn't matter
//! (`docs/decisions/contradictions.md`).

use super::outcome::Decision;

/// Outcomes by weight, lightest first. Those that don't count; those after which it rings again, the longest pause last;
/// those after which it doesn't; those after which nobody with that number is called again.
const LIGHTEST_FIRST: [&[&str]; 11] = [
    &["not_placed"],
    &["account_held"],
    &["invalid_destination"],
    &["dial_failed"],
    &["no_answer"],
    &["busy"],
    &["voicemail"],
    &["failed"],
    &["answered_confirmed", "answered_cancelled", "answered_rescheduled", "answered_no_action"],
    &["wrong_number"],
    &["opted_out"],
];

fn weight(outcome: &str) -> Option<usize> {
    LIGHTEST_FIRST.iter().position(|names| names.contains(&outcome))
}

/// The heavier of two decisions; the first of two that weigh the same.
pub fn heavier(one: Decision, other: Decision) -> Decision {
    if weight(other.outcome.name()) > weight(one.outcome.name()) { other } else { one }
}

/// Whether a decision replaces the outcome that was stored for the same attempt when less was known.
pub fn overturns(decision: Decision, stored: &str) -> bool {
    weight(stored).is_some_and(|stored| weight(decision.outcome.name()) > Some(stored))
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, Duration, Utc};
    use proptest::prelude::*;

    use super::super::analysis::{Action, Analysis, Sentiment};
    use super::super::facts::{Fact, Facts};
    use super::*;

    fn at(minute: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + Duration::minutes(minute)
    }

    fn ended(minute: i64, reason: &str) -> Fact {
        Fact::Ended { at: at(minute), reason: Some(reason.into()) }
    }

    fn decided<'a>(facts: impl IntoIterator<Item = &'a Fact>) -> Option<Decision> {
        let mut all = Facts::default();
        for fact in facts {
            let _ = all.apply(fact.clone());
        }
        all.decision()
    }

    /// Each is named: what is decided of an end without a reason stays, see below.
    const REASONS: [&str; 13] = [
        "user_hangup",
        "agent_hangup",
        "dial_no_answer",
        "dial_busy",
        "dial_failed",
        "sip_routing_error",
        "voicemail_reached",
        "invalid_destination",
        "registered_call_timeout",
        "no_valid_payment",
        "user_requested_dnc",
        "error_retell",
        "marked_as_spam",
    ];

    fn any_fact() -> impl Strategy<Value = Fact> {
        prop_oneof![
            2 => (0..4i64).prop_map(|m| Fact::Connected { at: at(m) }),
            5 => (0..4i64, prop::sample::select(&REASONS[..])).prop_map(|(m, reason)| ended(m, reason)),
            1 => Just(Fact::OptedOut),
        ]
    }

    fn any_analysis() -> impl Strategy<Value = Analysis> {
        let action = prop::sample::select(vec![Action::NoAction, Action::Confirmed]);
        (any::<[bool; 3]>(), action).prop_map(|([in_voicemail, wrong_number, opt_out], action)| {
            let sentiment = Sentiment::Unknown;
            Analysis {
                in_voicemail,
                action,
                opt_out,
                wrong_number,
                follow_up_required: false,
                sentiment,
            }
        })
    }

    proptest! {
        #[test]
        fn whatever_the_order_what_is_stored_is_what_all_facts_together_say(
            analysis in prop::option::of(any_analysis()),
            facts in prop::collection::vec(any_fact(), 1..8),
        ) {
            // Nothing is decided before the analysis is there, or is known not to come.
            let mut all = Facts::default();
            if let Some(analysis) = analysis {
                let _ = all.apply(Fact::Analysed { at: at(5), analysis });
            }
            let mut stored: Option<Decision> = None;
            for fact in facts {
                let _ = all.apply(fact);
                let Some(decision) = all.decision() else { continue };
                if stored.is_none_or(|stored| overturns(decision, stored.outcome.name())) {
                    prop_assert!(decision.counts || stored.is_none_or(|stored| !stored.counts), "what may have rung counts for ever");
                    stored = Some(decision);
                }
            }
            let kept = |decision: Option<Decision>| decision.map(|it| (it.outcome.name(), it.counts));
            prop_assert_eq!(kept(stored), kept(all.decision()));
        }
    }

    #[test]
    fn what_was_decided_of_an_end_without_a_reason_stays_when_a_lighter_reason_is_named_later() {
        let unexplained = Fact::Ended { at: at(1), reason: None };
        let first = decided(std::slice::from_ref(&unexplained)).unwrap();
        assert_eq!((first.outcome.name(), first.counts), ("failed", true), "a person looks");
        let both = decided(&[unexplained, ended(1, "dial_no_answer")]).unwrap();
        assert_eq!(both.outcome.name(), "no_answer", "told in time, the reason counts");
        assert!(!overturns(both, first.outcome.name()), "told later, staff have it already");
    }

    #[test]
    fn every_outcome_has_one_weight() {
        use super::super::outcome::Outcome::*;
        for outcome in [
            AnsweredConfirmed,
            AnsweredCancelled,
            AnsweredRescheduled { new_time: None },
            AnsweredNoAction,
            NoAnswer,
            Busy,
            Voicemail,
            DialFailed,
            OptedOut,
            WrongNumber,
            InvalidDestination,
            NotPlaced,
            AccountHeld,
            Failed,
        ] {
            let groups = LIGHTEST_FIRST.iter().filter(|names| names.contains(&outcome.name()));
            assert_eq!(groups.count(), 1, "{outcome:?}");
        }
    }

    #[test]
    fn of_two_reasons_the_one_that_is_safer_for_the_person_called_decides() {
        for (one, other, want, counts, why) in [
            ("invalid_destination", "dial_no_answer", "no_answer", true, "it may have rung"),
            ("registered_call_timeout", "dial_busy", "busy", true, "it left the provider"),
            (
                "registered_call_timeout",
                "invalid_destination",
                "invalid_destination",
                false,
                "no retry",
            ),
            ("dial_no_answer", "voicemail_reached", "voicemail", true, "a machine has the message"),
            ("dial_no_answer", "error_retell", "failed", true, "a person should look"),
            ("dial_busy", "user_hangup", "answered_no_action", true, "somebody was spoken to"),
            ("user_hangup", "user_requested_dnc", "opted_out", true, "an opt-out is never lost"),
        ] {
            for (first, second) in [(one, other), (other, one)] {
                let decision = decided(&[ended(1, first), ended(2, second)]).unwrap();
                assert_eq!(
                    (decision.outcome.name(), decision.counts),
                    (want, counts),
                    "{first}, {second}: {why}"
                );
            }
        }
    }

    #[test]
    fn only_what_is_heavier_overturns() {
        let failed = decided(&[ended(1, "dial_busy"), Fact::Connected { at: at(1) }]).unwrap();
        for (stored, want, why) in [
            ("invalid_destination", true, "it was connected, so the number exists"),
            ("not_placed", true, "and was placed"),
            (
                "no_answer",
                true,
                "and somebody or something answered: a person looks before it rings again",
            ),
            ("failed", false, "nothing new"),
            ("answered_confirmed", false, "a conversation is not taken back"),
            ("opted_out", false, "nor an opt-out"),
            ("of_a_later_release", false, "whose weight nobody knows"),
        ] {
            assert_eq!(overturns(failed, stored), want, "{stored}: {why}");
        }
    }
}
