//! SQL of bulk changes: sets of rows, never one by one.

pub(super) mod appointments;
pub(super) mod contacts;
pub(super) mod groups;
pub(super) mod selection;
