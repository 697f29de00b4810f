//! May this call be dialled now?

mod call;
mod decisions;
mod properties;
mod table;
mod tenant;
