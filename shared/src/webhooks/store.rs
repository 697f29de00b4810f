//! SQL of received webhooks. Stored before their tenant is known, hence by the engine's role.

use crate::db::{Db, Error};
use crate::ids::{AccountId, AttemptId, TenantId, WebhookId};
use crate::telemetry::traces::Trace;

/// A received webhook, sealed under the master key.
#[derive(Debug, Clone)]
pub struct Received {
    /// Its id, which the seal is bound to.
    pub id: WebhookId,
    /// Whose signature it carried, if a provider account's.
    pub account: Option<AccountId>,
    /// Whose key it carried, if a tenant's.
    pub tenant: Option<TenantId>,
    /// `retell` or `outcome`.
    pub format: &'static str,
    /// The body, sealed.
    pub body: Vec<u8>,
    /// By [`crate::crypto::MasterKeys::webhook_mark`]: a repetition is dropped. After a new master key, or from the release
    /// before, one is stored and applied again, which changes nothing.
    pub body_hash: Vec<u8>,
    /// The trace that it belongs to, if traces are exported.
    pub trace: Option<Trace>,
}

/// Stores webhooks in one transaction. Returns the ids of those that were new.
///
/// # Errors
/// Any [`Error`]; nothing was stored then, and the sender will try again.
pub async fn store(db: &Db, received: &[Received]) -> Result<Vec<WebhookId>, Error> {
    let ids: Vec<_> = received.iter().map(|webhook| webhook.id.0).collect();
    let accounts: Vec<_> = received.iter().map(|webhook| webhook.account.map(|id| id.0)).collect();
    let tenants: Vec<_> = received.iter().map(|webhook| webhook.tenant.map(|id| id.0)).collect();
    let formats: Vec<_> = received.iter().map(|webhook| webhook.format).collect();
    let bodies: Vec<_> = received.iter().map(|webhook| webhook.body.as_slice()).collect();
    let hashes: Vec<_> = received.iter().map(|webhook| webhook.body_hash.as_slice()).collect();
    let traces: Vec<_> =
        received.iter().map(|webhook| webhook.trace.map(|t| t.to_string())).collect();
    Ok(sqlx::query_scalar(
        "insert into webhooks (id, account_id, tenant_id, format, body, body_hash, trace, received_at) \
         select i, a, t, f, b, h, p, app_clock() \
         from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::bytea[], $6::bytea[], $7::text[]) \
             as w (i, a, t, f, b, h, p) \
         on conflict do nothing returning id",
    )
    .bind(ids)
    .bind(accounts)
    .bind(tenants)
    .bind(formats)
    .bind(bodies)
    .bind(hashes)
    .bind(traces)
    .fetch_all(db.engine_pool())
    .await?)
}

/// A stored webhook, still sealed.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Stored {
    /// The webhook.
    pub id: WebhookId,
    /// Whose signature it carried.
    pub account_id: Option<AccountId>,
    /// Whose key it carried.
    pub tenant_id: Option<TenantId>,
    /// `retell` or `outcome`.
    pub format: String,
    /// The body, sealed.
    pub body: Vec<u8>,
    /// The trace that it belongs to, as a `traceparent`.
    pub trace: Option<String>,
    /// Nobody has tried it before; this try is counted already.
    pub first_try: bool,
}

/// Those of `webhooks` that are not processed yet, oldest first. First tries are counted here, for all of them at once;
/// one that was tried before is counted when its turn comes, lest it take its neighbours' tries with it.
///
/// # Errors
/// Any [`Error`].
pub async fn take(db: &Db, webhooks: &[WebhookId]) -> Result<Vec<Stored>, Error> {
    let ids: Vec<_> = webhooks.iter().map(|id| id.0).collect();
    Ok(sqlx::query_as("select * from webhooks_taken($1)")
        .bind(ids)
        .fetch_all(db.engine_pool())
        .await?)
}

/// Notes what became of webhooks, and forgets what they said.
///
/// # Errors
/// Any [`Error`].
pub async fn mark(db: &Db, done: &[(WebhookId, &'static str, &'static str)]) -> Result<(), Error> {
    let ids: Vec<_> = done.iter().map(|(id, ..)| id.0).collect();
    let states: Vec<_> = done.iter().map(|(_, state, _)| *state).collect();
    let results: Vec<_> = done.iter().map(|(.., result)| *result).collect();
    sqlx::query("select webhooks_done($1, $2, $3)")
        .bind(ids)
        .bind(states)
        .bind(results)
        .execute(db.engine_pool())
        .await?;
    Ok(())
}

/// The attempt that a provider's call belongs to, by the provider's id: for webhooks whose metadata is missing.
///
/// # Errors
/// Any [`Error`].
pub async fn attempt_of(
    db: &Db,
    account: AccountId,
    provider_call: &str,
) -> Result<Option<(TenantId, AttemptId)>, Error> {
    Ok(sqlx::query_as(
        "select tenant_id, id from attempts where account_id = $1 and provider_call_id = $2",
    )
    .bind(account)
    .bind(provider_call)
    .fetch_optional(db.engine_pool())
    .await?)
}
