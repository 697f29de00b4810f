//! Pure decisions: no database, no clock, no randomness.

pub mod policy;
pub mod snapshot;
