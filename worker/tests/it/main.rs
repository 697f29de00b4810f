//! The worker from outside, one file for each part.

// Helpers outside of test functions unwrap too; a failure there is a failed test.
#![allow(clippy::unwrap_used, missing_docs)]

mod answers;
mod by_hand;
mod carrier;
mod delivery;
mod doubt;
mod engine;
mod factory;
mod looks;
mod own_redis;
mod provider;
mod provider_client;
mod scripted_server;
