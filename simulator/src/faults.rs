//! What goes wrong beside the conversation: in the reply, the start, the list and the webhooks.

use serde::{Deserialize, Serialize};

use crate::event::Event;
use crate::named::Named;

/// What becomes of the HTTP exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Connection {
    /// Closed without a reply, and no call is placed.
    CutBefore,
    /// Held for `hang_ms`, then closed; no call is placed.
    HangBefore,
    /// The call is placed; its 201 is never sent.
    CutAfter,
    /// The call is placed; the connection is held for `hang_ms`, then closed.
    HangAfter,
}

/// In which order a call's webhooks are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// Each when it happens.
    #[default]
    Natural,
    /// `call_ended` waits for `call_analyzed` to be answered.
    AnalyzedFirst,
    /// All wait for the analysis, and then the last comes first.
    Reversed,
}

/// How webhooks are signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Signing {
    /// Properly.
    #[default]
    Good,
    /// Under another key.
    Bad,
    /// Properly, ten minutes ago.
    Stale,
    /// Not at all.
    Missing,
}

/// The faults of one call. In JSON either a name ("`cut_after`") or an object with any of these fields.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    /// What the record calls them.
    pub name: String,
    /// Refuse with this status (400 to 599). No call is placed.
    pub refuse: Option<u16>,
    /// Hold the reply back for so many milliseconds. The call is placed at once.
    pub reply_delay_ms: u64,
    /// Don't reply.
    pub connection: Option<Connection>,
    /// How many milliseconds a connection hangs before it is closed.
    pub hang_ms: u64,
    /// Dial so many milliseconds after accepting: the vendor queues its starts.
    pub start_delay_ms: u64,
    /// Accept, then end with status `error` and this reason, without dialling.
    pub end_in_error: Option<String>,
    /// Leave the call out of the list while it is `registered`.
    pub hide_registered: bool,
    /// Show the call in the list so many milliseconds late, and as it was then.
    pub list_lag_ms: u64,
    /// Never analyse: no `call_analysis`, no `call_analyzed`.
    pub never_analyzed: bool,
    /// Leave out `start_timestamp`, `end_timestamp` and `duration_ms`.
    pub no_timestamps: bool,
    /// Send each webhook so many times more.
    pub extra_copies: u8,
    /// Send each webhook so many milliseconds late.
    pub webhook_delay_ms: u64,
    /// Never send these.
    pub lose: Vec<Event>,
    /// In which order webhooks are sent.
    pub order: Order,
    /// Live through the whole call and send all its webhooks before the 201.
    pub webhooks_before_reply: bool,
    /// How webhooks are signed.
    pub signing: Signing,
}

/// A fault that can't be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadFault {
    /// No preset has this name.
    #[error("there is no fault called {0:?}")]
    Unknown(String),
    /// Only 400 to 599 refuse.
    #[error("{0} is not a status that refuses; 400 to 599 are")]
    Status(u16),
}

const ALL_EVENTS: [Event; 3] = [Event::Started, Event::Ended, Event::Analyzed];

impl Faults {
    /// How long a connection hangs by default. Longer than any client should wait.
    pub const HANG_MS: u64 = 120_000;
    /// How late a call starts by default.
    pub const START_DELAY_MS: u64 = 90_000;

    /// Nothing goes wrong.
    pub fn none() -> Self {
        Self {
            name: "none".to_owned(),
            refuse: None,
            reply_delay_ms: 0,
            connection: None,
            hang_ms: Self::HANG_MS,
            start_delay_ms: 0,
            end_in_error: None,
            hide_registered: false,
            list_lag_ms: 0,
            never_analyzed: false,
            no_timestamps: false,
            extra_copies: 0,
            webhook_delay_ms: 0,
            lose: Vec::new(),
            order: Order::Natural,
            webhooks_before_reply: false,
            signing: Signing::Good,
        }
    }

    /// The fault that has this name; `docs/simulator.md` has the table. `refuse_503` and its like
    /// take any status.
    ///
    /// # Errors
    /// There is none, or the status refuses nothing.
    pub fn named(name: &str) -> Result<Self, BadFault> {
        let none = Self::none();
        let fault = match name {
            "none" => return Ok(none),
            "slow" => Self { reply_delay_ms: 3_000, ..none },
            "rate_limited" => Self { refuse: Some(429), ..none },
            "cut_before" => Self { connection: Some(Connection::CutBefore), ..none },
            "hang_before" => Self { connection: Some(Connection::HangBefore), ..none },
            "cut_after" => Self { connection: Some(Connection::CutAfter), ..none },
            "hang_after" => Self { connection: Some(Connection::HangAfter), ..none },
            "late_start" => Self { start_delay_ms: Self::START_DELAY_MS, ..none },
            "lost_and_late" => Self {
                connection: Some(Connection::CutAfter),
                start_delay_ms: Self::START_DELAY_MS,
                hide_registered: true,
                ..none
            },
            "concurrency_error" => {
                Self { end_in_error: Some("concurrency_limit_reached".to_owned()), ..none }
            }
            "hidden" => Self { hide_registered: true, ..none },
            "list_lag" => Self { list_lag_ms: 300_000, ..none },
            "never_analyzed" => Self { never_analyzed: true, ..none },
            "no_timestamps" => Self { no_timestamps: true, ..none },
            "duplicated" => Self { extra_copies: 1, ..none },
            "delayed" => Self { webhook_delay_ms: 60_000, ..none },
            "lost" => Self { lose: ALL_EVENTS.to_vec(), ..none },
            "started_lost" => Self { lose: vec![Event::Started], ..none },
            "ended_lost" => Self { lose: vec![Event::Ended], ..none },
            "analyzed_lost" => Self { lose: vec![Event::Analyzed], ..none },
            "analyzed_first" => Self { order: Order::AnalyzedFirst, ..none },
            "reversed" => Self { order: Order::Reversed, ..none },
            "before_reply" => Self { webhooks_before_reply: true, ..none },
            "bad_signature" => Self { signing: Signing::Bad, ..none },
            "stale_signature" => Self { signing: Signing::Stale, ..none },
            "unsigned" => Self { signing: Signing::Missing, ..none },
            other => {
                let status = other.strip_prefix("refuse_").and_then(|text| text.parse().ok());
                Self {
                    refuse: Some(status.ok_or_else(|| BadFault::Unknown(other.to_owned()))?),
                    ..none
                }
            }
        };
        Self { name: name.to_owned(), ..fault }.checked()
    }

    fn checked(self) -> Result<Self, BadFault> {
        match self.refuse {
            Some(status) if !(400..=599).contains(&status) => Err(BadFault::Status(status)),
            _ => Ok(self),
        }
    }
}

impl Default for Faults {
    fn default() -> Self {
        Self::none()
    }
}

impl Named for Faults {
    type Error = BadFault;

    fn named(name: &str) -> Result<Self, BadFault> {
        Self::named(name)
    }

    fn given(self) -> Result<Self, BadFault> {
        // Every field has a default, the name too, and an object isn't "none" for having no name.
        let name = if self.name == "none" { "custom".to_owned() } else { self.name.clone() };
        Self { name, ..self }.checked()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_refusals_refuse() {
        assert_eq!(Faults::named("refuse_503").unwrap().refuse, Some(503));
        assert_eq!(Faults::named("refuse_200"), Err(BadFault::Status(200)));
        assert!(matches!(Faults::named("refuse_x"), Err(BadFault::Unknown(_))));
    }

    #[test]
    fn an_object_has_the_faults_it_names_and_no_others() {
        let given: Faults = serde_json::from_str(r#"{"extra_copies":2}"#).unwrap();
        let given = given.given().unwrap();
        assert_eq!(given, Faults { name: "custom".into(), extra_copies: 2, ..Faults::none() });
        assert!(serde_json::from_str::<Faults>(r#"{"extra_copys":2}"#).is_err());
    }
}
