//! The API as its clients see it: the real router, a real database, no socket.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod accesses;
mod appointments;
mod bad_inputs;
mod call_now;
mod client;
mod compat;
mod contacts;
mod do_not_call;
mod idempotency;
mod journal;
mod live;
mod operators;
mod ops;
mod planning;
mod start;
mod tenant;
mod walls;
mod webhooks;
