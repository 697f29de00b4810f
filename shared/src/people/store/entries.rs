//! Entries of the audit chains about people.

use uuid::Uuid;

use crate::audit::Actor;
use crate::db::{EngineTx, Error};
use crate::ids::TenantId;

/// Which of a tenant's chains.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chain {
    /// What was changed.
    Changes,
    /// Who came, who was refused, what was seen.
    Accesses,
}

impl Chain {
    fn as_str(self) -> &'static str {
        match self {
            Self::Changes => "changes",
            Self::Accesses => "accesses",
        }
    }
}

/// Appends one entry to a chain of `tenant`, or without a tenant to the platform's. Call it last: it takes the last lock.
///
/// # Errors
/// Any [`Error`].
pub async fn append(
    tx: &mut EngineTx,
    tenant: Option<TenantId>,
    chain: Chain,
    actor: Actor,
    (action, entity): (&str, Uuid),
) -> Result<(), Error> {
    sqlx::query("select append_entry($1, $2, $3, $4, $5, null)")
        .bind(tenant)
        .bind(chain.as_str())
        .bind(actor.to_string())
        .bind(action)
        .bind(entity)
        .execute(tx.conn())
        .await?;
    Ok(())
}
