//! A contact is a person whom a tenant may call; this module holds the words that describe one.

pub mod email;
pub mod name;
pub mod phone;
pub mod text;
