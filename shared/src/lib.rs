//! What api and worker would break each other over if they disagreed about it.

pub mod calls;
pub mod db;
pub mod ids;
pub mod queue;
