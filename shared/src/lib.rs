//! What the API and the worker must agree on: nouns, rules, stored formats.

pub mod contacts;
pub mod crypto;
pub mod retell;
