//! Accounts at the voice provider: a key with its limits, the platform's or a tenant's own.

pub mod store;

use chrono::{DateTime, Utc};

use crate::crypto::{CryptoError, MasterKeys, PlatformField};
use crate::ids::{AccountId, TenantId};

/// An account to be stored.
#[derive(Debug, Clone)]
pub struct NewAccount {
    /// Its id, made by the caller.
    pub id: AccountId,
    /// Whose it is; `None` is the platform's, shared by tenants.
    pub tenant: Option<TenantId>,
    /// For operators.
    pub name: String,
    /// Where the provider's API is.
    pub base_url: String,
    /// A simulator: the only one that is ever sent test numbers.
    pub simulator: bool,
    /// Calls at the same time, 1 to 10,000.
    pub max_concurrent: u32,
    /// Starts in one second, more than 0 and at most 10,000.
    pub starts_per_second: f64,
    /// Silence of the provider's list of calls may settle an unknown attempt.
    pub list_trusted: bool,
}

/// An account as operators see it. Without keys.
#[derive(Debug, Clone)]
pub struct Account {
    /// Its id.
    pub id: AccountId,
    /// Whose it is; `None` is the platform's.
    pub tenant: Option<TenantId>,
    /// For operators.
    pub name: String,
    /// Where the provider's API is.
    pub base_url: String,
    /// A simulator.
    pub simulator: bool,
    /// Calls at the same time.
    pub max_concurrent: u32,
    /// Starts in one second.
    pub starts_per_second: f64,
    /// Silence of the provider's list may settle an unknown attempt.
    pub list_trusted: bool,
    /// Held since, after 401, 402 or 403.
    pub held_at: Option<DateTime<Utc>>,
    /// Too many requests failed.
    pub breaker_open: bool,
}

/// The secrets of an account, sealed under the master key.
#[derive(Debug, Clone)]
pub struct SealedKeys {
    /// The account.
    pub account: AccountId,
    /// With which the provider's API is called.
    pub api: Vec<u8>,
    /// With which the provider signs its webhooks.
    pub webhook: Vec<u8>,
    /// The one before, while keys rotate.
    pub webhook_before: Option<Vec<u8>>,
}

impl SealedKeys {
    /// The key with which the provider's API is called.
    ///
    /// # Errors
    /// Any [`CryptoError`] about a sealed value.
    pub fn open_api(
        &self,
        master: &MasterKeys,
    ) -> Result<zeroize::Zeroizing<Vec<u8>>, CryptoError> {
        master.open_platform(PlatformField::ProviderApiKey, self.account.0, &self.api)
    }

    /// The keys with which a webhook may be signed, the current one first.
    ///
    /// # Errors
    /// Any [`CryptoError`] about a sealed value.
    pub fn open_webhook(
        &self,
        master: &MasterKeys,
    ) -> Result<Vec<zeroize::Zeroizing<Vec<u8>>>, CryptoError> {
        [Some(&self.webhook), self.webhook_before.as_ref()]
            .into_iter()
            .flatten()
            .map(|sealed| {
                master.open_platform(PlatformField::ProviderWebhookKey, self.account.0, sealed)
            })
            .collect()
    }
}
