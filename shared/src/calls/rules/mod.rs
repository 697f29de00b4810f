//! The rules of calling, as pure functions: no database, no clock, no randomness.
//!
//! Whoever asks reads the facts first ([`snapshot`]), says what time it is, and acts on the answer. So one
//! function enforces, explains, forecasts and is simulated.

pub mod admission;
mod explain;
pub mod hours;
pub mod order;
pub mod planning;
pub mod policy;
pub mod reason;
pub mod snapshot;
pub mod verdict;
