//! The voice provider Retell, as its wire has it: what the worker sends, what the API receives, what the simulator
//! plays.
//!
//! Nothing is decided here. Field names and words are the vendor's; [`wire`] says how each becomes ours.

pub mod signature;
pub mod wire;
