//! SQL of reading the trail.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{Filter, Part, Row};
use crate::audit::chain::Chain;
use crate::db::{Error, TenantTx};

/// So many entries are looked at for one page, whatever is wanted: a page of a chain of any length takes a bounded time, and
/// may be short. No index on people, contacts or acts has to be kept at each call for what is asked a few times a year.
pub const LOOKED_AT: i64 = 100_000;

/// A page of the tenant's trail, the latest first: at most `most` entries with numbers below `before`.
///
/// # Errors
/// Any [`Error`].
pub async fn page(
    tx: &mut TenantTx,
    filter: &Filter,
    before: Option<i64>,
    most: u16,
) -> Result<Part, Error> {
    let (lowest, highest) = between(tx, filter).await?;
    let below = highest.saturating_add(1).min(before.unwrap_or(i64::MAX));
    let from = lowest.max(below.saturating_sub(LOOKED_AT));
    let actors = filter.person.map(|id| vec![format!("user:{id}"), format!("key:{id}")]);
    let rows: Vec<Row> = sqlx::query_as(
        "select n, at, actor, action, entity, detail from audit_entries
         where chain = $1 and n < $2 and n >= $3
             and ($4::text[] is null or actor = any ($4) or starts_with(actor, $5)
                 or actor = 'stranger' and entity = $6)
             and ($7::text is null or starts_with(action, $7))
             and at >= coalesce($8, '-infinity') and at < coalesce($9, 'infinity')
             and ($10::uuid is null
                 or entity = $10
                 or entity = any (array(select id from appointments where contact_id = $10
                     union all select id from calls where contact_id = $10))
                 or chain = 'accesses' and position($11 in detail) > 0)
         order by n desc limit $12",
    )
    .bind(filter.chain.word())
    .bind(below)
    .bind(from)
    .bind(actors)
    .bind(filter.person.map(|id| format!("visitor:{id}/")))
    .bind(filter.person)
    .bind(&filter.act)
    .bind(filter.from)
    .bind(filter.to)
    .bind(filter.contact)
    .bind(filter.contact.map(|id| id.0.as_bytes().to_vec()))
    .bind(i64::from(most))
    .fetch_all(tx.conn())
    .await?;
    let looked_to = match rows.last() {
        Some(last) if rows.len() == usize::from(most) => last.n,
        _ => from,
    };
    Ok(Part { rows, next: (looked_to > lowest).then_some(looked_to) })
}

/// Between which numbers the wanted times lie. The heads know which times they cover; what no head covers yet is looked at in
/// any case.
async fn between(tx: &mut TenantTx, filter: &Filter) -> Result<(i64, i64), Error> {
    let (lowest, highest): (i64, i64) = sqlx::query_as(
        "with h as (select serial, n, earliest, latest from audit_heads where chain = $1),
              last as (select coalesce(max(n), 0) as n from h)
         select
             coalesce((select max(b.n) from h b where $2 is not null
                 and b.serial < coalesce((select min(serial) from h where latest >= $2), 9223372036854775807)), 0) + 1,
             case when e.n = last.n
                 or t.n - last.n > 2000
                 or exists (select from (select at from audit_entries where chain = $1 and n > last.n order by n limit 2000) tail
                     where at < $3) then t.n else e.n end
         from last,
             (select coalesce(max(n), 0) as n from h where $3::timestamptz is null or earliest < $3) e,
             (select case $1 when 'accesses' then access_n else change_n end as n from tenant_heads) t",
    )
    .bind(filter.chain.word())
    .bind(filter.from)
    .bind(filter.to)
    .fetch_optional(tx.conn())
    .await?
    .unwrap_or((1, 0));
    Ok((lowest, highest))
}

/// The wrapped keys of the contacts that `entities` are, or whose appointments or calls they are: entity, contact, key. No key
/// stands where a contact was erased.
///
/// # Errors
/// Any [`Error`].
pub async fn keys_of(
    tx: &mut TenantTx,
    entities: &[Uuid],
) -> Result<Vec<(Uuid, Uuid, Option<Vec<u8>>)>, Error> {
    Ok(sqlx::query_as(
        "select id, id, key_wrapped from contacts where id = any ($1)
         union all select p.id, c.id, c.key_wrapped from appointments p join contacts c on c.id = p.contact_id where p.id = any ($1)
         union all select k.id, c.id, c.key_wrapped from calls k join contacts c on c.id = k.contact_id where k.id = any ($1)",
    )
    .bind(entities)
    .fetch_all(tx.conn())
    .await?)
}

/// The entries between two times are among those of these numbers: from the one after a head, to a head. Everything between
/// is sealed, so that the stretch is complete.
///
/// # Errors
/// Any [`Error`].
pub async fn sealed_stretch(
    tx: &mut TenantTx,
    chain: Chain,
    from: Option<DateTime<Utc>>,
    to: Option<DateTime<Utc>>,
) -> Result<(i64, i64), Error> {
    Ok(sqlx::query_as(
        "with h as (select serial, earliest, latest from audit_heads where chain = $1)
         select coalesce((select min(serial) from h where $2::timestamptz is null or latest >= $2),
                 (select max(serial) + 1 from h), 1) - 1,
             coalesce((select max(serial) from h where $3::timestamptz is null or earliest < $3), 0)",
    )
    .bind(chain.word())
    .bind(from)
    .bind(to)
    .fetch_one(tx.conn())
    .await?)
}
