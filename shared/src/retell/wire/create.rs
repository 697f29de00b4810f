//! Asking for a call: `POST /v2/create-phone-call`.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::telemetry::traces::{self, Trace};

/// The request. The endpoint has no idempotency key: each one sent may ring a telephone.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct CreatePhoneCall {
    /// The caller's number, E.164, bought from or imported to the provider.
    pub from_number: String,
    /// The number to call, E.164.
    pub to_number: String,
    /// The agent that speaks; without it the one bound to the caller's number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub override_agent_id: Option<String>,
    /// Settings of the agent for this call only, in the vendor's form.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_override: Option<Value>,
    /// Our ids, which the provider stores and gives back. Nothing else belongs there.
    pub metadata: CallMetadata,
    /// What the voice needs to know.
    #[serde(default)]
    pub retell_llm_dynamic_variables: VoiceVariables,
}

impl fmt::Debug for CreatePhoneCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CreatePhoneCall")
            .field("metadata", &self.metadata)
            .field("agent", &self.override_agent_id)
            .finish_non_exhaustive()
    }
}

/// The ids by which a call of the provider is found to be ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallMetadata {
    /// The attempt: one dial. The list of calls is filtered by it.
    pub attempt_id: Uuid,
    /// The intended conversation, perhaps of several attempts; our call's id, under the name that doesn't meet the
    /// vendor's own `call_id`.
    pub session_id: Uuid,
    /// The tenant.
    pub tenant_id: Uuid,
    /// The trace of the dial, if traces are exported: what the provider tells us about the call goes on with it.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "traces::lenient"
    )]
    pub trace: Option<Trace>,
}

impl CallMetadata {
    /// The key under which the attempt stands.
    pub const ATTEMPT_KEY: &'static str = "attempt_id";
}

/// Why a variable can't be given to the voice. Carries no part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VariableError {
    /// The provider sets a variable of this name itself.
    #[error("the provider has a variable of this name")]
    Reserved,
    /// Not a name of lower-case letters, digits and underscores.
    #[error("not a name of a variable")]
    BadName,
    /// `{{` or `}}` in the value: the provider might put another variable there.
    #[error("the value has a placeholder")]
    Placeholder,
}

/// What the voice needs to know, by name. An agent's prompt refers to `{{name}}`; one that is not set would be spoken
/// as it stands, so set all that the prompt has, to the empty string if need be.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct VoiceVariables(BTreeMap<String, String>);

/// Names that the provider fills itself; those that begin with `current_time_` are, too.
const RESERVED: [&str; 18] = [
    "current_time",
    "current_hour",
    "current_calendar",
    "session_type",
    "session_duration",
    "direction",
    "user_number",
    "agent_number",
    "call_id",
    "call_type",
    "chat_id",
    "current_agent_state",
    "previous_agent_state",
    "current_node",
    "previous_node",
    "first_name",
    "last_name",
    "do_not_call",
];

impl VoiceVariables {
    /// No variables yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets `name` to `value`: text as it is to be spoken, numbers and dates written out.
    ///
    /// # Errors
    /// [`VariableError`].
    pub fn set(
        &mut self,
        name: &str,
        value: impl Into<String>,
    ) -> Result<&mut Self, VariableError> {
        let value = value.into();
        let in_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        if name.is_empty() || !name.bytes().all(in_name) {
            return Err(VariableError::BadName);
        }
        if RESERVED.contains(&name) || name.starts_with("current_time_") {
            return Err(VariableError::Reserved);
        }
        if value.contains("{{") || value.contains("}}") {
            return Err(VariableError::Placeholder);
        }
        self.0.insert(name.to_owned(), value);
        Ok(self)
    }

    /// The value of `name`.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

impl fmt::Debug for VoiceVariables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VoiceVariables({} of them)", self.0.len())
    }
}
