//! SQL of people.
//!
//! Signing in is done as the engine, since no tenant is known yet; what an administrator does to people of the tenant is done
//! in the tenant's transaction, which sees no hash, no secret and no token.

mod entries;
pub mod factor;
pub mod links;
pub mod sessions;
pub mod sign_in;
pub mod signing_keys;
pub mod users;
pub mod visits;

pub use entries::{Chain, append};
pub use sessions::stands;
