//! What api and worker would break each other over if they disagreed about it.

pub mod accounts;
pub mod api_keys;
pub mod appointments;
pub mod audit;
pub mod calls;
pub mod config;
pub mod contacts;
pub mod crypto;
pub mod db;
pub mod do_not_call;
pub mod events;
pub mod idempotency;
pub mod ids;
pub mod journal;
pub mod operators;
pub mod paging;
pub mod people;
pub mod phi;
pub mod queue;
pub mod retell;
pub mod search;
pub mod telemetry;
pub mod tenants;
#[cfg(feature = "testing")]
pub mod testing;
pub mod webhooks;
