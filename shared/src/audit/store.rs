//! Appending to a tenant's events and audit chain, and reading the chains.

use uuid::Uuid;

use super::Changes;
use super::chain::{Broken, Chain, Entry, Reached};
use crate::db::{Db, Error, TenantTx};
use crate::ids::TenantId;

/// From so many entries on they are stored by one statement. Below it `append_changes()` is as fast, and so stays what every
/// single change goes through.
const MANY: usize = 64;

impl Changes {
    /// Numbers and stores the changes. Returns the number of the tenant's last event.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn append(self, tx: &mut TenantTx) -> Result<i64, Error> {
        let (mut kinds, mut entities, mut contacts) = (Vec::new(), Vec::new(), Vec::new());
        for (kind, entity, contact) in self.events {
            kinds.push(kind);
            entities.push(entity);
            contacts.push(contact.map(|id| id.0));
        }
        if !kinds.is_empty() {
            tx.events_were_numbered();
        }
        let (mut actions, mut audited, mut details) =
            (Vec::new(), Vec::new(), Vec::<Option<Vec<u8>>>::new());
        for (action, entity, detail) in self.entries {
            actions.push(action);
            audited.push(entity);
            details.push(detail.map(crate::crypto::Sealed::into_bytes));
        }
        let append = if actions.len() < MANY {
            "select append_changes($1, $2, $3, $4, $5, $6, $7)"
        } else {
            "select append_many_changes($1, $2, $3, $4, $5, $6, $7)"
        };
        Ok(sqlx::query_scalar(append)
            .bind(kinds)
            .bind(entities)
            .bind::<Vec<Option<Uuid>>>(contacts)
            .bind(self.actor.to_string())
            .bind(actions)
            .bind(audited)
            .bind(details)
            .fetch_one(tx.conn())
            .await?)
    }
}

/// The entries of one of the tenant's chains from number `from` on, at most `most`, in order.
///
/// # Errors
/// Any [`Error`].
pub async fn entries(
    tx: &mut TenantTx,
    chain: Chain,
    from: i64,
    most: i64,
) -> Result<Vec<Entry>, Error> {
    Ok(sqlx::query_as(
        "select n, at, actor, action, entity, detail, row_hash, chain_hash from audit_entries
         where chain = $1 and n >= $2 order by n limit $3",
    )
    .bind(chain.word())
    .bind(from)
    .bind(most)
    .fetch_all(tx.conn())
    .await?)
}

/// Entries that are read at a time.
const AT_A_TIME: i64 = 5_000;

/// Checks one of a tenant's chains from its first entry to the one that is noted as its last, as they stand at one moment.
/// Returns how far it goes, to compare with what was kept elsewhere, or where it is broken.
///
/// # Errors
/// Any [`Error`].
pub async fn check(
    db: &Db,
    tenant: TenantId,
    chain: Chain,
) -> Result<Result<Reached, Broken>, Error> {
    let mut tx = db.tenant_snapshot(tenant).await?;
    let last: Option<i64> = sqlx::query_scalar(
        "select case $1 when 'accesses' then access_n else change_n end from tenant_heads",
    )
    .bind(chain.word())
    .fetch_optional(tx.conn())
    .await?;
    let mut reached = Reached::default();
    loop {
        let some = entries(&mut tx, chain, reached.n + 1, AT_A_TIME).await?;
        if let Err(broken) = reached.go_on(tenant, chain, &some) {
            return Ok(Err(broken));
        }
        if some.is_empty() {
            let whole = last.unwrap_or_default() <= reached.n;
            return Ok(if whole { Ok(reached) } else { Err(Broken::Cut(reached.n)) });
        }
    }
}
