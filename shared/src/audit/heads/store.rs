//! SQL of heads.

use chrono::{DateTime, Utc};

use super::Head;
use crate::audit::chain::{Chain, Reached};
use crate::crypto::KeyId;
use crate::db::{Db, Error, TenantTx};
use crate::ids::TenantId;

type Time = DateTime<Utc>;
type Columns = (i64, i64, Vec<u8>, Time, Vec<u8>, String, Vec<u8>, Time, Time);

fn read((tenant, chain): (TenantId, Chain), columns: Columns) -> Head {
    let (serial, n, hash, at, previous, key, signature, earliest, latest) = columns;
    let key = KeyId::from_text(&key);
    let covers = (earliest, latest);
    Head { tenant, chain, serial, n, hash, at, previous, covers, key, signature }
}

/// Heads of one of the tenant's chains after the one numbered `after`, in order, at most `most`.
///
/// # Errors
/// Any [`Error`].
pub async fn list(
    tx: &mut TenantTx,
    chain: Chain,
    after: i64,
    most: i64,
) -> Result<Vec<Head>, Error> {
    let rows: Vec<Columns> = sqlx::query_as(
        "select serial, n, hash, at, previous, key_id, signature, earliest, latest from audit_heads
         where chain = $1 and serial > $2 order by serial limit $3",
    )
    .bind(chain.word())
    .bind(after)
    .bind(most)
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(|columns| read((tx.tenant(), chain), columns)).collect())
}

/// The last head of one of the tenant's chains.
///
/// # Errors
/// Any [`Error`].
pub async fn last(tx: &mut TenantTx, chain: Chain) -> Result<Option<Head>, Error> {
    let row: Option<Columns> = sqlx::query_as(
        "select serial, n, hash, at, previous, key_id, signature, earliest, latest from audit_heads
         where chain = $1 order by serial desc limit 1",
    )
    .bind(chain.word())
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|columns| read((tx.tenant(), chain), columns)))
}

/// Stores a head. Returns whether it was the first of its number: another process may have been faster.
///
/// # Errors
/// Any [`Error`].
pub async fn append(tx: &mut TenantTx, head: &Head) -> Result<bool, Error> {
    let done = sqlx::query(
        "insert into audit_heads
             (tenant_id, chain, serial, n, hash, at, previous, earliest, latest, key_id, signature)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) on conflict do nothing",
    )
    .bind(tx.tenant())
    .bind(head.chain.word())
    .bind(head.serial)
    .bind(head.n)
    .bind(&head.hash)
    .bind(head.at)
    .bind(&head.previous)
    .bind(head.covers.0)
    .bind(head.covers.1)
    .bind(head.key.as_str())
    .bind(&head.signature)
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Where a chain stands by the tenant's own row, which is written with each entry.
///
/// # Errors
/// Any [`Error`].
pub async fn end(tx: &mut TenantTx, chain: Chain) -> Result<Reached, Error> {
    let row: Option<(i64, Vec<u8>)> = sqlx::query_as(
        "select case $1 when 'accesses' then access_n else change_n end,
             case $1 when 'accesses' then access_hash else change_hash end from tenant_heads",
    )
    .bind(chain.word())
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map_or_else(Reached::default, |(n, hash)| Reached { n, hash }))
}

/// The instant that a head bears.
///
/// # Errors
/// Any [`Error`].
pub async fn now(tx: &mut TenantTx) -> Result<DateTime<Utc>, Error> {
    Ok(sqlx::query_scalar("select app_clock()").fetch_one(tx.conn()).await?)
}

/// A chain that went on since its last head.
#[derive(Debug, Clone, PartialEq)]
pub struct Due {
    /// Whose.
    pub tenant: TenantId,
    /// Which.
    pub chain: Chain,
    /// How long the head is overdue; zero at the moment at which it is due.
    pub late_seconds: f64,
}

/// Chains with `entries` or more since their last head, or with any and a head older than `seconds`, or whose last head
/// another key than `key` signed: the longest waiting first.
///
/// # Errors
/// Any [`Error`].
pub async fn due(db: &Db, entries: i64, seconds: f64, key: &KeyId) -> Result<Vec<Due>, Error> {
    let rows: Vec<(TenantId, String, f64)> = sqlx::query_as(
        "select h.tenant_id, c.chain,
             greatest(0, extract(epoch from app_clock() - coalesce(s.at, t.created_at)) - $2)::float8
         from tenant_heads h join tenants t on t.id = h.tenant_id
         cross join lateral (values ('changes', h.change_n), ('accesses', h.access_n)) c (chain, n)
         left join lateral (select a.n, a.at, a.key_id from audit_heads a
             where a.tenant_id = h.tenant_id and a.chain = c.chain order by a.serial desc limit 1) s on true
         where c.n > coalesce(s.n, 0)
             and (s.n is null or c.n - s.n >= $1 or s.at <= app_clock() - make_interval(secs => $2))
           or s.key_id <> $3
         order by 3 desc limit 10000",
    )
    .bind(entries)
    .bind(seconds)
    .bind(key.as_str())
    .fetch_all(db.engine_pool())
    .await?;
    let due = |(tenant, chain, late_seconds): (TenantId, String, f64)| {
        let chain = if chain == "accesses" { Chain::Accesses } else { Chain::Changes };
        Due { tenant, chain, late_seconds }
    };
    Ok(rows.into_iter().map(due).collect())
}
