//! The API as its clients see it: the real router, a real database, no socket.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod access;
mod accesses;
mod appointments;
mod attack;
mod audit;
mod bad_inputs;
mod call_now;
mod calls;
mod client;
mod compat;
mod config;
mod contacts;
mod contract;
mod do_not_call;
mod groups;
mod guide;
mod idempotency;
mod journal;
mod limits;
mod live;
mod operators;
mod ops;
mod people;
mod phi;
mod planning;
mod retention;
mod search;
mod security;
mod start;
mod tenant;
mod tricks;
mod views;
mod webhooks;
mod whole_contact;
