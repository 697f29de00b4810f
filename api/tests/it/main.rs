//! The API as its clients see it: the real router, a real database, no socket.

mod appointments;
mod bad_inputs;
mod client;
mod contacts;
mod do_not_call;
mod idempotency;
mod ops;
mod tenant;
mod walls;
