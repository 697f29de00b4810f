//! The worker: dispatches, dials, settles and sweeps what the API has planned.

pub mod accounts;
pub mod app;
pub mod carrier;
pub mod dial;
pub mod dispatch;
pub mod high_water;
pub mod jobs;
pub mod ops;
pub mod provider;
pub mod provider_check;
pub mod relay;
pub mod run;
pub mod sender;
pub mod settle;
pub mod sweep;
