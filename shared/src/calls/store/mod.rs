//! SQL of calls and attempts, one file for each of the engine's steps.


pub mod dial;
pub mod dispatch;

mod rows;
pub mod settle;



pub use rows::{CallRow, TenantRow};
