//! Tests of the crate from outside, in one binary.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod audit;
mod book;
mod catalogue;
mod compat;
mod forced_plans;
mod forgetting;
mod given_up;
mod in_clear;
mod isolation;
mod migrations;
mod retention;
mod rotation;
mod rules;
mod sessions;
mod waiting;
