//! People: who may sign in, what they may do, and how long a sign-in lasts.
//!
//! A user belongs to one tenant, or to the platform (`super_admin`). What is known of them before their tenant is known
//! (ids, states, hashes) is read as the engine; names and e-mail addresses lie sealed under the tenant's key.

mod caller;
mod endings;
pub mod password;
pub mod secret;
pub mod session;
pub mod store;
pub mod throttle;
pub mod totp;
pub mod visit;

use std::str::FromStr;

use chrono::{DateTime, Utc};

use crate::api_keys;
use crate::contacts::email::EmailAddress;
use crate::contacts::name::PersonName;
use crate::ids::UserId;

pub use caller::Caller;
pub use endings::{Ended, Endings, UnknownWord};

/// What a user is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, schemars::JsonSchema)]
#[schemars(rename = "Role", rename_all = "snake_case")]
pub enum Role {
    /// Manages tenants, and sees one of them at a time through a declared access.
    SuperAdmin,
    /// Everything in one tenant.
    ClientAdmin,
    /// Reads one tenant.
    ClientUser,
}

impl Role {
    /// The word in the database and in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SuperAdmin => "super_admin",
            Self::ClientAdmin => "client_admin",
            Self::ClientUser => "client_user",
        }
    }

    /// What the role is within a tenant of its own; the platform's people have none.
    pub fn in_tenant(self) -> Option<api_keys::Role> {
        match self {
            Self::SuperAdmin => None,
            Self::ClientAdmin => Some(api_keys::Role::ClientAdmin),
            Self::ClientUser => Some(api_keys::Role::ClientUser),
        }
    }
}

impl From<api_keys::Role> for Role {
    fn from(role: api_keys::Role) -> Self {
        match role {
            api_keys::Role::ClientAdmin => Self::ClientAdmin,
            api_keys::Role::ClientUser => Self::ClientUser,
        }
    }
}

/// The word is none of this list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a word of this list")]
pub struct UnknownWordInRow;

impl FromStr for Role {
    type Err = UnknownWordInRow;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        [Self::SuperAdmin, Self::ClientAdmin, Self::ClientUser]
            .into_iter()
            .find(|role| role.as_str() == word)
            .ok_or(UnknownWordInRow)
    }
}

/// How a user stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, schemars::JsonSchema)]
#[schemars(rename = "UserState", rename_all = "snake_case")]
pub enum State {
    /// Has no password yet.
    Invited,
    /// May sign in.
    Active,
    /// May not, until reactivated.
    Deactivated,
}

impl State {
    /// The word in the database and in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Invited => "invited",
            Self::Active => "active",
            Self::Deactivated => "deactivated",
        }
    }
}

impl FromStr for State {
    type Err = UnknownWordInRow;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        [Self::Invited, Self::Active, Self::Deactivated]
            .into_iter()
            .find(|state| state.as_str() == word)
            .ok_or(UnknownWordInRow)
    }
}

/// A user of a tenant, opened.
#[derive(Debug, Clone)]
pub struct User {
    /// Who.
    pub id: UserId,
    /// What they are called. Personal.
    pub name: PersonName,
    /// By what they sign in; of one user on the whole platform. Personal.
    pub email: EmailAddress,
    /// What they may do.
    pub role: api_keys::Role,
    /// How they stand.
    pub state: State,
    /// They have a second factor.
    pub second_factor: bool,
    /// When they last signed in.
    pub signed_in_at: Option<DateTime<Utc>>,
    /// Counts changes.
    pub version: i32,
    /// When they were invited.
    pub created_at: DateTime<Utc>,
    /// When they were last changed.
    pub updated_at: DateTime<Utc>,
}
