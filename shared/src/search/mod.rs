//! Search over a tenant's contacts, which are sealed at rest so that SQL can't search them.
//!
//! Everything here is a function of its input: no database, no clock, no network. Contacts are laid out in columnar
//! blocks ([`Block`]) of folded text ([`fold()`]); a [`Query`] is parsed from what somebody typed; together with a
//! [`Filter`] it selects from a [`Table`], which is blocks and the changes since they were made. Of a
//! [`Selection`] come the exact total, facet counts, and windows in any order. See docs/search.md.
//!
//! Offsets and lengths of places in texts are UTF-16 code units throughout ([`Span`]).

mod bits;
pub mod block;
pub mod calendar;
mod column;
mod facets;
pub mod filter;
pub mod fold;
mod highlight;
mod order;
pub mod query;
pub mod row;
mod scan;
mod selection;
pub mod table;

#[cfg(test)]
mod naive;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

pub use block::{Block, BlockBuilder, BlockError};
pub use calendar::{AppointmentDate, Calendar};
pub use facets::{Facets, LAST_CONTACT};
pub use filter::Filter;
pub use fold::{Folded, Span, fold};
pub use highlight::highlight;
pub use order::{Position, Shown, Sort, SortKey, Start, Window};
pub use query::{Field, Query, QueryError, QueryFault};
pub use row::{AppointmentRow, Attendance, ContactRow};
pub use selection::{Request, Selection};
pub use table::{Blocks, Table, build};
#[cfg(test)]
pub(crate) use testing::row as testing_row;
