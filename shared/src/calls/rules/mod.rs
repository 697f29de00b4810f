//! Pure decisions about calls. Nothing here waits, fails for want of a machine, reads a clock or draws a random number.

pub mod after_dial;
pub mod analysis;
pub mod answer;
pub mod automatic_pause;
pub mod breaker;
pub mod facts;
pub mod outcome;
pub mod policy;
pub mod reason;
pub mod retry;
pub mod snapshot;
pub mod unknown;
