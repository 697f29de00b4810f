//! The call object: the reply to creating and fetching a call, an item of the list, and the body of a webhook.

use std::collections::BTreeMap;
use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::create::CallMetadata;
use super::lenient;
use super::words::{CallStatus, DisconnectionReason, Sentiment};

/// A call as the provider has it. Everything but its id may be missing.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Call {
    /// The provider's id.
    pub call_id: String,
    /// `phone_call`, or `web_call`, which has no numbers.
    #[serde(default, deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub call_type: Option<String>,
    /// See [`Call::status`].
    #[serde(default, deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub call_status: Option<String>,
    /// `inbound` or `outbound`.
    #[serde(default, deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub direction: Option<String>,
    /// The agent that spoke.
    #[serde(default, deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<String>,
    /// Its version.
    #[serde(
        default,
        deserialize_with = "lenient::integer",
        skip_serializing_if = "Option::is_none"
    )]
    pub agent_version: Option<i64>,
    /// E.164.
    #[serde(default, deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub from_number: Option<String>,
    /// E.164.
    #[serde(default, deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub to_number: Option<String>,
    /// What we sent along, see [`Call::ids`]. Absent when nothing was sent.
    #[serde(default, deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Value>,
    /// What the voice was told.
    #[serde(default, deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub retell_llm_dynamic_variables: Option<BTreeMap<String, String>>,
    /// What the voice noted, once the call is over.
    #[serde(default, deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub collected_dynamic_variables: Option<BTreeMap<String, String>>,
    /// Unix time in milliseconds, see [`Call::started_at`].
    #[serde(
        default,
        deserialize_with = "lenient::integer",
        skip_serializing_if = "Option::is_none"
    )]
    pub start_timestamp: Option<i64>,
    /// Unix time in milliseconds, see [`Call::ended_at`].
    #[serde(
        default,
        deserialize_with = "lenient::integer",
        skip_serializing_if = "Option::is_none"
    )]
    pub end_timestamp: Option<i64>,
    /// Milliseconds.
    #[serde(
        default,
        deserialize_with = "lenient::integer",
        skip_serializing_if = "Option::is_none"
    )]
    pub duration_ms: Option<i64>,
    /// See [`Call::disconnection`].
    #[serde(default, deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub disconnection_reason: Option<String>,
    /// What was said, a line for each turn. Not in lists.
    #[serde(default, deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub transcript: Option<String>,
    /// Where the recording can be fetched.
    #[serde(default, deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub recording_url: Option<String>,
    /// What the provider made of it. Only after analysis.
    #[serde(default, deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub call_analysis: Option<CallAnalysis>,
    /// What it cost.
    #[serde(default, deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub call_cost: Option<CallCost>,
}

impl Call {
    /// A call of which nothing but its id is known.
    pub fn new(call_id: impl Into<String>) -> Self {
        Self {
            call_id: call_id.into(),
            call_type: None,
            call_status: None,
            direction: None,
            agent_id: None,
            agent_version: None,
            from_number: None,
            to_number: None,
            metadata: None,
            retell_llm_dynamic_variables: None,
            collected_dynamic_variables: None,
            start_timestamp: None,
            end_timestamp: None,
            duration_ms: None,
            disconnection_reason: None,
            transcript: None,
            recording_url: None,
            call_analysis: None,
            call_cost: None,
        }
    }

    /// Where the call stands.
    pub fn status(&self) -> Option<CallStatus> {
        self.call_status.as_deref().map(CallStatus::read)
    }

    /// Why the call is over.
    pub fn disconnection(&self) -> Option<DisconnectionReason> {
        self.disconnection_reason.as_deref().map(DisconnectionReason::read)
    }

    /// When it was answered, or began to ring.
    pub fn started_at(&self) -> Option<DateTime<Utc>> {
        self.start_timestamp.and_then(DateTime::from_timestamp_millis)
    }

    /// When it was over.
    pub fn ended_at(&self) -> Option<DateTime<Utc>> {
        self.end_timestamp.and_then(DateTime::from_timestamp_millis)
    }

    /// All of our ids, if this is a call of ours.
    pub fn ids(&self) -> Option<CallMetadata> {
        self.metadata.as_ref().and_then(|metadata| CallMetadata::deserialize(metadata).ok())
    }

    /// The attempt that asked for this call, if it is one of ours.
    pub fn attempt_id(&self) -> Option<Uuid> {
        self.metadata.as_ref()?.get(CallMetadata::ATTEMPT_KEY)?.as_str()?.parse().ok()
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("call_id", &self.call_id)
            .field("attempt_id", &self.attempt_id())
            .field("status", &self.status())
            .field("disconnection", &self.disconnection())
            .finish_non_exhaustive()
    }
}

/// What the provider made of a call.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct CallAnalysis {
    /// A few sentences.
    #[serde(default, deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub call_summary: Option<String>,
    /// Whether a machine answered.
    #[serde(default, deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub in_voicemail: Option<bool>,
    /// See [`CallAnalysis::sentiment`].
    #[serde(default, deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub user_sentiment: Option<String>,
    /// Whether the agent did what it was to do.
    #[serde(default, deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub call_successful: Option<bool>,
    /// The fields that the agent is configured to extract. Empty when there was no conversation.
    #[serde(default, deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub custom_analysis_data: Option<serde_json::Map<String, Value>>,
}

impl CallAnalysis {
    /// How the contact felt.
    pub fn sentiment(&self) -> Option<Sentiment> {
        self.user_sentiment.as_deref().map(Sentiment::read)
    }

    /// The extracted field `name`.
    pub fn custom(&self, name: &str) -> Option<&Value> {
        self.custom_analysis_data.as_ref()?.get(name)
    }
}

impl fmt::Debug for CallAnalysis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CallAnalysis(..)")
    }
}

/// What a call cost.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct CallCost {
    /// US cents.
    #[serde(default, deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub combined_cost: Option<f64>,
    /// Seconds that were charged.
    #[serde(default, deserialize_with = "lenient::field", skip_serializing_if = "Option::is_none")]
    pub total_duration_seconds: Option<f64>,
}
