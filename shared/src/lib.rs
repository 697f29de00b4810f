//! What api and worker would break each other over if they disagreed about it.

pub mod audit;
pub mod calls;
pub mod config;
pub mod contacts;
pub mod crypto;
pub mod db;
pub mod ids;
pub mod queue;
pub mod retell;
pub mod telemetry;
pub mod tenants;
pub mod webhooks;
