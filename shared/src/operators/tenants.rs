//! Changing a tenant as the platform: its account, its allowance, whether it may dial at all. Each change is in the
//! tenant's own audit chain, with the operator's name sealed in it.

use crate::calls::rules::policy::PolicyFault;
use crate::db;
use crate::ids::{AccountId, TenantId};
use crate::tenants::KeyError;

pub use super::store::tenants::{By, change_account, change_allowance, resume, suspend};

/// Why a tenant was not changed.
#[derive(Debug, thiserror::Error)]
pub enum TenantRefusal {
    /// There is none.
    #[error("there is no tenant {0}")]
    Unknown(TenantId),
    /// There is no such account, or it is another tenant's own.
    #[error(
        "there is no account {0} that this tenant may use: `api admin account list` shows them all"
    )]
    NotItsAccount(AccountId),
    /// It dials through this account.
    #[error("the tenant dials through this account already")]
    SameAccount,
    /// It might dial while it is moved.
    #[error(
        "suspend the tenant first (`api admin tenant suspend`): a call must not begin at one account and go on at the other"
    )]
    NotSuspended,
    /// Calls of it are under way.
    #[error("{0} of its calls are under way: wait until they are over, and try again")]
    UnderWay(i64),
    /// The new allowance makes no sense.
    #[error("the allowance makes no sense: {}", told(.0))]
    Absurd(Vec<PolicyFault>),
    /// The tenant has chosen more than the new allowance lets it.
    #[error("its policy chooses more than that; have it changed first: {}", told(.0))]
    PolicyExceeds(Vec<PolicyFault>),
    /// A setting isn't one of an allowance, or not of its kind.
    #[error("not an allowance: {0}")]
    NotAnAllowance(String),
    /// The tenant's keys.
    #[error(transparent)]
    Keys(#[from] KeyError),
    /// PostgreSQL.
    #[error("{}", .0.cause())]
    Db(#[from] db::Error),
}

fn told(faults: &[PolicyFault]) -> String {
    faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}
