//! SQL of a tenant that leaves: its keys are destroyed.

use serde_json::json;

use crate::audit::{Actor, Changes};
use crate::book;
use crate::db::{Db, Error, TenantTx};
use crate::ids::TenantId;
use crate::journal::{Entry, Journal};
use crate::operators::store::note;
use crate::retention::NotShredded;
use crate::tenants::store;

/// What shredding took away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Shredded {
    /// Keys of the tenant.
    pub keys: u64,
    /// Calls that were planned.
    pub calls: u64,
    /// Contacts of whom nothing opens any more.
    pub contacts: i64,
    /// Numbers on its do-not-call list, which nobody can read or compare any more.
    pub do_not_call: i64,
}

/// Destroys every key of a suspended tenant: nothing of it that is sealed opens again, here or on any process. It can't be
/// taken back. Noted in the journal first, if there is one, so that a restore doesn't bring the keys back.
///
/// # Errors
/// [`NotShredded`]; nothing was destroyed then.
pub async fn shred(
    db: &Db,
    journal: Option<&Journal>,
    operator: &str,
    (tenant, name): (TenantId, &str),
) -> Result<Shredded, NotShredded> {
    let mut tx = db.tenant(tenant).await?;
    store::lock(&mut tx).await?;
    let found = store::find(&mut tx).await?.ok_or(NotShredded::Unknown(tenant))?;
    if found.name != name {
        return Err(NotShredded::Unconfirmed);
    }
    if found.active {
        return Err(NotShredded::Active);
    }
    sqlx::query("select from tenants for no key update")
        .execute(tx.conn())
        .await
        .map_err(Error::from)?;
    let (held, unsettled, contacts, listed): (bool, i64, i64, i64) = sqlx::query_as(
        "select exists (select from legal_holds where released_at is null),
             (select count(*) from attempts where state in ('reserved', 'dialling', 'unknown', 'placed', 'ended')),
             (select count(*) from contacts where key_wrapped is not null),
             (select count(*) from do_not_call where removed_at is null)",
    )
    .fetch_one(tx.conn())
    .await
    .map_err(Error::from)?;
    if held {
        return Err(NotShredded::Held);
    }
    if unsettled > 0 {
        return Err(NotShredded::Unsettled(unsettled));
    }
    let (keys, calls) = destroy(&mut tx).await?;
    let mut changes = Changes::by(Actor::Platform);
    changes.entry("tenant.shred", tenant.0, None);
    changes.append(&mut tx).await?;
    // Before: a restore must not bring back what was destroyed.
    if let Some(journal) = journal {
        let at = store::now(&mut tx).await?;
        journal.append(&[Entry::Shredded { tenant, at }]);
    }
    tx.commit().await?;
    let done = Shredded { keys, calls, contacts, do_not_call: listed };
    let mut tx = db.engine().await?;
    let detail = json!({ "tenant_id": tenant, "shredded": done });
    note(&mut tx, operator, "tenant.shred", Some(tenant.0), &detail).await?;
    tx.commit().await?;
    Ok(done)
}

/// Whether the transaction's tenant has keys: whoever was shredded has none.
///
/// # Errors
/// Any [`Error`].
pub async fn has_keys(tx: &mut TenantTx) -> Result<bool, Error> {
    Ok(sqlx::query_scalar("select exists (select from tenant_keys)").fetch_one(tx.conn()).await?)
}

/// Takes the keys away, and what is planned. Doing it again changes nothing. Gives how many of each.
pub(super) async fn destroy(tx: &mut TenantTx) -> Result<(u64, u64), Error> {
    let keys = sqlx::query("delete from tenant_keys").execute(tx.conn()).await?.rows_affected();
    let calls = sqlx::query(
        "update calls set state = 'withdrawn', ended_reason = 'tenant_shredded', settled_at = app_clock(),
             updated_at = app_clock(), is_due = false, front = false where state = 'planned'",
    )
    .execute(tx.conn())
    .await?
    .rows_affected();
    book::store::forget(tx).await?;
    sqlx::query(
        "update tenants set active = false, shredded_at = coalesce(shredded_at, app_clock()), updated_at = app_clock()",
    )
    .execute(tx.conn())
    .await?;
    Ok((keys, calls))
}
