//! The rules of calling, as pure functions: no database, no clock, no randomness.
//!
//! Whoever asks reads the facts first ([`snapshot`]), says what time it is, and acts on the answer. So one
//! function enforces, explains, forecasts and is simulated.

pub mod admission;
pub mod after_dial;
pub mod analysis;
pub mod answer;
pub mod automatic_pause;
pub mod breaker;
pub mod contradiction;
pub mod disconnection;
mod explain;
pub mod facts;
pub mod hours;
pub mod order;
pub mod outcome;
pub mod planning;
pub mod policy;
pub mod reason;
pub mod retry;
pub mod snapshot;
pub mod unknown;
pub mod verdict;
