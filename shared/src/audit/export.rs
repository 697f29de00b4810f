//! Writing a stretch of a tenant's trail to a file that an outsider verifies without us: entries as they were hashed, and the
//! heads around and between them. `docs/audit.md` describes the lines.

use std::io::{self, Write};

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::chain::{Broken, Chain, Entry, Reached};
use super::heads::{Head, instant, store as heads};
use super::store::entries;
use super::trail::store::sealed_stretch;
use crate::crypto::SigningKeys;
use crate::db::{Db, Error};
use crate::ids::TenantId;

/// Entries that are read at a time.
const AT_A_TIME: i64 = 1_000;

/// The export could not be written.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// It could not be read.
    #[error(transparent)]
    Db(#[from] Error),
    /// It could not be written.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A chain isn't what its heads say; `api admin audit verify` says where.
    #[error("the chain of {0} is broken: {1}")]
    Broken(&'static str, Broken),
}

/// What was written of one chain.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Stretch {
    /// Of which.
    pub chain: &'static str,
    /// The first entry, if there is any.
    pub from: i64,
    /// The last; less than the first if there is none.
    pub to: i64,
    /// Heads between and at the ends.
    pub heads: i64,
}

/// Writes both chains of a tenant, or what they have of a time: whole stretches from one head to another, so that nothing
/// between them can be missing. What no head covers yet is left out: sign one first.
///
/// # Errors
/// [`ExportError`]; what was written then is no export.
pub async fn write(
    db: &Db,
    keys: &SigningKeys,
    tenant: TenantId,
    (from, to): (Option<DateTime<Utc>>, Option<DateTime<Utc>>),
    out: &mut (impl Write + Send),
) -> Result<Vec<Stretch>, ExportError> {
    line(out, &json!({ "audit": "vioconcierge", "version": 1, "tenant": tenant }))?;
    for key in keys.public() {
        let public_key = hex::encode(key.as_bytes());
        line(out, &json!({ "key": { "id": key.id().as_str(), "public_key": public_key } }))?;
    }
    let mut written = Vec::new();
    for chain in Chain::BOTH {
        written.push(write_chain(db, (tenant, chain), (from, to), out).await?);
    }
    out.flush()?;
    Ok(written)
}

async fn write_chain(
    db: &Db,
    (tenant, chain): (TenantId, Chain),
    (from, to): (Option<DateTime<Utc>>, Option<DateTime<Utc>>),
    out: &mut (impl Write + Send),
) -> Result<Stretch, ExportError> {
    let broken = |found| ExportError::Broken(chain.word(), found);
    let mut tx = db.tenant_snapshot(tenant).await?;
    let (first, last) = sealed_stretch(&mut tx, chain, from, to).await?;
    let before = match first {
        0 => None,
        serial => heads::list(&mut tx, chain, serial - 1, 1).await?.pop(),
    };
    let head = before.as_ref().map(Head::public);
    line(out, &json!({ "begin": { "chain": chain.word(), "head": head } }))?;
    let mut reached =
        before.map_or_else(Reached::default, |head| Reached { n: head.n, hash: head.hash });
    let (start, mut serial, mut count) = (reached.n + 1, first, i64::from(first > 0));
    while serial < last {
        let mut tx = db.tenant_snapshot(tenant).await?;
        let head = heads::list(&mut tx, chain, serial, 1).await?.pop();
        let head = head.ok_or_else(|| broken(Broken::Head(serial + 1)))?;
        while reached.n < head.n {
            let most = AT_A_TIME.min(head.n - reached.n);
            let some = entries(&mut tx, chain, reached.n + 1, most).await?;
            if some.is_empty() {
                return Err(broken(Broken::Cut(reached.n)));
            }
            reached.go_on(tenant, chain, &some).map_err(broken)?;
            for entry in &some {
                line(out, &json!({ "entry": public(entry) }))?;
            }
        }
        if head.hash != reached.hash {
            return Err(broken(Broken::Head(head.serial)));
        }
        line(out, &json!({ "head": head.public() }))?;
        (serial, count) = (serial + 1, count + 1);
    }
    let Reached { n, hash } = reached;
    line(out, &json!({ "end": { "chain": chain.word(), "n": n, "hash": hex::encode(hash) } }))?;
    Ok(Stretch { chain: chain.word(), from: start, to: n, heads: count })
}

/// An entry as it was hashed. What is sealed stays so.
fn public(entry: &Entry) -> Value {
    json!({
        "n": entry.n,
        "at": instant(entry.at),
        "actor": entry.actor,
        "action": entry.action,
        "entity": entry.entity,
        "detail": hex::encode(entry.detail.as_deref().unwrap_or_default()),
        "row_hash": hex::encode(&entry.row_hash),
        "chain_hash": hex::encode(&entry.chain_hash),
    })
}

fn line(out: &mut impl Write, value: &Value) -> io::Result<()> {
    writeln!(out, "{value}")
}
