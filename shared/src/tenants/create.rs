//! A tenant to be made: its row, its keys, and the rows that the engine locks.

use chrono_tz::Tz;

use crate::calls::rules::policy::{Allowance, Policy};
use crate::ids::{AccountId, TenantId};

pub use super::store::create::{create, exists, stop_all};

/// A tenant to be made.
#[derive(Debug, Clone)]
pub struct NewTenant {
    /// Its id, made by the caller.
    pub id: TenantId,
    /// What the business is called, 1 to 200 characters.
    pub name: String,
    /// Its zone.
    pub zone: Tz,
    /// Through which account it dials.
    pub account: Option<AccountId>,
    /// The voice agent that speaks for it.
    pub agent_id: Option<String>,
    /// The number that is shown to who is called.
    pub caller_number: Option<String>,
    /// What it has chosen.
    pub policy: Policy,
    /// What it may choose.
    pub allowance: Allowance,
}

impl NewTenant {
    /// A tenant that has chosen nothing, and doesn't dial yet.
    pub fn new(name: impl Into<String>, zone: Tz) -> Self {
        Self {
            id: TenantId::new(),
            name: name.into(),
            zone,
            account: None,
            agent_id: None,
            caller_number: None,
            policy: Policy::default(),
            allowance: Allowance::default(),
        }
    }

    /// The same, for trying out: it may call numbers that no telephone has, and does.
    #[must_use]
    pub fn with_test_numbers(mut self) -> Self {
        self.allowance.may_allow_test_numbers = true;
        self.policy.allow_test_numbers = true;
        self
    }
}
