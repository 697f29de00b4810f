//! Tenants: the businesses that have people phoned, their keys and settings.

pub mod closed_dates;
pub mod create;
mod keys;
pub mod store;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use crate::calls::rules::policy::{Allowance, Policy};
use crate::contacts::phone::{PhoneRules, UnknownRegion};
use crate::ids::{AccountId, TenantId};

pub use keys::{KeyError, KeyRing};

/// A tenant with its settings.
#[derive(Debug, Clone)]
pub struct Tenant {
    /// Its id.
    pub id: TenantId,
    /// What the business is called.
    pub name: String,
    /// Its zone: days and calling hours go by it.
    pub zone: Tz,
    /// Not suspended.
    pub active: bool,
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
    /// Counts changes of the settings.
    pub version: i32,
    /// Held as *not configured*, since the provider refused its settings.
    pub refused: Option<Stop>,
    /// Paused by hand.
    pub paused: Option<Stop>,
    /// Paused by the rule about failures and opt-outs.
    pub auto_paused: Option<Stop>,
    /// When it was last resumed.
    pub resumed_at: DateTime<Utc>,
}

/// Since when and why nothing is dialled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stop {
    /// Since when.
    pub at: DateTime<Utc>,
    /// Why.
    pub reason: Option<String>,
}

impl Tenant {
    /// Which numbers its policy accepts.
    ///
    /// # Errors
    /// [`UnknownRegion`] if the policy names a region that has no telephone numbers.
    pub fn phone_rules(&self) -> Result<PhoneRules, UnknownRegion> {
        phone_rules(&self.policy)
    }
}

/// Which numbers a policy accepts. Numbers without a country code are British where the policy accepts those.
///
/// # Errors
/// [`UnknownRegion`] if the policy names a region that has no telephone numbers.
pub fn phone_rules(policy: &Policy) -> Result<PhoneRules, UnknownRegion> {
    let mut regions: Vec<String> = policy.number_regions.iter().map(ToString::to_string).collect();
    regions.sort_by_key(|region| region != "GB");
    PhoneRules::new(&regions, policy.allow_test_numbers)
}
