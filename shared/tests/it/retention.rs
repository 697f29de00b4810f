//! Contacts whose time is over.
