//! Calls and their attempts.

pub mod plan;
pub mod rules;
pub mod store;
