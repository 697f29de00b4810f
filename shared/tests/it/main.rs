//! Tests of the crate from outside, in one binary.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod book;
mod catalogue;
mod compat;
mod forced_plans;
mod isolation;
mod migrations;
mod retention;
mod rotation;
mod rules;
mod sessions;
mod waiting;
