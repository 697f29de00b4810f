//! Counts, for people and for tests that wait.

use serde::{Deserialize, Serialize};

use crate::outage::VendorFaults;

/// How much of everything there is.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct State {
    /// Requests to place a call that reached the server.
    pub requests: u64,
    /// Those that placed one.
    pub accepted: u64,
    /// Calls accepted and not answered yet.
    pub registered: u64,
    /// Telephones that ring at this moment; `registered` counts them too.
    pub ringing: u64,
    /// Calls with somebody on the line.
    pub ongoing: u64,
    /// Calls that are over and not analysed (yet).
    pub ended: u64,
    /// Calls that are analysed.
    pub analyzed: u64,
    /// What became of the webhooks.
    pub webhooks: Webhooks,
    /// Account by account.
    pub accounts: Vec<AccountState>,
    /// The faults of the whole vendor that are switched on.
    pub vendor: VendorFaults,
}

/// Webhooks, since the start or the last reset.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Webhooks {
    /// Waiting to be sent, under way, or waiting for a retry.
    pub pending: u64,
    /// Answered with a 2xx.
    pub delivered: u64,
    /// Attempts that failed.
    pub failed_attempts: u64,
    /// Given up after the last retry.
    pub given_up: u64,
}

/// One account.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AccountState {
    /// Its label.
    pub label: String,
    /// Calls accepted and not over.
    pub current_concurrency: u32,
    /// How many it may have.
    pub concurrency_limit: u32,
}
