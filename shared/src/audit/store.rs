//! Appending to a tenant's events and audit chain.

use uuid::Uuid;

use super::Changes;
use crate::db::{Error, TenantTx};

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
        let (mut actions, mut audited, mut details) =
            (Vec::new(), Vec::new(), Vec::<Option<Vec<u8>>>::new());
        for (action, entity, detail) in self.entries {
            actions.push(action);
            audited.push(entity);
            details.push(detail.map(crate::crypto::Sealed::into_bytes));
        }
        Ok(sqlx::query_scalar("select append_changes($1, $2, $3, $4, $5, $6, $7)")
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
