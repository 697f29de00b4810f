//! What is to become of rows, without a database.

mod deciding;
