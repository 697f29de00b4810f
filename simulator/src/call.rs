//! One call: its whole life is laid down when it is accepted, and read off the clock afterwards.
//!
//! That keeps it small, lets the list show it as it was some minutes ago, and makes a webhook sent
//! late, or twice, say the same thing each time.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::config::Timings;
use crate::dice::{Dice, Question};
use crate::event::Event;
use crate::faults::Faults;
use crate::number::Number;
use crate::scenario::{Outcome, Scenario};

/// A request to place a call that reached us, whatever became of it.
pub(crate) struct Dial {
    pub(crate) received_at: i64,
    /// Which of the accounts; `None` if the key was nobody's.
    pub(crate) account: Option<u16>,
    pub(crate) from: Option<Number>,
    pub(crate) to: Option<Number>,
    pub(crate) metadata: Option<Box<RawValue>>,
    pub(crate) traceparent: Option<String>,
    pub(crate) scenario: Option<Arc<Scenario>>,
    pub(crate) faults: Option<Arc<Faults>>,
    /// The status answered; `None` if no answer was to be sent.
    pub(crate) replied: Option<u16>,
    /// The call, if it was placed.
    pub(crate) call: Option<Box<Call>>,
}

/// The part of a dial that only an accepted one has. Times are Unix milliseconds.
pub(crate) struct Call {
    pub(crate) from: Number,
    pub(crate) to: Number,
    pub(crate) agent: Arc<Agent>,
    pub(crate) hook: Option<Arc<Hook>>,
    pub(crate) variables: Option<Box<RawValue>>,
    pub(crate) sip_headers: Option<Box<RawValue>>,
    pub(crate) scenario: Arc<Scenario>,
    pub(crate) faults: Arc<Faults>,
    pub(crate) dice: Dice,
    pub(crate) created_at: i64,
    /// `None` if it is never dialled.
    pub(crate) dialled_at: Option<i64>,
    pub(crate) answered_at: Option<i64>,
    pub(crate) ended_at: i64,
    pub(crate) analyzed_at: Option<i64>,
    pub(crate) stopped: bool,
    pub(crate) passed: Passed,
}

/// What the timers have already seen to: a stopped call leaves stale timers behind.
#[derive(Default, Clone, Copy)]
pub(crate) struct Passed {
    pub(crate) started: bool,
    pub(crate) ended: bool,
    pub(crate) analyzed: bool,
}

/// Which agent talks, as the vendor tells it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Agent {
    pub(crate) id: String,
    pub(crate) version: u64,
}

/// What a call's `agent_override.agent` says of webhooks and ringing.
#[derive(Clone, PartialEq, Eq, Hash, Default, Deserialize)]
pub(crate) struct Hook {
    pub(crate) webhook_url: Option<String>,
    pub(crate) webhook_events: Option<Vec<String>>,
    pub(crate) webhook_timeout_ms: Option<u64>,
    pub(crate) ring_duration_ms: Option<u64>,
}

/// How far a call has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    /// Accepted; perhaps ringing.
    Registered,
    /// Somebody is on the line.
    Ongoing,
    /// Over.
    Ended,
    /// Over, and thought about.
    Analyzed,
}

/// When everything happens in a call, decided by its scenario and its dice.
pub(crate) struct Course {
    pub(crate) dialled_at: Option<i64>,
    pub(crate) answered_at: Option<i64>,
    pub(crate) ended_at: i64,
    pub(crate) analyzed_at: Option<i64>,
}

/// What a course depends on beside the scenario.
pub(crate) struct Pace<'a> {
    pub(crate) timings: &'a Timings,
    pub(crate) speed: f64,
    /// The agent's own ring time, if the call gives one.
    pub(crate) ring_limit_ms: Option<u64>,
}

impl Course {
    /// For a call that the vendor would start at `start`.
    pub(crate) fn lay(
        start: i64,
        scenario: &Scenario,
        faults: &Faults,
        dice: Dice,
        pace: &Pace<'_>,
    ) -> Self {
        let Pace { timings, speed, ring_limit_ms } = pace;
        let outcome = scenario.outcome;
        let take = |question, range| {
            let ms = if faults.webhooks_before_reply { 0 } else { dice.between(question, range) };
            (ms as f64 / speed).round() as i64
        };
        let no_answer = ring_limit_ms.map_or(timings.no_answer, |limit| [limit, limit]);
        let ring = scenario.ring_ms.unwrap_or(match outcome {
            Outcome::NoAnswer => no_answer,
            _ if outcome.is_answered() => timings.ring,
            _ => timings.failure,
        });
        let talk = scenario.talk_ms.unwrap_or(match outcome {
            Outcome::Voicemail => timings.voicemail,
            Outcome::OptOut | Outcome::WrongNumber => timings.short_talk,
            Outcome::HungUp => [200, 900],
            _ => timings.talk,
        });
        let dialled = faults.end_in_error.is_none();
        let rung = start + take(Question::Ring, if dialled { ring } else { timings.failure });
        let answered_at = (dialled && outcome.is_answered()).then_some(rung);
        let ended_at = answered_at.map_or(rung, |at| at + take(Question::Talk, talk));
        let analysis = scenario.analysis_ms.unwrap_or(timings.analysis);
        let analyzed_at =
            (!faults.never_analyzed).then(|| ended_at + take(Question::Analysis, analysis));
        Self { dialled_at: dialled.then_some(start), answered_at, ended_at, analyzed_at }
    }
}

impl Call {
    pub(crate) fn stage(&self, now: i64) -> Stage {
        if self.analyzed_at.is_some_and(|at| at <= now) {
            Stage::Analyzed
        } else if self.ended_at <= now {
            Stage::Ended
        } else if self.answered_at.is_some_and(|at| at <= now) {
            Stage::Ongoing
        } else {
            Stage::Registered
        }
    }

    /// From when to when a telephone rang, as far as it has come to that by `now`.
    pub(crate) fn rang(&self, now: i64) -> (Option<i64>, Option<i64>) {
        let until = self.answered_at.unwrap_or(self.ended_at);
        let from = self.dialled_at.filter(|at| *at <= now && self.scenario.outcome.rings());
        (from, from.and((until <= now).then_some(until)))
    }

    /// Cuts the life short at `now`: what has not happened by then doesn't.
    pub(crate) fn stop(&mut self, now: i64) {
        self.stopped = true;
        self.dialled_at = self.dialled_at.filter(|at| *at <= now);
        self.answered_at = self.answered_at.filter(|at| *at <= now);
        self.analyzed_at = self.analyzed_at.map(|at| now + (at - self.ended_at));
        self.ended_at = now;
    }

    /// Why it ended.
    pub(crate) fn reason(&self) -> &str {
        match (&self.faults.end_in_error, self.stopped) {
            (_, true) => "manual_stopped",
            (Some(reason), false) => reason,
            (None, false) => self.scenario.reason(),
        }
    }

    /// The vendor's `call_status`.
    pub(crate) fn status(&self, stage: Stage) -> &'static str {
        match stage {
            Stage::Registered => "registered",
            Stage::Ongoing => "ongoing",
            Stage::Ended | Stage::Analyzed if self.stopped => "ended",
            Stage::Ended | Stage::Analyzed if self.is_error() => "error",
            Stage::Ended | Stage::Analyzed if self.answered_at.is_some() => "ended",
            Stage::Ended | Stage::Analyzed => "not_connected",
        }
    }

    fn is_error(&self) -> bool {
        const ERRORS: [&str; 4] = [
            "concurrency_limit_reached",
            "no_valid_payment",
            "scam_detected",
            "registered_call_timeout",
        ];
        let reason = self.reason();
        self.faults.end_in_error.is_some()
            || reason.starts_with("error_")
            || ERRORS.contains(&reason)
    }

    /// The vendor's `start_timestamp`. A call that was answered starts with the answer, one that
    /// wasn't with the dialling: the documents don't say, and their samples fit that.
    pub(crate) fn start_timestamp(&self, stage: Stage) -> Option<i64> {
        let known = match stage {
            Stage::Registered => None,
            Stage::Ongoing => self.answered_at,
            Stage::Ended | Stage::Analyzed => self.answered_at.or(self.dialled_at),
        };
        known.filter(|_| !self.faults.no_timestamps)
    }

    /// The vendor's `end_timestamp`.
    pub(crate) fn end_timestamp(&self, stage: Stage) -> Option<i64> {
        (stage >= Stage::Ended && !self.faults.no_timestamps && self.dialled_at.is_some())
            .then_some(self.ended_at)
    }

    /// The vendor's `duration_ms`: of the conversation, so 0 if there was none.
    pub(crate) fn duration_ms(&self, stage: Stage) -> Option<i64> {
        self.end_timestamp(stage).map(|end| self.answered_at.map_or(0, |start| end - start))
    }

    /// Did two people talk? A call stopped before the answer has the scenario of one that did.
    pub(crate) fn is_conversation(&self) -> bool {
        self.answered_at.is_some() && self.scenario.outcome.is_conversation()
    }

    /// Are webhooks of this kind wanted and sent?
    pub(crate) fn announces(&self, event: Event) -> bool {
        let wanted = self.hook.as_ref().and_then(|hook| hook.webhook_events.as_ref());
        wanted.is_none_or(|events| events.iter().any(|it| it == event.name()))
            && !self.faults.lose.contains(&event)
    }
}
