//! What operators see: logs, metrics and traces. Nothing personal is in any of them.

pub mod health;
pub mod logs;
pub mod metrics;
pub mod traces;
