//! Calls: intended conversations, and the dials that they take.

pub mod rules;
