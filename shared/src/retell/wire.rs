//! Requests, replies and webhooks of the provider.
//!
//! The vendor adds fields and words without notice, and a reply that can't be read may be a call that nobody knows of.
//! So only what makes a message useless when it is missing is required; a field of an unexpected type counts as
//! absent; statuses and reasons stay the vendor's strings, with typed views beside them. `Debug` prints ids and words
//! of the vendor, never a number, a name or what was said.

mod call;
mod create;
mod lenient;
mod list;
mod webhook;
mod words;

pub use call::{Call, CallAnalysis, CallCost};
pub use create::{CallMetadata, CreatePhoneCall, VariableError, VoiceVariables};
pub use list::{
    CallFilter, Concurrency, ErrorBody, ListCalls, ListedCalls, MessageKind, MetadataFilter,
    StartFilter,
};
pub use webhook::Webhook;
pub use words::{CallStatus, DisconnectionReason, Sentiment, WebhookEvent};

#[cfg(test)]
mod tests;
