//! The audit trail: reading it, and signing its heads. `docs/audit.md` says what it holds and how an outsider verifies it.

mod heads;
mod list;

use crate::http::contract::{Routes, get};

pub use heads::seal_heads;

/// Routes below `/v1/audit`.
pub(crate) fn routes() -> Routes {
    Routes::tagged("Audit").at("/", get(list::LIST, list::list))
}
