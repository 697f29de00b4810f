//! SQL of calls and attempts, one file for each of the engine's steps.

pub mod dial;
pub mod dispatch;
pub mod plan;
mod rows;
pub mod settle;

pub(crate) use rows::zone;
pub use rows::{CallRow, TenantRow, day_start};
