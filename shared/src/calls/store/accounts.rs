//! Provider accounts, as dialling sees them: credentials, breaker, holds, probes and limits.

use chrono::{DateTime, Utc};
use sqlx::types::Json;

use crate::calls::rules::breaker::{Breaker, Heard};
use crate::db::{Db, Error};
use crate::ids::{AccountId, CallId, TenantId};

/// How an account is reached. Keys are still sealed.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct AccountRow {
    /// The account.
    pub id: AccountId,
    /// Whose own it is; none: the platform's.
    pub tenant_id: Option<TenantId>,
    /// Its address.
    pub base_url: String,
    /// Our simulator, not a vendor.
    pub simulator: bool,
    /// The API key, sealed.
    pub key_sealed: Vec<u8>,
    /// The webhook key, sealed.
    pub webhook_key_sealed: Vec<u8>,
    /// The webhook key before this one, sealed, while it is still accepted.
    pub webhook_key_old: Option<Vec<u8>>,
    /// Held since.
    pub held_at: Option<DateTime<Utc>>,
    /// Its breaker.
    pub breaker: Option<Json<Breaker>>,
    /// When it is to be probed.
    pub probe_at: Option<DateTime<Utc>>,
    /// When its limits were last asked for.
    pub limits_at: Option<DateTime<Utc>>,
}

/// All accounts.
///
/// # Errors
/// Any [`Error`].
pub async fn all(db: &Db) -> Result<Vec<AccountRow>, Error> {
    Ok(sqlx::query_as(
        "select id, tenant_id, base_url, simulator, key_sealed, webhook_key_sealed, \
             case when coalesce(webhook_key_old_until > app_clock(), true) then webhook_key_old end as webhook_key_old, held_at, breaker, probe_at, limits_at \
         from accounts",
    )
    .fetch_all(db.engine_pool())
    .await?)
}

/// One account.
///
/// # Errors
/// Any [`Error`].
pub async fn find(db: &Db, account: AccountId) -> Result<Option<AccountRow>, Error> {
    Ok(sqlx::query_as(
        "select id, tenant_id, base_url, simulator, key_sealed, webhook_key_sealed, \
             case when coalesce(webhook_key_old_until > app_clock(), true) then webhook_key_old end as webhook_key_old, held_at, breaker, probe_at, limits_at \
         from accounts where id = $1",
    )
    .bind(account)
    .fetch_optional(db.engine_pool())
    .await?)
}

/// Holds an account after 401, 402 or 403. `true` if it wasn't.
///
/// # Errors
/// Any [`Error`].
pub async fn hold(db: &Db, account: AccountId, reason: &str) -> Result<bool, Error> {
    let done = sqlx::query(
        "update accounts set held_at = app_clock(), held_reason = $2, probe_at = app_clock() + interval '1 minute' \
         where id = $1 and held_at is null",
    )
    .bind(account)
    .bind(reason)
    .execute(db.engine_pool())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Releases an account. Its tenants are looked at in fair order, since they wait for it.
///
/// # Errors
/// Any [`Error`].
pub async fn release(db: &Db, account: AccountId) -> Result<(), Error> {
    sqlx::query(
        "update accounts set held_at = null, held_reason = null, probe_at = null where id = $1",
    )
    .bind(account)
    .execute(db.engine_pool())
    .await?;
    Ok(())
}

/// Tells an account's breaker what a request said. One row, under its lock.
///
/// While the breaker is closed only failures are told, and the successes between them are read from the attempts: so
/// a healthy provider costs no write.
///
/// # Errors
/// Any [`Error`].
pub async fn tell_breaker(
    db: &Db,
    account: AccountId,
    heard: Heard,
    sent_at: DateTime<Utc>,
) -> Result<Breaker, Error> {
    let mut tx = db.engine().await?;
    let (now, stored): (DateTime<Utc>, Option<Json<Breaker>>) =
        sqlx::query_as("select app_clock(), breaker from accounts where id = $1 for update")
            .bind(account)
            .fetch_one(tx.conn())
            .await?;
    let stored = stored.map(|json| json.0).unwrap_or_default();
    let breaker = if stored.is_closed() {
        let answers: Vec<(DateTime<Utc>, Option<String>, Option<i32>)> = sqlx::query_as(
            "select answered_at, answer, status_code from attempts where account_id = $1 and answered_at > $2 - interval '15 minutes' \
             order by answered_at desc limit 10",
        )
        .bind(account)
        .bind(now)
        .fetch_all(tx.conn())
        .await?;
        answers.into_iter().rev().fold(Breaker::default(), |breaker, (at, answer, status)| {
            let heard = match answer.as_deref() {
                Some("accepted") => Heard::Placed,
                Some("refused") if status != Some(429) => Heard::Refused,
                _ => Heard::ProviderFailed,
            };
            breaker.on_answer(heard, at, at)
        })
    } else {
        stored.on_answer(heard, sent_at, now)
    };
    save(&mut tx, account, &breaker).await?;
    tx.commit().await?;
    Ok(breaker)
}

/// Takes the breaker's probe, so that one worker has it. `None`: there is none to take now.
///
/// # Errors
/// Any [`Error`].
pub async fn take_probe(db: &Db, account: AccountId) -> Result<Option<DateTime<Utc>>, Error> {
    let mut tx = db.engine().await?;
    let (now, stored): (DateTime<Utc>, Option<Json<Breaker>>) =
        sqlx::query_as("select app_clock(), breaker from accounts where id = $1 for update")
            .bind(account)
            .fetch_one(tx.conn())
            .await?;
    let Some(taken) = stored.and_then(|json| json.0.take_probe(now)) else { return Ok(None) };
    save(&mut tx, account, &taken).await?;
    tx.commit().await?;
    Ok(Some(now))
}

async fn save(
    tx: &mut crate::db::EngineTx,
    account: AccountId,
    breaker: &Breaker,
) -> Result<(), Error> {
    sqlx::query("update accounts set breaker = $2, breaker_open = $3 where id = $1")
        .bind(account)
        .bind(Json(breaker))
        .bind(breaker.is_open())
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Takes the probe of a held account, so that one worker asks.
///
/// # Errors
/// Any [`Error`].
pub async fn take_hold_probe(db: &Db, account: AccountId) -> Result<bool, Error> {
    let done = sqlx::query(
        "update accounts set probe_at = app_clock() + interval '1 minute' where id = $1 and held_at is not null \
         and probe_at <= (select app_clock())",
    )
    .bind(account)
    .execute(db.engine_pool())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Stores the limits that the vendor told, at most once a minute. `concurrent` is what outbound calls may use.
///
/// # Errors
/// Any [`Error`].
pub async fn store_limits(db: &Db, account: AccountId, concurrent: i32) -> Result<(), Error> {
    sqlx::query("update accounts set vendor_limit = $2, limits_at = app_clock() where id = $1")
        .bind(account)
        .bind(concurrent.clamp(1, 10_000))
        .execute(db.engine_pool())
        .await?;
    Ok(())
}

/// Takes the turn to ask for an account's limits.
///
/// # Errors
/// Any [`Error`].
pub async fn take_limits_turn(db: &Db, account: AccountId) -> Result<bool, Error> {
    let done = sqlx::query(
        "update accounts set limits_at = app_clock() where id = $1 and coalesce(limits_at, '1970-01-01') < app_clock() - interval '1 minute'",
    )
    .bind(account)
    .execute(db.engine_pool())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Calls of an account's tenants that may be due: candidates for a probe. Of each tenant those furthest from their
/// deadlines; one of each before the second of any, and the tenants in an order that changes, since one that is paused
/// must not keep the breaker open for all.
///
/// # Errors
/// Any [`Error`].
pub async fn probe_candidates(
    db: &Db,
    account: AccountId,
) -> Result<Vec<(TenantId, CallId)>, Error> {
    Ok(sqlx::query_as(
        "select tenant_id, id from (\
             select k.tenant_id, k.id, row_number() over (partition by k.tenant_id order by k.deadline desc) as place \
             from calls k join dispatch_state d on d.tenant_id = k.tenant_id and d.account_id = $1 \
             where k.state = 'planned' and (k.is_due or k.eligible_at <= (select app_clock()))) candidates \
         where place <= 5 order by place, random() limit 50",
    )
    .bind(account)
    .fetch_all(db.engine_pool())
    .await?)
}

/// Stores what `worker provider check` measured.
///
/// # Errors
/// Any [`Error`].
pub async fn store_check(
    db: &Db,
    account: AccountId,
    result: &serde_json::Value,
    list_trusted: bool,
    lag_seconds: Option<i32>,
) -> Result<(), Error> {
    sqlx::query(
        "update accounts set checked_at = app_clock(), check_result = $2, list_trusted = $3, list_lag_seconds = $4 where id = $1",
    )
    .bind(account)
    .bind(result)
    .bind(list_trusted)
    .bind(lag_seconds)
    .execute(db.engine_pool())
    .await?;
    Ok(())
}
