//! The voice provider's API, spoken to in two ways that must not be confused.
//!
//! - [`Dialler`] asks for a call: the one act that can't be undone. It sends at most one request, ever, and says in a
//!   closed set of answers what is known afterwards.
//! - [`Client`] asks about calls and stops them. Its reads may be repeated, so it pools connections and tries again.

mod answer;
mod client;
mod dialler;
mod endpoint;
mod reply;

pub use answer::{DialAnswer, NotSent, RefusedStatus, UnknownWhy};
pub use client::{Client, ClientSettings, ReadError};
pub use dialler::{DialTimeouts, Dialler};
pub use endpoint::{Endpoint, EndpointError};
