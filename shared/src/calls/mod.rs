//! Calls and their attempts.

pub mod call_now;
pub mod explain;
pub mod forecast;
pub mod plan;
pub mod rules;
pub mod store;
