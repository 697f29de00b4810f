//! Appending to a tenant's events and audit chain, and reading the chains.

use uuid::Uuid;

use super::Changes;
use super::chain::{Chain, Entry};
use crate::db::{Error, TenantTx};

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
