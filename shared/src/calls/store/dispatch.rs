//! Dispatch: one look at one tenant, under its lock.

use chrono::{DateTime, Utc};
use sqlx::Row;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use super::rows::{CallRow, TenantRow};
use crate::calls::rules::breaker::Breaker;
use crate::calls::rules::snapshot::{AccountFacts, TenantFacts};
use crate::db::{Db, Error, TenantTx};
use crate::ids::{AccountId, AttemptId, CallId, ContactId, TenantId};

/// What a look at a tenant starts from. Holds the locks of account and tenant until its transaction ends.
#[derive(Debug)]
pub struct Look {
    /// The instant of the look.
    pub now: DateTime<Utc>,
    /// The tenant's facts.
    pub tenant: TenantFacts,
    /// The account's, if the tenant has one.
    pub account: Option<LookAccount>,
    /// Somebody woke the tenant.
    pub woken: bool,
    /// Nobody did, and only the safety net made us look, though something may have come due before it.
    pub by_net: bool,
    /// The first planned call that isn't due yet comes due.
    pub first_eligible: Option<DateTime<Utc>>,
    /// The first planned call's last chance.
    pub first_warning: Option<DateTime<Utc>>,
    /// The first planned call's deadline.
    pub first_deadline: Option<DateTime<Utc>>,
    /// The first call now that is given back.
    pub first_front_end: Option<DateTime<Utc>>,
}

/// The provider account as seen in a look.
#[derive(Debug)]
pub struct LookAccount {
    /// Which.
    pub id: AccountId,
    /// Not a real vendor.
    pub simulator: bool,
    /// Facts for the rule.
    pub facts: AccountFacts,
    /// Starts per second that are allowed now (the breaker's ramp included).
    pub rate: f64,
    /// Its breaker.
    pub breaker: Breaker,
}

impl LookAccount {
    /// Reads the account's columns of `dispatch_open()` or `explain_open()`; `None` if the tenant has no account.
    pub(super) fn from_row(row: &PgRow, now: DateTime<Utc>) -> Result<Option<Self>, Error> {
        let Some(id) = row.try_get("account_id")? else { return Ok(None) };
        let limit: i32 = row.try_get("max_concurrent")?;
        let held: i64 = row.try_get("slots_held")?;
        let breaker: Option<sqlx::types::Json<Breaker>> = row.try_get("breaker")?;
        let breaker = breaker.map(|json| json.0).unwrap_or_default();
        let starts_per_second: f64 = row.try_get("starts_per_second")?;
        Ok(Some(Self {
            id,
            simulator: row.try_get("simulator")?,
            rate: breaker.allowed_rate(now, starts_per_second),
            breaker,
            facts: AccountFacts {
                held: row.try_get("held")?,
                breaker_open: row.try_get("breaker_open")?,
                free_slots: u32::try_from(i64::from(limit) - held).unwrap_or(0),
                next_start_at: row.try_get("next_start_at")?,
            },
        }))
    }
}

/// Everything that one look decided.
#[derive(Debug, Default)]
pub struct Decided {
    /// Calls to reserve, with the ids of their attempts.
    pub reserved: Vec<(CallId, AttemptId)>,
    /// Calls to look at later: when, and the codes of the reasons.
    pub moved: Vec<(CallId, DateTime<Utc>, String)>,
    /// When the account's next start is allowed after these.
    pub next_start_at: Option<DateTime<Utc>>,
    /// When to look at the tenant next.
    pub next_look: Option<DateTime<Utc>>,
    /// The next look is only the safety net.
    pub net: bool,
    /// The tenant waits for its account: the earliest deadline among what waits.
    pub waits: Option<DateTime<Utc>>,
}

/// A reservation that isn't claimed within this time goes back to planned.
pub const RESERVATION: chrono::Duration = chrono::Duration::seconds(60);

/// Locks account and tenant, takes the tenant's wakes, and reads. `None`: there is no such tenant.
///
/// # Errors
/// Any [`Error`].
pub async fn open(tx: &mut TenantTx) -> Result<Option<Look>, Error> {
    let Some(row) = sqlx::query("select * from dispatch_open()").fetch_optional(tx.conn()).await?
    else {
        return Ok(None);
    };
    let tenant = <TenantRow as sqlx::FromRow<_>>::from_row(&row)?;
    let now: DateTime<Utc> = row.try_get("now")?;
    let account = LookAccount::from_row(&row, now)?;
    let woken = row.try_get::<i64, _>("wakes")? > 0;
    let net_at: DateTime<Utc> = row.try_get("net_at")?;
    let first_eligible: Option<DateTime<Utc>> = row.try_get("first_eligible")?;
    let next_dispatch_at: DateTime<Utc> = row.try_get("next_dispatch_at")?;
    Ok(Some(Look {
        now,
        tenant: tenant.facts()?,
        account,
        woken,
        by_net: !woken
            && net_at <= now
            && net_at == next_dispatch_at
            && first_eligible.is_none_or(|at| at <= net_at),
        first_eligible,
        first_warning: row.try_get("first_warning")?,
        first_deadline: row.try_get("first_deadline")?,
        first_front_end: row.try_get("first_front_end")?,
    }))
}

/// When the first planned call comes due that isn't known to be. [`candidates`] has made due what has come due.
///
/// # Errors
/// Any [`Error`].
pub async fn first_eligible(tx: &mut TenantTx) -> Result<Option<DateTime<Utc>>, Error> {
    let first = "select min(eligible_at) from calls where state = 'planned' and not is_due";
    Ok(sqlx::query_scalar(first).fetch_one(tx.conn()).await?)
}

/// The first `limit` due calls of each class: call now, deadline before `urgent_before`, the rest.
///
/// # Errors
/// Any [`Error`].
pub async fn candidates(
    tx: &mut TenantTx,
    now: DateTime<Utc>,
    urgent_before: DateTime<Utc>,
    limit: i32,
    day_start: DateTime<Utc>,
) -> Result<Vec<CallRow>, Error> {
    Ok(sqlx::query_as("select * from dispatch_candidates($1, $2, $3, $4)")
        .bind(now)
        .bind(urgent_before)
        .bind(limit)
        .bind(day_start)
        .fetch_all(tx.conn())
        .await?)
}

/// One planned call, wherever it stands in the order: for the breaker's probe.
///
/// # Errors
/// Any [`Error`].
pub async fn candidate(
    tx: &mut TenantTx,
    now: DateTime<Utc>,
    call: CallId,
    day_start: DateTime<Utc>,
) -> Result<Vec<CallRow>, Error> {
    Ok(sqlx::query_as("select * from calls_with_facts(array[$1], $2, $3) where state = 'planned'")
        .bind(call)
        .bind(now)
        .bind(day_start)
        .fetch_all(tx.conn())
        .await?)
}

/// Writes what a look decided.
///
/// # Errors
/// Any [`Error`].
pub async fn write(
    tx: &mut TenantTx,
    now: DateTime<Utc>,
    account: Option<AccountId>,
    decided: &Decided,
) -> Result<(), Error> {
    let far = DateTime::<Utc>::MAX_UTC;
    let next = decided.next_look.filter(|at| *at < far);
    let (calls, attempts): (Vec<Uuid>, Vec<Uuid>) =
        decided.reserved.iter().map(|(call, attempt)| (call.0, attempt.0)).unzip();
    let moved: Vec<Uuid> = decided.moved.iter().map(|(call, ..)| call.0).collect();
    let eligible: Vec<DateTime<Utc>> = decided.moved.iter().map(|(_, at, _)| *at).collect();
    let blocked: Vec<&str> = decided.moved.iter().map(|(.., why)| why.as_str()).collect();
    sqlx::query(
        "select dispatch_write($1, $2, $3, $4, $5, $6, $7, $8, $9, coalesce($10, '9999-12-31 00:00:00+00'), \
         case when $11 then coalesce($10, '9999-12-31 00:00:00+00') else '9999-12-31 00:00:00+00' end, $12, coalesce($13, '9999-12-31 00:00:00+00'))",
    )
    .bind(now)
    .bind(account)
    .bind(decided.next_start_at.unwrap_or(now))
    .bind(calls)
    .bind(attempts)
    .bind(now + RESERVATION)
    .bind(moved)
    .bind(eligible)
    .bind(blocked)
    .bind(next)
    .bind(decided.net)
    .bind(decided.waits.is_some())
    .bind(decided.waits)
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// A planned call that time has caught up with.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct Overtaken {
    /// The call.
    pub id: CallId,
    /// Whom it was for.
    pub contact_id: ContactId,
    /// Why it had not gone out at the last look.
    pub blocked: Vec<String>,
}

/// Calls whose deadline has passed: refused, and their contacts flagged.
///
/// # Errors
/// Any [`Error`].
pub async fn refuse_overdue(
    tx: &mut TenantTx,
    now: DateTime<Utc>,
) -> Result<Vec<Overtaken>, Error> {
    Ok(sqlx::query_as(
        "with gone as (update calls set state = 'refused', ended_reason = 'deadline_passed', is_due = false, front = false, \
             settled_at = $1, updated_at = $1 where state = 'planned' and deadline <= $1 \
             returning tenant_id, id, contact_id, appointment_id, blocked), \
         flagged as (insert into flags (tenant_id, id, contact_id, appointment_id, call_id, reason, raised_at) \
             select tenant_id, gen_random_uuid(), contact_id, appointment_id, id, \
                 case when cardinality(blocked) > 0 then 'not_called:' || blocked[1] else 'not_called:deadline_passed' end, $1 \
             from gone on conflict do nothing) \
         select id, contact_id, blocked from gone",
    )
    .bind(now)
    .fetch_all(tx.conn())
    .await?)
}

/// Calls that are still held or deferred at their last chance: flagged, once.
///
/// # Errors
/// Any [`Error`].
pub async fn flag_last_chances(
    tx: &mut TenantTx,
    now: DateTime<Utc>,
) -> Result<Vec<Overtaken>, Error> {
    Ok(sqlx::query_as(
        "with late as (update calls set warn_at = '9999-12-31 00:00:00+00' where state = 'planned' and warn_at <= $1 \
             returning tenant_id, id, contact_id, appointment_id, blocked), \
         flagged as (insert into flags (tenant_id, id, contact_id, appointment_id, call_id, reason, raised_at) \
             select tenant_id, gen_random_uuid(), contact_id, appointment_id, id, \
                 case when cardinality(blocked) > 0 then 'last_chance:' || blocked[1] else 'last_chance:waiting' end, $1 \
             from late on conflict do nothing) \
         select id, contact_id, blocked from late",
    )
    .bind(now)
    .fetch_all(tx.conn())
    .await?)
}

/// Calls now that were not dialled in their 10 minutes: put back if they were planned before, else withdrawn.
///
/// # Errors
/// Any [`Error`].
pub async fn give_back_fronts(
    tx: &mut TenantTx,
    now: DateTime<Utc>,
) -> Result<Vec<Overtaken>, Error> {
    Ok(sqlx::query_as(
        "update calls set front = false, front_until = null, updated_at = $1, \
             state = case when taken_over then 'planned' else 'withdrawn' end, \
             is_due = is_due and taken_over, \
             ended_reason = case when taken_over then ended_reason else 'call_now_expired' end, \
             settled_at = case when taken_over then settled_at else $1 end \
         where state = 'planned' and front and front_until <= $1 returning id, contact_id, blocked",
    )
    .bind(now)
    .fetch_all(tx.conn())
    .await?)
}

/// One call is refused for good.
///
/// # Errors
/// Any [`Error`].
pub async fn refuse(
    tx: &mut TenantTx,
    now: DateTime<Utc>,
    call: CallId,
    reason: &str,
) -> Result<(), Error> {
    sqlx::query(
        "with gone as (update calls set state = 'refused', ended_reason = $3, is_due = false, front = false, \
             settled_at = $2, updated_at = $2 where id = $1 and state = 'planned' \
             returning tenant_id, id, contact_id, appointment_id) \
         insert into flags (tenant_id, id, contact_id, appointment_id, call_id, reason, raised_at) \
         select tenant_id, gen_random_uuid(), contact_id, appointment_id, id, 'not_called:' || $3, $2 from gone \
         on conflict do nothing",
    )
    .bind(call)
    .bind(now)
    .bind(reason)
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Tenants to look at: woken or due first; then, in fair order, those that wait for a free slot of their account.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct DueTenant {
    /// The tenant.
    pub tenant_id: TenantId,
    /// Its account.
    pub account_id: Option<AccountId>,
}

/// At most `limit` tenants that were woken, are due, or wait for an account that has room again.
///
/// Fair: of those that wait for one account, who holds the fewest slots for its weight comes first, then the earliest
/// deadline.
///
/// # Errors
/// Any [`Error`].
pub async fn due_tenants(db: &Db, limit: i32) -> Result<Vec<DueTenant>, Error> {
    Ok(sqlx::query_as("select tenant_id, account_id from due_tenants($1)")
        .bind(limit)
        .fetch_all(db.engine_pool())
        .await?)
}

/// Whether any tenant is due, woken or waits for an account.
///
/// # Errors
/// Any [`Error`].
pub async fn anyone_due(db: &Db) -> Result<bool, Error> {
    Ok(sqlx::query_scalar("select anyone_due()").fetch_one(db.engine_pool()).await?)
}

/// Passes a tenant over for `wait`, since a look at it failed: what is wrong with one tenant delays no other.
///
/// In a transaction of its own. The tenant's wakes stay, for the look that works.
///
/// # Errors
/// Any [`Error`].
pub async fn pass_over(db: &Db, tenant: TenantId, wait: chrono::Duration) -> Result<(), Error> {
    sqlx::query(
        "update dispatch_state set not_before = app_clock() + make_interval(secs => $2) where tenant_id = $1",
    )
    .bind(tenant)
    .bind(wait.as_seconds_f64())
    .execute(db.engine_pool())
    .await?;
    Ok(())
}

/// The turn of one process to dispatch, until it is ended or its connection is lost.
#[derive(Debug)]
pub struct Turn(crate::db::EngineTx);

impl Turn {
    /// Lets the next process have it.
    ///
    /// # Errors
    /// Any [`Error`]; PostgreSQL ends the turn by itself then.
    pub async fn end(self) -> Result<(), Error> {
        self.0.commit().await
    }
}

/// Takes the turn, or `None` while another process has it.
///
/// Held by a transaction, which PostgreSQL ends after 3 s of silence: a frozen process loses its turn.
///
/// # Errors
/// Any [`Error`].
pub async fn take_turn(db: &Db) -> Result<Option<Turn>, Error> {
    let mut tx = db.engine().await?;
    let taken: bool =
        sqlx::query_scalar("select pg_try_advisory_xact_lock(hashtext('vio.dispatch'))")
            .fetch_one(tx.conn())
            .await?;
    Ok(taken.then_some(Turn(tx)))
}
