//! The worker: dials, settles, sends, imports and exports what the API has planned.

pub mod provider;
