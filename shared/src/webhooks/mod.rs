//! Webhooks as they arrived: stored sealed, acknowledged, then applied.

pub mod store;

use crate::crypto::{CryptoError, MasterKeys, PlatformField};
use crate::ids::{AccountId, TenantId, WebhookId};
use crate::telemetry::traces;
use store::Received;

/// Whose word a webhook is, once its signature or key was checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// A provider account's, in the vendor's format.
    Account(AccountId),
    /// A tenant's own system, in the requirements' format.
    Tenant(TenantId),
}

/// Seals a webhook's body for storing. It belongs to the trace of the span that is entered.
///
/// # Errors
/// [`CryptoError::NoRandomness`].
pub fn seal(master: &MasterKeys, source: Source, body: &[u8]) -> Result<Received, CryptoError> {
    let id = WebhookId::new();
    let (account, tenant, format) = match source {
        Source::Account(account) => (Some(account), None, "retell"),
        Source::Tenant(tenant) => (None, Some(tenant), "outcome"),
    };
    Ok(Received {
        id,
        account,
        tenant,
        format,
        body: master.seal_platform(PlatformField::WebhookBody, id.0, body)?.into_bytes(),
        trace: traces::current(),
        body_hash: master.webhook_mark(body).to_vec(),
    })
}
