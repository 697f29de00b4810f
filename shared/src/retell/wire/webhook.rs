//! What the provider tells us unasked.

use serde::{Deserialize, Serialize};

use super::call::Call;
use super::words::WebhookEvent;

/// A webhook: `{"event": "…", "call": {…}}`.
///
/// It has no id and may come twice, late, or before what precedes it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Webhook {
    /// See [`Webhook::kind`].
    pub event: String,
    /// The call. Events about chats have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call: Option<Call>,
}

impl Webhook {
    /// What it tells.
    pub fn kind(&self) -> WebhookEvent {
        WebhookEvent::read(&self.event)
    }

    /// What is the same when it is sent again: event and call, for transfers the start too, of which a call may have
    /// several. `None` for what repeats by nature, and for what is about no call.
    ///
    /// Source: the vendor's page on webhooks.
    pub fn delivery_key(&self) -> Option<String> {
        let call = self.call.as_ref()?;
        let key = format!("{}/{}", self.event, call.call_id);
        match self.kind() {
            WebhookEvent::CallStarted | WebhookEvent::CallEnded | WebhookEvent::CallAnalyzed => {
                Some(key)
            }
            WebhookEvent::TransferStarted
            | WebhookEvent::TransferBridged
            | WebhookEvent::TransferCancelled
            | WebhookEvent::TransferEnded => {
                Some(format!("{key}/{}", call.start_timestamp.unwrap_or_default()))
            }
            WebhookEvent::TranscriptUpdated | WebhookEvent::Unknown => None,
        }
    }
}
