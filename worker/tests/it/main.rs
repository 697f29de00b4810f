//! The worker from outside, one file for each part.

// Helpers outside of test functions unwrap too; a failure there is a failed test.
#![allow(clippy::unwrap_used, missing_docs)]

mod agreement;
mod engine;
mod factory;
mod provider;
mod provider_client;
mod scripted_server;
mod stored_webhooks;
