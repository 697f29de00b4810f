//! The simulator over real sockets. Nothing sleeps: tests wait for webhooks, replies or the record.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod control;
mod docs;
mod faults;
mod limits;
mod list;
mod receiver;
mod scenarios;
mod webhooks;
mod wire;
mod world;
