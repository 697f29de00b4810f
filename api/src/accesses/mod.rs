//! Who saw what: an entry for every request of somebody known, stored before its answer is sent.
//!
//! No handler does it, so none can forget it: [`Allowed`](crate::auth::Allowed) says who asks, the answer says which ids
//! it shows, and the layer here puts both together. What can't be noted isn't shown.

mod around;
mod ledger;
mod refusals;
mod seal;

pub(crate) use around::{ShownIds, Witness, note};
pub use ledger::Accesses;
