//! After the database went back in time: what was dialled since is read from the provider before anybody is dialled.

use chrono::{DateTime, Utc};

use super::sweep::ToCheck;
use crate::crypto::EqualityHash;
use crate::db::{Db, Error, TenantTx};
use crate::ids::{AccountId, AttemptId, CallId, DoNotCallId, TenantId};

/// Holds all dialling. The numbers of dials go on after `used`, which counts as remembered from now on, so that the check
/// passes once dialling resumes. `false`: it is held already, or the record was read up to `used` meanwhile.
///
/// # Errors
/// Any [`Error`].
pub async fn begin(db: &Db, used: i64) -> Result<bool, Error> {
    // The numbers first: whoever dies in between leaves a database that is still found to have gone back.
    sqlx::query("select setval('dial_serial', greatest($1, (select last_value from dial_serial)))")
        .bind(used)
        .execute(db.engine_pool())
        .await?;
    let begun = sqlx::query(
        "update platform_state set recovering_at = app_clock(), \
             recovered_serial = $1, recovering_from = coalesce((select max(intent_at) from attempts), app_clock() - interval '1 day') - interval '5 minutes' \
         where recovering_at is null and recovered_serial < $1",
    )
    .bind(used)
    .execute(db.engine_pool())
    .await?;
    Ok(begun.rows_affected() > 0)
}

/// A recovery that is under way.
#[derive(Debug, Clone, Copy, sqlx::FromRow)]
pub struct Recovery {
    /// Since when dialling is held.
    pub recovering_at: DateTime<Utc>,
    /// The provider's calls since then are adopted.
    pub recovering_from: DateTime<Utc>,
    /// Now.
    pub now: DateTime<Utc>,
    /// When PostgreSQL was started: another instant is perhaps another, older database.
    pub server_started_at: DateTime<Utc>,
}

/// The recovery that is under way, if one is.
///
/// # Errors
/// Any [`Error`].
pub async fn current(db: &Db) -> Result<Option<Recovery>, Error> {
    Ok(sqlx::query_as(
        "select recovering_at, recovering_from, app_clock() as now, pg_postmaster_start_time() as server_started_at \
         from platform_state where recovering_at is not null",
    )
    .fetch_optional(db.engine_pool())
    .await?)
}

/// What is reserved while dialling is held was reserved before the record was read: gap and window must be asked again.
///
/// # Errors
/// Any [`Error`].
pub async fn reserved(db: &Db) -> Result<Vec<ToCheck>, Error> {
    Ok(sqlx::query_as(
        "select tenant_id, id, account_id, state from attempts where state = 'reserved'",
    )
    .fetch_all(db.engine_pool())
    .await?)
}

/// Dialling goes on, and every tenant is looked at, by trigger. `false`: PostgreSQL was started anew since the recovery was read, and
/// may have lost what was adopted meanwhile; or another recovery has begun since, which has its own time to wait; or something is
/// still reserved from before. The next sweep sees to it.
///
/// # Errors
/// Any [`Error`].
pub async fn end(db: &Db, recovery: &Recovery) -> Result<bool, Error> {
    let done = sqlx::query(
        "update platform_state set recovering_at = null, recovering_from = null where pg_postmaster_start_time() = $1 \
             and recovering_at = $2 and not exists (select from attempts where state = 'reserved')",
    )
    .bind(recovery.server_started_at)
    .bind(recovery.recovering_at)
    .execute(db.engine_pool())
    .await?;
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    Ok(true)
}

/// Holds an account whose record could not be read, until its administrator releases it: a probe doesn't.
///
/// # Errors
/// Any [`Error`].
pub async fn hold_unread(db: &Db, account: AccountId) -> Result<(), Error> {
    sqlx::query(
        "update accounts set held_at = coalesce(held_at, app_clock()), held_reason = 'not_read_after_restore', probe_at = null \
         where id = $1",
    )
    .bind(account)
    .execute(db.engine_pool())
    .await?;
    Ok(())
}

/// A call at the provider that the database may have forgotten.
#[derive(Debug, Clone)]
pub struct Forgotten {
    /// The attempt that asked for it.
    pub attempt: AttemptId,
    /// The call that it was of.
    pub call: CallId,
    /// Through which account.
    pub account: AccountId,
    /// The provider's id.
    pub provider_call_id: String,
    /// When it rang, as far as is known.
    pub at: DateTime<Utc>,
}

/// Enters a forgotten attempt as placed, if its call is known. `false`: it isn't, or the attempt is known. `number` is the
/// one that rang, if the provider tells.
///
/// The call is taken from whatever the restored database had planned with it: it is under way.
///
/// # Errors
/// Any [`Error`].
pub async fn adopt(
    tx: &mut TenantTx,
    found: &Forgotten,
    number: Option<EqualityHash>,
) -> Result<bool, Error> {
    tx.events_were_numbered();
    Ok(sqlx::query_scalar("select adopt_dial($1, $2, $3, $4, $5, $6)")
        .bind(found.attempt)
        .bind(found.call)
        .bind(found.account)
        .bind(&found.provider_call_id)
        .bind(found.at)
        .bind(number)
        .fetch_one(tx.conn())
        .await?)
}

/// A number that was put on a do-not-call list, as the journal has it.
#[derive(Debug, Clone, Copy)]
pub struct OptOut<'a> {
    /// The entry's id, to which the seal is bound.
    pub id: DoNotCallId,
    /// The number's equality hash.
    pub number_eq: &'a [u8],
    /// The number, sealed.
    pub number: &'a [u8],
    /// When.
    pub at: DateTime<Utc>,
    /// How it came onto the list.
    pub source: &'a str,
}

/// Puts a number on a tenant's do-not-call list again.
///
/// # Errors
/// Any [`Error`].
pub async fn replay_opt_out(db: &Db, tenant: TenantId, found: &OptOut<'_>) -> Result<(), Error> {
    let mut tx = db.tenant(tenant).await?;
    sqlx::query(
        "insert into do_not_call (tenant_id, id, number, number_eq, source, reason, added_by, added_at) \
         select id, $1, $2, $3, $5, 'replayed from the journal', 'worker', $4 from tenants \
         where not exists (select from do_not_call d where d.id = $1) on conflict do nothing",
    )
    .bind(found.id)
    .bind(found.number)
    .bind(found.number_eq)
    .bind(found.at)
    .bind(found.source)
    .execute(tx.conn())
    .await?;
    tx.commit().await
}

/// Takes an entry off a tenant's do-not-call list again.
///
/// # Errors
/// Any [`Error`].
pub async fn replay_removal(
    db: &Db,
    tenant: TenantId,
    id: DoNotCallId,
    at: DateTime<Utc>,
) -> Result<(), Error> {
    let mut tx = db.tenant(tenant).await?;
    sqlx::query("update do_not_call set removed_at = $2, removed_by = 'worker' where id = $1 and removed_at is null")
        .bind(id)
        .bind(at)
        .execute(tx.conn())
        .await?;
    tx.commit().await
}
