//! The rest of what the worker asks: `POST /v3/list-calls` and `GET /get-concurrency`; and the body of every refusal.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::call::Call;
use super::create::CallMetadata;
use super::lenient;

/// One page of the list, newest first.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ListCalls {
    /// All of these must hold.
    #[serde(default)]
    pub filter_criteria: CallFilter,
    /// Calls a page, at most 1,000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// Where the page before ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pagination_key: Option<String>,
    /// `ascending` or `descending` by start; the vendor's default is descending.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sort_order: Option<String>,
}

/// Which calls to list.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct CallFilter {
    /// By what was sent along.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub metadata: Vec<MetadataFilter>,
    /// By when it started. Calls that have not are not listed then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_timestamp: Option<StartFilter>,
}

impl CallFilter {
    /// The calls that this attempt asked for: none, one, or in the worst case more.
    pub fn of_attempt(attempt: Uuid) -> Self {
        Self { metadata: vec![MetadataFilter::attempt(attempt)], start_timestamp: None }
    }

    /// The calls that started at `instant` or later.
    pub fn started_since(instant: DateTime<Utc>) -> Self {
        let since = StartFilter {
            kind: "number".into(),
            op: "ge".into(),
            value: instant.timestamp_millis(),
        };
        Self { metadata: Vec::new(), start_timestamp: Some(since) }
    }
}

/// A filter on a top-level key of the metadata.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MetadataFilter {
    /// Always `string`.
    #[serde(rename = "type")]
    pub kind: String,
    /// `eq` and others.
    pub op: String,
    /// The key.
    pub key: String,
    /// The value.
    pub value: String,
}

impl MetadataFilter {
    fn attempt(attempt: Uuid) -> Self {
        Self {
            kind: "string".into(),
            op: "eq".into(),
            key: CallMetadata::ATTEMPT_KEY.into(),
            value: attempt.to_string(),
        }
    }
}

/// A filter on the start of the call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StartFilter {
    /// Always `number`.
    #[serde(rename = "type")]
    pub kind: String,
    /// `ge` and others.
    pub op: String,
    /// Unix time in milliseconds.
    pub value: i64,
}

/// A page of calls. `items` and `has_more` are required: a page without them must not pass for an empty list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ListedCalls {
    /// The calls, without what was said.
    pub items: Vec<Call>,
    /// Whether there is another page.
    pub has_more: bool,
    /// Where this page ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pagination_key: Option<String>,
}

/// How many calls the account has at a time, and how many it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Concurrency {
    /// Calls at present, inbound ones too.
    pub current_concurrency: i64,
    /// The most at a time: base and purchased.
    pub concurrency_limit: i64,
    /// How many of these are kept for inbound calls.
    #[serde(default, deserialize_with = "lenient::integer")]
    pub reserved_inbound_concurrency: Option<i64>,
    /// Whether more than the limit may be used at a price.
    #[serde(default, deserialize_with = "lenient::field")]
    pub concurrency_burst_enabled: Option<bool>,
    /// The most then.
    #[serde(default, deserialize_with = "lenient::integer")]
    pub concurrency_burst_limit: Option<i64>,
}

impl Concurrency {
    /// The most outbound calls at a time. Bursts are left to the people who pay for them.
    pub fn outbound_limit(&self) -> u32 {
        let reserved = self.reserved_inbound_concurrency.unwrap_or(0).max(0);
        self.concurrency_limit.saturating_sub(reserved).clamp(0, u32::MAX.into()) as u32
    }
}

/// The body of every refusal: `{"status": "error", "message": "…"}`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// Always `error`.
    #[serde(default, deserialize_with = "lenient::field")]
    pub status: Option<String>,
    /// For people; may quote the request, so that only its [`MessageKind`] may be kept.
    #[serde(default, deserialize_with = "lenient::field")]
    pub message: Option<String>,
}

impl std::fmt::Debug for ErrorBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ErrorBody({:?})", self.kind())
    }
}

impl ErrorBody {
    /// What the message is about.
    pub fn kind(&self) -> MessageKind {
        self.message.as_deref().map_or(MessageKind::Unreadable, MessageKind::read)
    }
}

/// What a refusal is about, as far as its text tells. For people who look into it: what follows from a refusal is
/// decided by its status alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MessageKind {
    /// The number to call.
    Destination,
    /// The caller's number.
    CallerNumber,
    /// The agent.
    Agent,
    /// The API key.
    ApiKey,
    /// Payment.
    Payment,
    /// Too many calls at a time.
    Concurrency,
    /// Too many requests.
    RateLimit,
    /// Something that the account doesn't have.
    Asset,
    /// A request that the provider can't read.
    Request,
    /// Something else.
    Other,
    /// There was no message.
    Unreadable,
}

impl MessageKind {
    /// The first of these that the text speaks of decides: the narrower subject comes first.
    const SUBJECTS: [(&'static str, Self); 12] = [
        ("to_number", Self::Destination),
        ("destination", Self::Destination),
        ("from_number", Self::CallerNumber),
        ("agent", Self::Agent),
        ("concurren", Self::Concurrency),
        ("rate limit", Self::RateLimit),
        ("throttle", Self::RateLimit),
        ("asset", Self::Asset),
        ("payment", Self::Payment),
        ("trial", Self::Payment),
        ("api key", Self::ApiKey),
        ("request", Self::Request),
    ];

    /// Reads a message.
    pub fn read(message: &str) -> Self {
        let message = message.to_ascii_lowercase();
        let subject = Self::SUBJECTS.iter().find(|(words, _)| message.contains(words));
        subject.map_or(Self::Other, |(_, kind)| *kind)
    }
}
