//! The webhook events of a call.

use serde::{Deserialize, Serialize};

/// One of the vendor's three default events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Event {
    /// Somebody or something picked up.
    #[serde(rename = "call_started")]
    Started,
    /// It is over, one way or another.
    #[serde(rename = "call_ended")]
    Ended,
    /// The analysis is there.
    #[serde(rename = "call_analyzed")]
    Analyzed,
}

impl Event {
    /// The vendor's name for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Started => "call_started",
            Self::Ended => "call_ended",
            Self::Analyzed => "call_analyzed",
        }
    }
}
