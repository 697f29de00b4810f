//! Tenants: the businesses that have people phoned, their keys and settings.

mod keys;
pub mod store;

pub use keys::{KeyError, KeyRing};
