//! Calls and their attempts.

pub mod rules;
pub mod store;
