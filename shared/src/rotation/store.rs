//! SQL of rotations: the rows that say how far each is, and one step of one.

mod contacts;
mod equality;
pub mod numbers;
mod tenant;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{Kind, Lead, Progress, RotationError, Step};
use crate::audit::{Actor, Changes};
use crate::crypto::{TenantKey, TenantKeyPurpose, TenantKeys};
use crate::db::{Db, Error, TenantTx};
use crate::ids::TenantId;
use crate::tenants::KeyRing;

/// Begins a rotation, or finds the one that runs.
///
/// # Errors
/// [`RotationError`]; nothing was begun then.
pub async fn begin(
    db: &Db,
    ring: &KeyRing,
    tenant: TenantId,
    kind: Kind,
    lead: Lead,
) -> Result<Progress, RotationError> {
    let mut tx = db.tenant(tenant).await?;
    // Of two that begin at a time, one finds the other's.
    sqlx::query("select from tenants for no key update")
        .execute(tx.conn())
        .await
        .map_err(Error::from)?;
    if let Some(found) = of_tenant(&mut tx)
        .await?
        .into_iter()
        .find(|found| found.kind == kind.as_str() && found.state == "running")
    {
        return Ok(found);
    }
    let key_id = match kind {
        Kind::Contacts => 0,
        Kind::Tenant => new_key(&mut tx, ring, TenantKeyPurpose::Field, lead).await?,
        Kind::Equality => new_key(&mut tx, ring, TenantKeyPurpose::Equality, lead).await?,
    };
    let wait = match kind {
        Kind::Contacts => 0.0,
        _ => (lead.before_it_seals + lead.before_the_rest).as_secs_f64(),
    };
    let begun = sqlx::query_as(
        "insert into key_rotations as r (tenant_id, kind, state, key_id, phase, after, rows_total, ready_at, started_at, changed_at)
         select $1, $2, 'running', $3, 'contacts', $4,
             (select count(*) from contacts where key_wrapped is not null)
                 + case when $2 <> 'contacts' then (select count(*) from do_not_call) else 0 end,
             clock_timestamp() + make_interval(secs => $5), clock_timestamp(), clock_timestamp()
         on conflict (tenant_id, kind) do update set state = 'running', key_id = excluded.key_id, phase = excluded.phase,
             after = excluded.after, rows_done = 0, rows_total = excluded.rows_total, ready_at = excluded.ready_at,
             started_at = excluded.started_at, changed_at = excluded.changed_at, finished_at = null
         returning tenant_id, kind, state, phase, rows_done, rows_total, ready_at, started_at, finished_at",
    )
    .bind(tenant)
    .bind(kind.as_str())
    .bind(key_id)
    .bind(Uuid::nil())
    .bind(wait)
    .fetch_one(tx.conn())
    .await
    .map_err(Error::from)?;
    let mut changes = Changes::by(Actor::Platform);
    changes.entry(action(kind), tenant.0, None);
    changes.append(&mut tx).await?;
    tx.commit().await?;
    Ok(begun)
}

fn action(kind: Kind) -> &'static str {
    match kind {
        Kind::Tenant => "keys.rotate_tenant",
        Kind::Contacts => "keys.rotate_contacts",
        Kind::Equality => "keys.rotate_equality",
    }
}

async fn new_key(
    tx: &mut TenantTx,
    ring: &KeyRing,
    purpose: TenantKeyPurpose,
    lead: Lead,
) -> Result<i32, RotationError> {
    let held: Vec<i32> = sqlx::query_scalar("select key_id from tenant_keys where purpose = $1")
        .bind(purpose.as_str())
        .fetch_all(tx.conn())
        .await
        .map_err(Error::from)?;
    if purpose == TenantKeyPurpose::Equality && held.len() > 1 {
        return Err(RotationError::Running);
    }
    let id = held.into_iter().max().unwrap_or(0) + 1;
    let of_tenant = RotationError::in_table("tenant_keys");
    let key = TenantKey::generate(tx.tenant().0, purpose, id.unsigned_abs()).map_err(&of_tenant)?;
    sqlx::query(
        "insert into tenant_keys (tenant_id, purpose, key_id, wrapped, master_key_id, seals_from)
         values (tid(), $1, $2, $3, $4, clock_timestamp() + make_interval(secs => $5))",
    )
    .bind(purpose.as_str())
    .bind(id)
    .bind(ring.master().wrap(&key).map_err(&of_tenant)?)
    .bind(i32::try_from(ring.master().current_id()).unwrap_or(i32::MAX))
    .bind(lead.before_it_seals.as_secs_f64())
    .execute(tx.conn())
    .await
    .map_err(Error::from)?;
    Ok(id)
}

/// The transaction's tenant's rotations: the last of each kind.
///
/// # Errors
/// Any [`Error`].
pub async fn of_tenant(tx: &mut TenantTx) -> Result<Vec<Progress>, Error> {
    Ok(sqlx::query_as(
        "select tenant_id, kind, state, phase, rows_done, rows_total, ready_at, started_at, finished_at
         from key_rotations order by kind",
    )
    .fetch_all(tx.conn())
    .await?)
}

/// Rotations that something can be done for, of all tenants, at most `most`.
///
/// # Errors
/// Any [`Error`].
pub async fn unfinished(db: &Db, most: i64) -> Result<Vec<(TenantId, Kind)>, Error> {
    let rows: Vec<(TenantId, String)> = sqlx::query_as(
        "select tenant_id, kind from key_rotations
         where state = 'running' and ready_at <= clock_timestamp() order by ready_at limit $1",
    )
    .bind(most)
    .fetch_all(db.engine_pool())
    .await?;
    Ok(rows.into_iter().filter_map(|(id, kind)| Some((id, Kind::from_word(&kind)?))).collect())
}

/// A rotation under this step's lock.
#[derive(Debug, sqlx::FromRow)]
struct Place {
    key_id: i32,
    phase: String,
    after: Uuid,
    ready_at: DateTime<Utc>,
    started_at: DateTime<Utc>,
    waits: bool,
}

/// Where a step leaves its rotation.
enum Left {
    /// In the same phase, after this row; so many rows were looked at.
    After(Uuid, u64),
    /// The phase is over; this one comes.
    Next(&'static str),
    /// Nothing is to be done before.
    Until(DateTime<Utc>),
    /// All is done.
    Done,
}

/// One step: a batch of rows, in a transaction of its own. Who is stopped in the middle has done nothing.
///
/// # Errors
/// [`RotationError`]; the batch was not done then.
pub async fn step(
    db: &Db,
    ring: &KeyRing,
    tenant: TenantId,
    kind: Kind,
) -> Result<Step, RotationError> {
    let mut tx = db.tenant(tenant).await?;
    let runs: bool = sqlx::query_scalar(
        "select exists (select from key_rotations where kind = $1 and state = 'running')",
    )
    .bind(kind.as_str())
    .fetch_one(tx.conn())
    .await
    .map_err(Error::from)?;
    if !runs {
        return Ok(Step::Done);
    }
    let place: Option<Place> = sqlx::query_as(
        "select key_id, phase, after, ready_at, started_at, ready_at > clock_timestamp() as waits
         from key_rotations where kind = $1 and state = 'running' for update skip locked",
    )
    .bind(kind.as_str())
    .fetch_optional(tx.conn())
    .await
    .map_err(Error::from)?;
    let Some(place) = place else { return Ok(Step::Elsewhere) };
    if place.waits {
        // Gives the row back before it says so: whoever comes next finds it free.
        tx.rollback().await?;
        return Ok(Step::Waits(place.ready_at));
    }
    let keys = ring.of(&mut tx).await?;
    if !knows(&keys, kind, &place) {
        tx.rollback().await?;
        return Ok(Step::Elsewhere);
    }
    // Nobody has to be woken: nothing changes but how it is sealed. Rows that are changed here wake nobody.
    sqlx::query("select set_config('app.by_dispatch', 'on', true)")
        .execute(tx.conn())
        .await
        .map_err(Error::from)?;
    let left = match kind {
        Kind::Tenant => tenant::batch(&mut tx, &keys, &place).await?,
        Kind::Contacts => contacts::batch(&mut tx, &keys, &place).await?,
        Kind::Equality => equality::batch(&mut tx, &keys, &place).await?,
    };
    let step = leave(&mut tx, kind, left).await?;
    tx.commit().await?;
    Ok(step)
}

fn knows(keys: &TenantKeys, kind: Kind, place: &Place) -> bool {
    let (field, equality) = keys.current_ids();
    match kind {
        Kind::Contacts => true,
        Kind::Tenant => field == place.key_id.unsigned_abs(),
        Kind::Equality => equality == place.key_id.unsigned_abs(),
    }
}

async fn leave(tx: &mut TenantTx, kind: Kind, left: Left) -> Result<Step, RotationError> {
    let (after, rows, phase, until, done) = match left {
        Left::After(after, rows) => (after, rows, None, None, false),
        Left::Next(phase) => (Uuid::nil(), 0, Some(phase), None, false),
        Left::Until(at) => (Uuid::nil(), 0, None, Some(at), false),
        Left::Done => (Uuid::nil(), 0, Some("done"), None, true),
    };
    sqlx::query(
        "update key_rotations set after = $2, rows_done = rows_done + $3, phase = coalesce($4, phase),
             ready_at = coalesce($5, ready_at), state = case when $6 then 'done' else state end,
             finished_at = case when $6 then clock_timestamp() end, changed_at = clock_timestamp()
         where kind = $1",
    )
    .bind(kind.as_str())
    .bind(after)
    .bind(i64::try_from(rows).unwrap_or(i64::MAX))
    .bind(phase)
    .bind(until)
    .bind(done)
    .execute(tx.conn())
    .await
    .map_err(Error::from)?;
    Ok(match (until, done) {
        (Some(until), _) => Step::Waits(until),
        (None, true) => Step::Done,
        (None, false) => Step::Went(rows),
    })
}
