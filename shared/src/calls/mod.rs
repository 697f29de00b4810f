//! Calls: intended conversations, each perhaps dialled several times.

pub mod rules;
