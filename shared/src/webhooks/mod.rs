//! Webhooks as they arrived: stored sealed, acknowledged, then applied.

pub mod store;
