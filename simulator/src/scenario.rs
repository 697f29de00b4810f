//! What happens on the telephone: the conversations that can be chosen.

use serde::{Deserialize, Serialize};

use crate::named::Named;

/// How a call turns out, in words that a clinic would use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Answered; the appointment stands.
    Confirmed,
    /// Answered; the appointment is called off.
    Cancelled,
    /// Answered; another time is wanted.
    Rescheduled,
    /// Answered; nothing was decided.
    NoAction,
    /// Answered; never to be called again.
    OptOut,
    /// Answered by somebody else, who knows nothing of it.
    WrongNumber,
    /// Answered and hung up at once, before a word was said.
    HungUp,
    /// Answered by a machine.
    Voicemail,
    /// Rang until the agent's ring time was over.
    NoAnswer,
    /// The line was engaged: nobody heard it ring.
    Busy,
    /// Rang, and was pushed away.
    UserDeclined,
    /// There is no such number.
    InvalidDestination,
    /// The network couldn't connect it.
    DialFailed,
}

impl Outcome {
    /// Did somebody, or a machine, pick up?
    pub(crate) fn is_answered(self) -> bool {
        !matches!(
            self,
            Self::NoAnswer
                | Self::Busy
                | Self::UserDeclined
                | Self::InvalidDestination
                | Self::DialFailed
        )
    }

    /// Was there anything to hear at the other end?
    pub(crate) fn rings(self) -> bool {
        !matches!(self, Self::Busy | Self::InvalidDestination | Self::DialFailed)
    }

    /// Did two people's worth of words pass?
    pub(crate) fn is_conversation(self) -> bool {
        self.is_answered() && !matches!(self, Self::Voicemail | Self::HungUp)
    }

    /// The vendor's word for it, unless the scenario gives another.
    pub(crate) fn reason(self) -> &'static str {
        match self {
            Self::Confirmed | Self::Cancelled | Self::Rescheduled => "agent_hangup",
            Self::NoAction | Self::OptOut | Self::WrongNumber | Self::HungUp => "user_hangup",
            Self::Voicemail => "voicemail_reached",
            Self::NoAnswer => "dial_no_answer",
            Self::Busy => "dial_busy",
            Self::UserDeclined => "user_declined",
            Self::InvalidDestination => "invalid_destination",
            Self::DialFailed => "dial_failed",
        }
    }

    /// Its name in scenarios and records.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed",
            Self::Cancelled => "cancelled",
            Self::Rescheduled => "rescheduled",
            Self::NoAction => "no_action",
            Self::OptOut => "opt_out",
            Self::WrongNumber => "wrong_number",
            Self::HungUp => "hung_up",
            Self::Voicemail => "voicemail",
            Self::NoAnswer => "no_answer",
            Self::Busy => "busy",
            Self::UserDeclined => "user_declined",
            Self::InvalidDestination => "invalid_destination",
            Self::DialFailed => "dial_failed",
        }
    }
}

/// The vendor's four moods.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Sentiment {
    /// Displeased.
    Negative,
    /// Pleased.
    Positive,
    /// Neither.
    Neutral,
    /// Not to be told.
    Unknown,
}

/// One conversation, in full. In JSON either a name ("`no_answer`") or an object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// What the record calls it; by default the outcome's name.
    #[serde(default)]
    pub name: String,
    /// How it turns out.
    pub outcome: Outcome,
    /// `follow_up_required` in the analysis.
    #[serde(default)]
    pub follow_up_required: bool,
    /// `user_sentiment` in the analysis; by default what suits the outcome.
    pub sentiment: Option<Sentiment>,
    /// `new_time` in the analysis of a rescheduled call, word for word (so that a malformed one
    /// can be sent too). `Some("none")` leaves it out; `None` lets the dice choose an hour three days ahead.
    pub new_time: Option<String>,
    /// Another `disconnection_reason` than the outcome's.
    pub disconnection_reason: Option<String>,
    /// Milliseconds from dialling to the answer, or to giving up.
    pub ring_ms: Option<[u64; 2]>,
    /// Milliseconds from the answer to the end.
    pub talk_ms: Option<[u64; 2]>,
    /// Milliseconds from the end to the analysis.
    pub analysis_ms: Option<[u64; 2]>,
}

/// The name of no scenario.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no scenario called {0:?}")]
pub struct UnknownScenario(String);

impl Scenario {
    /// The plain scenario of an outcome.
    pub fn of(outcome: Outcome) -> Self {
        Self {
            name: outcome.name().to_owned(),
            outcome,
            follow_up_required: false,
            sentiment: None,
            new_time: None,
            disconnection_reason: None,
            ring_ms: None,
            talk_ms: None,
            analysis_ms: None,
        }
    }

    /// The scenario that has this name: an outcome's own, or one of a few variations.
    ///
    /// # Errors
    /// There is none.
    pub fn named(name: &str) -> Result<Self, UnknownScenario> {
        let plain = match name {
            "confirmed_follow_up" => {
                Self { follow_up_required: true, ..Self::of(Outcome::Confirmed) }
            }
            "confirmed_displeased" => {
                Self { sentiment: Some(Sentiment::Negative), ..Self::of(Outcome::Confirmed) }
            }
            "rescheduled_no_time" => {
                Self { new_time: Some("none".to_owned()), ..Self::of(Outcome::Rescheduled) }
            }
            "no_action_follow_up" => {
                Self { follow_up_required: true, ..Self::of(Outcome::NoAction) }
            }
            _ => {
                let outcome = serde_json::from_value(name.into())
                    .map_err(|_| UnknownScenario(name.to_owned()))?;
                Self::of(outcome)
            }
        };
        Ok(Self { name: name.to_owned(), ..plain })
    }

    pub(crate) fn reason(&self) -> &str {
        self.disconnection_reason.as_deref().unwrap_or_else(|| self.outcome.reason())
    }

    pub(crate) fn mood(&self) -> Sentiment {
        self.sentiment.unwrap_or(match self.outcome {
            Outcome::Confirmed => Sentiment::Positive,
            Outcome::Cancelled | Outcome::Rescheduled | Outcome::NoAction => Sentiment::Neutral,
            Outcome::OptOut | Outcome::WrongNumber => Sentiment::Negative,
            _ => Sentiment::Unknown,
        })
    }
}

impl Named for Scenario {
    type Error = UnknownScenario;

    fn named(name: &str) -> Result<Self, UnknownScenario> {
        Self::named(name)
    }

    fn given(mut self) -> Result<Self, UnknownScenario> {
        if self.name.is_empty() {
            self.name = self.outcome.name().to_owned();
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_outcome_is_found_by_the_name_that_the_record_gives_it() {
        let names = "confirmed cancelled rescheduled no_action opt_out wrong_number hung_up \
                     voicemail no_answer busy user_declined invalid_destination dial_failed";
        for name in names.split_whitespace() {
            let scenario = Scenario::named(name).unwrap();
            assert_eq!(scenario.outcome.name(), name);
        }
    }
}
