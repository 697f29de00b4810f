//! What the API and the worker must agree on.

pub mod calls;
pub mod ids;
