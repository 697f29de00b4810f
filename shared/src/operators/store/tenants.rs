//! SQL of operators' changes of tenants.

use serde_json::{Value, json};
use sqlx::types::Json;

use crate::audit::{Actor, Changes};
use crate::calls::rules::policy::Allowance;
use crate::crypto::TenantField;
use crate::db::{Db, Error, TenantTx};
use crate::ids::{AccountId, TenantId};
use crate::operators::tenants::TenantRefusal;
use crate::tenants::{KeyError, KeyRing, Tenant, store};

/// Who does it, with which keys.
#[derive(Debug, Clone, Copy)]
pub struct By<'a> {
    /// The operator's name.
    pub operator: &'a str,
    /// Opens the tenant's keys, to seal the audit entry.
    pub keys: &'a KeyRing,
}

/// Locks the tenant, and reads it.
async fn open(db: &Db, id: TenantId) -> Result<(TenantTx, Tenant), TenantRefusal> {
    let mut tx = db.tenant(id).await?;
    // The tenant before the account, as a look does; and after both, no look is under way that has read the old account.
    store::lock(&mut tx).await?;
    sqlx::query("select from accounts where id = (select account_id from tenants) for update")
        .execute(tx.conn())
        .await
        .map_err(Error::from)?;
    let tenant = store::find(&mut tx).await?.ok_or(TenantRefusal::Unknown(id))?;
    Ok((tx, tenant))
}

/// Tells the change in the tenant's chain, and commits.
async fn tell(
    mut tx: TenantTx,
    by: By<'_>,
    (event, action): (&'static str, &'static str),
    mut detail: Value,
) -> Result<(), TenantRefusal> {
    let id = tx.tenant();
    detail["operator"] = by.operator.into();
    let keys = by.keys.of(&mut tx).await?;
    let sealed = keys
        .seal(TenantField::AuditDetails, id.0, detail.to_string().as_bytes())
        .map_err(KeyError::from)?;
    let mut changes = Changes::by(Actor::Platform);
    changes.event(event, id.0, None).entry(action, id.0, Some(sealed));
    changes.append(&mut tx).await?;
    Ok(tx.commit().await?)
}

/// Stops a tenant's dialling and refuses its keys, until it is resumed. `false`: it was suspended already.
///
/// # Errors
/// [`TenantRefusal`]; nothing was changed then.
pub async fn suspend(
    db: &Db,
    by: By<'_>,
    id: TenantId,
    reason: &str,
) -> Result<bool, TenantRefusal> {
    let told = ("tenant.suspended", "tenant.suspend");
    activate(db, by, id, false, told, json!({ "reason": reason })).await
}

/// Lets a suspended tenant go on. `false`: it was not suspended.
///
/// # Errors
/// [`TenantRefusal`]; nothing was changed then.
pub async fn resume(db: &Db, by: By<'_>, id: TenantId) -> Result<bool, TenantRefusal> {
    activate(db, by, id, true, ("tenant.reinstated", "tenant.reinstate"), json!({})).await
}

async fn activate(
    db: &Db,
    by: By<'_>,
    id: TenantId,
    active: bool,
    told: (&'static str, &'static str),
    detail: Value,
) -> Result<bool, TenantRefusal> {
    let (mut tx, tenant) = open(db, id).await?;
    if tenant.active == active {
        return Ok(false);
    }
    sqlx::query("update tenants set active = $1, updated_at = app_clock()")
        .bind(active)
        .execute(tx.conn())
        .await
        .map_err(Error::from)?;
    tell(tx, by, told, detail).await?;
    Ok(true)
}

/// Has a suspended tenant dial through another account, with an agent and a number that this one has. Returns the account
/// that it had.
///
/// # Errors
/// [`TenantRefusal`]; nothing was changed then.
pub async fn change_account(
    db: &Db,
    by: By<'_>,
    id: TenantId,
    account: AccountId,
    agent: &str,
    caller_number: &str,
) -> Result<Option<AccountId>, TenantRefusal> {
    let usable: bool = sqlx::query_scalar(
        "select exists (select from accounts where id = $1 and coalesce(tenant_id, $2) = $2)",
    )
    .bind(account)
    .bind(id)
    .fetch_one(db.engine_pool())
    .await
    .map_err(Error::from)?;
    if !usable {
        return Err(TenantRefusal::NotItsAccount(account));
    }
    let (mut tx, tenant) = open(db, id).await?;
    if tenant.account == Some(account) {
        return Err(TenantRefusal::SameAccount);
    }
    if tenant.active {
        return Err(TenantRefusal::NotSuspended);
    }
    let under_way: i64 = sqlx::query_scalar(
        "select count(*) from attempts where state in ('reserved', 'dialling') or holds_slot",
    )
    .fetch_one(tx.conn())
    .await
    .map_err(Error::from)?;
    if under_way > 0 {
        return Err(TenantRefusal::UnderWay(under_way));
    }
    sqlx::query(
        "update tenants set account_id = $1, agent_id = $2, caller_number = $3, version = version + 1, updated_at = app_clock(), \
             refused_at = null, refused_reason = null, \
             former_accounts = array_remove(array_remove(former_accounts, $1) || account_id, null)",
    )
    .bind(account)
    .bind(agent)
    .bind(caller_number)
    .execute(tx.conn())
    .await
    .map_err(Error::from)?;
    sqlx::query("update dispatch_state set account_id = $1, waits_for_account = false")
        .bind(account)
        .execute(tx.conn())
        .await
        .map_err(Error::from)?;
    let detail = json!({ "before": tenant.account, "after": account });
    tell(tx, by, ("tenant.account_changed", "tenant.change_account"), detail).await?;
    Ok(tenant.account)
}

/// Sets what is given of a tenant's allowance: a JSON object of its settings; `null` goes back to the default. Returns the
/// allowance before and after.
///
/// # Errors
/// [`TenantRefusal`]; nothing was changed then.
pub async fn change_allowance(
    db: &Db,
    by: By<'_>,
    id: TenantId,
    given: &serde_json::Map<String, Value>,
) -> Result<(Allowance, Allowance), TenantRefusal> {
    let not_one = |error: serde_json::Error| TenantRefusal::NotAnAllowance(error.to_string());
    let (mut tx, tenant) = open(db, id).await?;
    let mut merged = serde_json::to_value(&tenant.allowance).map_err(not_one)?;
    let settings = merged.as_object_mut();
    let settings = settings.ok_or(TenantRefusal::NotAnAllowance("no object".to_owned()))?;
    for (name, value) in given {
        match value {
            // A name that is no setting must be refused, null or not.
            Value::Null if settings.contains_key(name) => drop(settings.remove(name)),
            value => drop(settings.insert(name.clone(), value.clone())),
        }
    }
    let after: Allowance = serde_json::from_value(merged).map_err(not_one)?;
    after.check().map_err(TenantRefusal::Absurd)?;
    tenant.policy.check(&after).map_err(TenantRefusal::PolicyExceeds)?;
    if after != tenant.allowance {
        sqlx::query(
            "update tenants set allowance = $1, version = version + 1, updated_at = app_clock()",
        )
        .bind(Json(&after))
        .execute(tx.conn())
        .await
        .map_err(Error::from)?;
        let detail = json!({ "before": tenant.allowance, "after": after });
        tell(tx, by, ("tenant.allowance_changed", "tenant.change_allowance"), detail).await?;
    }
    Ok((tenant.allowance, after))
}
