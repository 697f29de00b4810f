//! Sealing what earlier releases left open: reasons that staff wrote about a person.

use crate::tenants::KeyError;

pub use super::store::sealing::seal_reasons;

/// What was sealed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Sealed {
    /// Reasons on do-not-call lists.
    pub do_not_call: usize,
    /// Reasons of an appointment's status.
    pub appointments: usize,
}

/// Why it stopped. What was done is done; run again, it goes on with the rest.
#[derive(Debug, thiserror::Error)]
#[error("reasons of tenant {tenant} can't be sealed: {cause}")]
pub struct NotSealed {
    /// Whose.
    pub tenant: String,
    /// What is wrong.
    pub cause: KeyError,
}
