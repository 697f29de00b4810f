//! The worker from outside, one file for each part.

// Helpers outside of test functions unwrap too; a failure there is a failed test.
#![allow(clippy::unwrap_used, missing_docs)]

mod agreement;
mod answers;
mod batches;
mod bulk;
mod by_hand;
mod call_now;
mod carrier;
mod claims;
mod compat;
mod conversations;
mod delivery;
mod doubt;
mod endless;
mod engine;
mod exports;
mod factory;
mod fairness;
mod imports;
mod jobs;
mod keeping;
mod late;
mod limits;
mod looks;
mod messages;
mod own_redis;
mod pauses;
mod product;
mod provider;
mod provider_client;
mod recovery;
mod redaction;
mod scripted_server;
mod spoken_types;
mod states;
mod stored_webhooks;
mod tls;
mod traces;
