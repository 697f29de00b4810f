//! SQL of calls and attempts, one file for each of the engine's steps.

pub mod accounts;
pub mod consequences;
pub mod contradictions;
pub mod dial;
pub mod dispatch;
pub mod explain;
pub mod front;
pub mod plan;
pub mod read;
pub mod recovery;
mod rows;
pub mod settle;
pub mod sweep;
pub mod tenancy;
pub mod unheard_of;
pub mod waiting;

pub(crate) use rows::zone;
pub use rows::{CallRow, TenantRow, day_start};
