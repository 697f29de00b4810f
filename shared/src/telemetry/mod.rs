//! What operators see: logs and metrics. Nothing personal is in either.

pub mod health;
pub mod logs;
pub mod metrics;
