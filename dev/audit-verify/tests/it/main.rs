//! A file that was written as it should be is whole; one that was tampered with in any way is not, and both verifiers say so.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod forger;
mod tampering;
