//! What `shared` promises about a real database.

mod catalogue;
mod isolation;
