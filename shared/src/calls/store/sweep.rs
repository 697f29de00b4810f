//! Sweeps: what each state's time limit finds, across tenants. Ids and times only.
//!
//! The clock stands in a subquery of its own: PostgreSQL reads it once then, and can use an index. Bare, it would be read
//! anew for every row.

use std::collections::HashMap;

use uuid::Uuid;

use crate::db::{Db, Error};
use crate::ids::{AccountId, AttemptId, SenderId, TenantId, WebhookId};
use crate::telemetry::traces::Trace;

/// A reservation to be sent.
#[derive(Debug, Clone, Copy, sqlx::FromRow)]
pub struct Unsent {
    /// Whose.
    pub tenant_id: TenantId,
    /// The reservation.
    pub id: AttemptId,
    /// How often it was sent before.
    pub send_no: i32,
}

/// Reservations that nobody sent, or that nobody took within 20 s of being sent.
///
/// The first 300 ms are left to the dispatcher that made them.
///
/// # Errors
/// Any [`Error`].
pub async fn unsent(db: &Db, limit: i64) -> Result<Vec<Unsent>, Error> {
    Ok(sqlx::query_as(
        "select tenant_id, id, send_no from attempts \
         where state = 'reserved' and (sent_at is null and reserved_at < (select app_clock()) - interval '300 milliseconds' \
               or sent_at < (select app_clock()) - interval '20 seconds') and expires_at > (select app_clock()) \
         order by sent_at nulls first, reserved_at limit $1",
    )
    .bind(limit)
    .fetch_all(db.engine_pool())
    .await?)
}

/// Notes that reservations were sent. Call it after sending: a crash in between sends them twice under one task id.
///
/// # Errors
/// Any [`Error`].
pub async fn mark_sent(db: &Db, sent: &[Unsent]) -> Result<(), Error> {
    let tenants: Vec<Uuid> = sent.iter().map(|row| row.tenant_id.0).collect();
    let ids: Vec<Uuid> = sent.iter().map(|row| row.id.0).collect();
    sqlx::query("select dials_sent($1, $2)")
        .bind(tenants)
        .bind(ids)
        .execute(db.engine_pool())
        .await?;
    Ok(())
}

/// The traces that reservations belong to: their calls', as they were planned. Those that have none are left out.
///
/// # Errors
/// Any [`Error`].
pub async fn traces_of(db: &Db, unsent: &[Unsent]) -> Result<HashMap<Uuid, Trace>, Error> {
    let tenants: Vec<Uuid> = unsent.iter().map(|row| row.tenant_id.0).collect();
    let ids: Vec<Uuid> = unsent.iter().map(|row| row.id.0).collect();
    let rows: Vec<(Uuid, String)> = sqlx::query_as(
        "select a.id, k.trace from unnest($1::uuid[], $2::uuid[]) as u (tenant, attempt) \
         join attempts a on a.tenant_id = u.tenant and a.id = u.attempt \
         join calls k on k.tenant_id = a.tenant_id and k.id = a.call_id where k.trace is not null",
    )
    .bind(tenants)
    .bind(ids)
    .fetch_all(db.engine_pool())
    .await?;
    Ok(rows.into_iter().filter_map(|(id, trace)| Some((id, Trace::parse(&trace)?))).collect())
}

/// Redis lost what it carried: everything unfinished is to be sent again.
///
/// # Errors
/// Any [`Error`].
pub async fn forget_sent(db: &Db) -> Result<u64, Error> {
    let attempts = sqlx::query(
        "update attempts set sent_at = null where state = 'reserved' and sent_at is not null",
    )
    .execute(db.engine_pool())
    .await?;
    let webhooks = sqlx::query(
        "update webhooks set sent_at = null where state = 'stored' and sent_at is not null",
    )
    .execute(db.engine_pool())
    .await?;
    Ok(attempts.rows_affected() + webhooks.rows_affected())
}

/// An attempt that a sweep is to look at.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct ToCheck {
    /// Whose.
    pub tenant_id: TenantId,
    /// The attempt.
    pub id: AttemptId,
    /// Its account.
    pub account_id: AccountId,
    /// Its state.
    pub state: String,
}

/// Reservations that nobody claimed in time.
///
/// # Errors
/// Any [`Error`].
pub async fn expired(db: &Db, limit: i64) -> Result<Vec<ToCheck>, Error> {
    Ok(sqlx::query_as(
        "select tenant_id, id, account_id, state from attempts where state = 'reserved' and expires_at <= (select app_clock()) limit $1",
    )
    .bind(limit)
    .fetch_all(db.engine_pool())
    .await?)
}

/// Takes attempts whose time has come; another sweep leaves them alone for a minute.
///
/// # Errors
/// Any [`Error`].
pub async fn take_checks(db: &Db, limit: i64) -> Result<Vec<ToCheck>, Error> {
    Ok(sqlx::query_as("select * from attempts_to_check($1)")
        .bind(limit)
        .fetch_all(db.engine_pool())
        .await?)
}

/// Registers a process that may dial.
///
/// # Errors
/// Any [`Error`].
pub async fn register_sender(db: &Db, sender: SenderId, host: Uuid) -> Result<(), Error> {
    sqlx::query(
        "insert into senders (id, host_id, started_at, seen_at) values ($1, $2, app_clock(), app_clock()) \
         on conflict (id) do update set seen_at = excluded.seen_at",
    )
    .bind(sender)
    .bind(host)
    .execute(db.engine_pool())
    .await?;
    Ok(())
}

/// A sign of life.
///
/// # Errors
/// Any [`Error`].
pub async fn sender_seen(db: &Db, sender: SenderId) -> Result<(), Error> {
    sqlx::query("update senders set seen_at = app_clock() where id = $1")
        .bind(sender)
        .execute(db.engine_pool())
        .await?;
    Ok(())
}

/// The sender will send nothing more.
///
/// # Errors
/// Any [`Error`].
pub async fn sender_ended(db: &Db, sender: SenderId) -> Result<(), Error> {
    sqlx::query("update senders set ended_at = app_clock(), seen_at = app_clock(), dead_at = coalesce(dead_at, app_clock()) where id = $1")
        .bind(sender)
        .execute(db.engine_pool())
        .await?;
    Ok(())
}

/// Senders of this host that gave no sign of life for 6 s, and aren't known to be dead.
///
/// # Errors
/// Any [`Error`].
pub async fn silent_senders(db: &Db, host: Uuid) -> Result<Vec<SenderId>, Error> {
    Ok(sqlx::query_scalar(
        "select id from senders where host_id = $1 and dead_at is null and seen_at < (select app_clock()) - interval '6 seconds'",
    )
    .bind(host)
    .fetch_all(db.engine_pool())
    .await?)
}

/// A successor took the sender's lock: it is dead, and what it was dialling is looked at now.
///
/// # Errors
/// Any [`Error`].
pub async fn sender_dead(db: &Db, sender: SenderId) -> Result<u64, Error> {
    sqlx::query("update senders set dead_at = app_clock() where id = $1 and dead_at is null")
        .bind(sender)
        .execute(db.engine_pool())
        .await?;
    let orphans = sqlx::query(
        "update attempts set check_at = app_clock() where claimed_by = $1 and state in ('dialling', 'unknown') \
         and check_at > (select app_clock())",
    )
    .bind(sender)
    .execute(db.engine_pool())
    .await?;
    Ok(orphans.rows_affected())
}

/// A stored webhook to be sent to the queue.
#[derive(Debug, Clone, Copy, sqlx::FromRow)]
pub struct UnsentWebhook {
    /// The webhook.
    pub id: WebhookId,
    /// How often it was sent before.
    pub send_no: i32,
}

/// Takes webhooks that nobody sent, or that were not processed within 20 s, and marks them as sent.
///
/// Marked first, unlike reservations: a crash before the push costs 20 s, and pushing first would let every worker push.
///
/// # Errors
/// Any [`Error`].
pub async fn take_webhooks(db: &Db, limit: i64) -> Result<Vec<UnsentWebhook>, Error> {
    Ok(sqlx::query_as("select id, send_no from webhooks_to_send($1, $2)")
        .bind(limit)
        .bind(MOST_TRIES)
        .fetch_all(db.engine_pool())
        .await?)
}

/// Removes what has served its time: processed webhooks and idempotency keys. Returns how many rows.
///
/// # Errors
/// Any [`Error`].
pub async fn remove_old(db: &Db) -> Result<u64, Error> {
    let webhooks = sqlx::query(
        "delete from webhooks where id in (select id from webhooks where state <> 'stored' \
         and received_at < (select app_clock()) - interval '7 days' limit 1000)",
    )
    .execute(db.engine_pool())
    .await?;
    let keys = sqlx::query(
        "delete from idempotency_keys where created_at < (select app_clock()) - interval '24 hours'",
    )
    .execute(db.engine_pool())
    .await?;
    Ok(webhooks.rows_affected() + keys.rows_affected())
}

/// What the gauges show, read from the database on a timer.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Gauges {
    /// How long the oldest due call has waited, in seconds; 0 if none waits.
    pub oldest_due_seconds: f64,
    /// Attempts whose fate is unknown.
    pub unknown_attempts: i64,
    /// Accounts whose breaker is open.
    pub breakers_open: i64,
    /// Accounts that are held.
    pub accounts_held: i64,
    /// Slots in use and allowed, of platform accounts.
    pub platform_slots: i64,
    /// Their limit.
    pub platform_limit: i64,
    /// Slots in use, of tenants' own accounts.
    pub own_slots: i64,
    /// Their limit.
    pub own_limit: i64,
}

/// Reads the gauges.
///
/// # Errors
/// Any [`Error`].
pub async fn gauges(db: &Db) -> Result<Gauges, Error> {
    Ok(sqlx::query_as(
        "select coalesce(extract(epoch from app_clock() - (select min(eligible_at) from calls where state = 'planned' and is_due)), 0)::float8 \
             as oldest_due_seconds, \
         (select count(*) from attempts where state = 'unknown') as unknown_attempts, \
         (select count(*) from accounts where breaker_open) as breakers_open, \
         (select count(*) from accounts where held_at is not null) as accounts_held, \
         (select coalesce(sum(slots_held(id)), 0)::bigint from accounts where tenant_id is null) as platform_slots, \
         (select coalesce(sum(least(max_concurrent, vendor_limit)), 0)::bigint from accounts where tenant_id is null) as platform_limit, \
         (select coalesce(sum(slots_held(id)), 0)::bigint from accounts where tenant_id is not null) as own_slots, \
         (select coalesce(sum(least(max_concurrent, vendor_limit)), 0)::bigint from accounts where tenant_id is not null) as own_limit",
    )
    .fetch_one(db.engine_pool())
    .await?)
}

/// A webhook that was tried so often is dead: kept, counted, and not tried again.
pub const MOST_TRIES: i32 = 10;

/// Counts a try, before it is made. Returns how many there were with this one; `None`: the webhook isn't to be tried.
///
/// # Errors
/// Any [`Error`].
pub async fn try_webhook(db: &Db, webhook: WebhookId) -> Result<Option<i32>, Error> {
    Ok(sqlx::query_scalar(
        "update webhooks set tries = tries + 1 where id = $1 and state = 'stored' and tries < $2 returning tries",
    )
    .bind(webhook)
    .bind(MOST_TRIES)
    .fetch_optional(db.engine_pool())
    .await?)
}

/// Takes a try back that failed for no fault of the webhook's.
///
/// # Errors
/// Any [`Error`].
pub async fn webhook_not_tried(db: &Db, webhook: WebhookId) -> Result<(), Error> {
    sqlx::query(
        "update webhooks set tries = greatest(tries - 1, 0) where id = $1 and state = 'stored'",
    )
    .bind(webhook)
    .execute(db.engine_pool())
    .await?;
    Ok(())
}

/// Gives up on a webhook. `false`: it isn't stored any more.
///
/// # Errors
/// Any [`Error`].
pub async fn bury_webhook(db: &Db, webhook: WebhookId) -> Result<bool, Error> {
    let done = sqlx::query(
        "update webhooks set state = 'dead', result = 'failed', processed_at = app_clock() where id = $1 and state = 'stored'",
    )
    .bind(webhook)
    .execute(db.engine_pool())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Gives up on webhooks whose last try ended its process: nobody was left to say so. Returns how many.
///
/// # Errors
/// Any [`Error`].
pub async fn bury_webhooks(db: &Db) -> Result<u64, Error> {
    let done = sqlx::query(
        "update webhooks set state = 'dead', result = 'failed', processed_at = app_clock() \
         where state = 'stored' and tries >= $1 and coalesce(sent_at, received_at) < app_clock() - interval '3 minutes'",
    )
    .bind(MOST_TRIES)
    .execute(db.engine_pool())
    .await?;
    Ok(done.rows_affected())
}
