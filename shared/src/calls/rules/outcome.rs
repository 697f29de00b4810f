//! What became of one attempt: the provider's reason and its analysis, weighed against each other.
//!
//! The two contradict each other now and then. In order, and why:
//! 1. An opt-out wins over everything, whoever or whatever was spoken to: to call once more costs more than to call
//!    once too few.
//! 2. A wrong number wins over a machine: it may be a stranger's machine, and the next message would tell a stranger.
//!    What the stranger said about the appointment is dropped.
//! 3. A machine confirms nothing: *voicemail* from either side makes it one, whatever the action.
//! 4. A reason that says that nobody was spoken to, beside signs that somebody was, is read by a person. It counts.
//! 5. Only a conversation that ended of its own changes an appointment. One that broke off, was stopped, or ended for
//!    a reason we don't know is read by a person: "cancel it … no, wait" must not lose its second half.

use chrono::{DateTime, Utc};

use super::analysis::{Action, Analysis};
use super::disconnection::{self, Ending, Fault, Reading};

/// What became of an attempt whose fate is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The contact will come.
    AnsweredConfirmed,
    /// The contact won't come.
    AnsweredCancelled,
    /// The contact wants another time.
    AnsweredRescheduled {
        /// The new time, if one was agreed on.
        new_time: Option<DateTime<Utc>>,
    },
    /// Somebody answered; nothing was decided, or nothing is known of it.
    AnsweredNoAction,
    /// Nobody answered.
    NoAnswer,
    /// The line was engaged.
    Busy,
    /// A machine answered.
    Voicemail,
    /// The network didn't put the call through.
    DialFailed,
    /// The contact doesn't want to be called.
    OptedOut,
    /// The number belongs to somebody else.
    WrongNumber,
    /// The number doesn't exist.
    InvalidDestination,
    /// Definitely not placed.
    NotPlaced,
    /// Definitely not placed: the account isn't paid for.
    AccountHeld,
    /// A person should look at it.
    Failed,
}

impl Outcome {
    /// The outcome's stable name, as stored and as answered by the API.
    pub fn name(self) -> &'static str {
        match self {
            Self::AnsweredConfirmed => "answered_confirmed",
            Self::AnsweredCancelled => "answered_cancelled",
            Self::AnsweredRescheduled { .. } => "answered_rescheduled",
            Self::AnsweredNoAction => "answered_no_action",
            Self::NoAnswer => "no_answer",
            Self::Busy => "busy",
            Self::Voicemail => "voicemail",
            Self::DialFailed => "dial_failed",
            Self::OptedOut => "opted_out",
            Self::WrongNumber => "wrong_number",
            Self::InvalidDestination => "invalid_destination",
            Self::NotPlaced => "not_placed",
            Self::AccountHeld => "account_held",
            Self::Failed => "failed",
        }
    }

    /// A person was spoken to: what the share of opt-outs is taken of.
    pub fn answered(self) -> bool {
        matches!(
            self,
            Self::AnsweredConfirmed
                | Self::AnsweredCancelled
                | Self::AnsweredRescheduled { .. }
                | Self::AnsweredNoAction
                | Self::OptedOut
                | Self::WrongNumber
        )
    }
}

/// What is known of an attempt when its outcome is decided.
#[derive(Debug, Clone, Copy)]
pub struct Evidence<'a> {
    /// The provider's reason; empty if it gave none.
    pub reason: &'a str,
    /// The provider said that the call was connected.
    pub connected: bool,
    /// The provider's analysis, if it came in time.
    pub analysis: Option<Analysis>,
    /// Some analysis of this attempt, perhaps not this one, said that the contact opted out.
    pub opted_out: bool,
    /// When the call ended. A new appointment time at or before it was misheard.
    pub ended_at: DateTime<Utc>,
}

/// The outcome of an attempt with all that is counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision {
    /// What became of it.
    pub outcome: Outcome,
    /// The telephone rang, or may have.
    pub rang: bool,
    /// Who is to blame.
    pub fault: Fault,
    /// It counts for gap and attempts.
    pub counts: bool,
    /// Staff should get in touch: the contact asked for it, or was spoken to and nothing is known of what was said.
    pub follow_up_required: bool,
}

/// Decides the outcome of one attempt.
pub fn decide(evidence: Evidence<'_>) -> Decision {
    decide_by(disconnection::read(evidence.reason), evidence)
}

/// Decides it by another reading of the end than that of the reason that counts.
pub(super) fn decide_by(reading: Reading, evidence: Evidence<'_>) -> Decision {
    let said = evidence.analysis;
    let outcome = weigh(evidence, reading.ending);
    // Signs of a conversation take away what a reason without one claims.
    let contradicted = outcome == Outcome::Failed && reading.ending != Ending::Review;
    let heard = outcome.answered() || outcome == Outcome::Voicemail || contradicted;
    let fault = match outcome {
        Outcome::WrongNumber => Fault::Number,
        _ if heard => Fault::Nobody,
        _ => reading.fault,
    };
    let follow_up_required = match said {
        Some(said) => said.follow_up_required,
        None => outcome == Outcome::AnsweredNoAction,
    };
    Decision {
        outcome,
        rang: reading.rang || heard,
        fault,
        counts: reading.counts || heard,
        follow_up_required,
    }
}

fn weigh(evidence: Evidence<'_>, ending: Ending) -> Outcome {
    let said = evidence.analysis;
    let opted_out = evidence.opted_out || said.is_some_and(|said| said.opt_out);
    if opted_out || ending == Ending::OptedOut {
        return Outcome::OptedOut;
    }
    if said.is_some_and(|said| said.wrong_number) {
        return Outcome::WrongNumber;
    }
    if said.is_some_and(|said| said.in_voicemail) || ending == Ending::Voicemail {
        return Outcome::Voicemail;
    }
    let action = said.map_or(Action::NoAction, |said| said.action);
    if ending == Ending::Answered {
        return answered(action, evidence.ended_at);
    }
    if evidence.connected || action != Action::NoAction {
        return Outcome::Failed;
    }
    match ending {
        Ending::NoAnswer => Outcome::NoAnswer,
        Ending::Busy => Outcome::Busy,
        Ending::DialFailed => Outcome::DialFailed,
        Ending::InvalidDestination => Outcome::InvalidDestination,
        Ending::NotPlaced => Outcome::NotPlaced,
        Ending::AccountHeld => Outcome::AccountHeld,
        Ending::Review | Ending::Answered | Ending::Voicemail | Ending::OptedOut => Outcome::Failed,
    }
}

fn answered(action: Action, ended_at: DateTime<Utc>) -> Outcome {
    match action {
        Action::Confirmed => Outcome::AnsweredConfirmed,
        Action::Cancelled => Outcome::AnsweredCancelled,
        Action::Rescheduled { new_time } => {
            Outcome::AnsweredRescheduled { new_time: new_time.filter(|new| *new > ended_at) }
        }
        Action::NoAction => Outcome::AnsweredNoAction,
    }
}

#[cfg(test)]
mod tests {
    use super::super::analysis::Sentiment;
    use super::*;
    use Outcome::*;
    use chrono::Duration;

    const SILENT: Analysis = Analysis {
        in_voicemail: false,
        action: Action::NoAction,
        opt_out: false,
        wrong_number: false,
        follow_up_required: false,
        sentiment: Sentiment::Unknown,
    };

    fn ended() -> DateTime<Utc> {
        "2026-03-02T10:00:00Z".parse().expect("a time")
    }

    fn about(reason: &str, analysis: Option<Analysis>) -> Evidence<'_> {
        Evidence { reason, connected: false, analysis, opted_out: false, ended_at: ended() }
    }

    fn wants(action: Action) -> Analysis {
        Analysis { action, ..SILENT }
    }

    #[test]
    fn weighs_the_reason_against_the_analysis() {
        let machine = Analysis { in_voicemail: true, ..wants(Action::Confirmed) };
        let out = Analysis { opt_out: true, ..wants(Action::Confirmed) };
        let stranger = Analysis { wrong_number: true, ..wants(Action::Cancelled) };
        let yes = wants(Action::Confirmed);
        let later = wants(Action::Rescheduled { new_time: Some(ended() + Duration::days(3)) });
        let past = wants(Action::Rescheduled { new_time: Some(ended() - Duration::days(3)) });
        let (moved, unmoved) = (
            AnsweredRescheduled { new_time: Some(ended() + Duration::days(3)) },
            AnsweredRescheduled { new_time: None },
        );
        for (reason, said, want, counts, why) in [
            ("user_hangup", Some(yes), AnsweredConfirmed, true, "plain"),
            ("agent_hangup", Some(wants(Action::Cancelled)), AnsweredCancelled, true, "plain"),
            ("agent_hangup", Some(later), moved, true, "a new time"),
            ("agent_hangup", Some(past), unmoved, true, "nobody moves into the past: misheard"),
            ("agent_hangup", Some(SILENT), AnsweredNoAction, true, "nothing decided"),
            ("call_transfer", Some(yes), AnsweredConfirmed, true, "said before the transfer"),
            ("user_hangup", Some(machine), Voicemail, true, "a machine that hung up"),
            ("voicemail_reached", Some(yes), Voicemail, true, "a machine confirms nothing"),
            ("dial_no_answer", Some(machine), Voicemail, true, "a machine is more than silence"),
            ("user_hangup", Some(out), OptedOut, true, "an opt-out wins over a yes"),
            ("error_retell", Some(out), OptedOut, true, "and over a broken call"),
            ("no_such_reason", Some(out), OptedOut, true, "and over an unknown reason"),
            ("invalid_destination", Some(out), OptedOut, true, "and over nonsense; it counts"),
            (
                "user_hangup",
                Some(Analysis { opt_out: true, ..machine }),
                OptedOut,
                true,
                "and over a machine",
            ),
            (
                "user_hangup",
                Some(Analysis { opt_out: true, ..stranger }),
                OptedOut,
                true,
                "strangers may opt out",
            ),
            ("user_hangup", Some(stranger), WrongNumber, true, "a stranger cancels nothing"),
            (
                "voicemail_reached",
                Some(Analysis { in_voicemail: true, ..stranger }),
                WrongNumber,
                true,
                "a stranger's machine is told nothing more",
            ),
            ("user_requested_dnc", None, OptedOut, true, "the provider heard it"),
            ("error_asr", Some(wants(Action::Cancelled)), Failed, true, "it broke off"),
            ("manual_stopped", Some(yes), Failed, true, "it was stopped"),
            ("no_such_reason", Some(yes), Failed, true, "nothing is applied unread"),
            ("dial_busy", Some(yes), Failed, true, "engaged lines confirm nothing"),
            ("concurrency_limit_reached", Some(yes), Failed, true, "somebody spoke, so it counts"),
            ("dial_no_answer", Some(SILENT), NoAnswer, true, "analysed, with nothing to say"),
            ("dial_busy", None, Busy, true, "plain"),
            ("dial_failed", Some(SILENT), DialFailed, true, "plain"),
            ("invalid_destination", Some(SILENT), InvalidDestination, false, "plain"),
            ("concurrency_limit_reached", None, NotPlaced, false, "definitely not placed"),
            ("registered_call_timeout", None, NotPlaced, false, "definitely not placed"),
            ("no_valid_payment", None, AccountHeld, false, "definitely not placed"),
            ("", None, Failed, true, "no reason: it rang"),
        ] {
            let decision = decide(about(reason, said));
            assert_eq!((decision.outcome, decision.counts), (want, counts), "{reason:?}: {why}");
            assert!(decision.rang || want != OptedOut, "{reason:?}: someone opted out by speaking");
        }
    }

    #[test]
    fn a_connected_call_was_placed_whatever_its_reason_says() {
        for reason in ["concurrency_limit_reached", "no_valid_payment", "invalid_destination"] {
            let decision = decide(Evidence { connected: true, ..about(reason, None) });
            assert_eq!(decision.outcome, Failed, "{reason}");
            assert!(decision.counts && decision.rang, "{reason}");
            assert_eq!(
                decision.fault,
                Fault::Nobody,
                "{reason}: contradictory, so nobody is blamed"
            );
        }
    }

    #[test]
    fn an_opt_out_of_another_analysis_is_not_lost() {
        let evidence =
            Evidence { opted_out: true, ..about("user_hangup", Some(wants(Action::Confirmed))) };
        assert_eq!(decide(evidence).outcome, OptedOut);
    }

    #[test]
    fn staff_hear_of_an_answered_call_that_nobody_analysed() {
        assert!(decide(about("user_hangup", None)).follow_up_required);
        assert!(!decide(about("dial_no_answer", None)).follow_up_required);
        assert!(!decide(about("user_hangup", Some(SILENT))).follow_up_required);
        let asked = Analysis { follow_up_required: true, ..wants(Action::Confirmed) };
        assert!(decide(about("user_hangup", Some(asked))).follow_up_required);
    }

    #[test]
    fn blames_the_number_for_a_stranger_and_nobody_for_an_answer() {
        let stranger = Analysis { wrong_number: true, ..SILENT };
        for (reason, said, want) in [
            ("user_hangup", Some(stranger), Fault::Number),
            ("error_llm_websocket_open", Some(Analysis { opt_out: true, ..SILENT }), Fault::Nobody),
            ("error_llm_websocket_open", None, Fault::Tenant),
            ("invalid_destination", None, Fault::Number),
            ("error_retell", None, Fault::Provider),
            ("dial_no_answer", None, Fault::Nobody),
        ] {
            assert_eq!(decide(about(reason, said)).fault, want, "{reason}");
        }
    }

    #[test]
    fn the_mood_decides_nothing() {
        let moods =
            [Sentiment::Positive, Sentiment::Neutral, Sentiment::Negative, Sentiment::Unknown];
        for reason in ["user_hangup", "dial_busy", "error_asr"] {
            let decided = moods.map(|sentiment| {
                decide(about(reason, Some(Analysis { sentiment, ..wants(Action::Confirmed) })))
            });
            assert!(decided.iter().all(|decision| *decision == decided[0]), "{reason}");
        }
    }
}
