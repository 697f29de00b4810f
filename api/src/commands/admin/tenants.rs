//! Tenants: another account, another allowance, suspending and resuming.

use clap::Subcommand;
use serde_json::{Value, json};
use shared::config::Environment;
use shared::contacts::phone::PhoneNumber;
use shared::ids::{AccountId, TenantId};
use shared::operators::tenants::{self, By};
use shared::tenants::KeyRing;

use super::{Base, operator};

/// What to change of a tenant.
#[derive(Debug, Subcommand)]
pub(crate) enum TenantChange {
    /// Have a suspended tenant dial through another account.
    Account {
        /// Which tenant.
        tenant: TenantId,
        /// Which account.
        account: AccountId,
        /// A voice agent of that account.
        #[arg(long)]
        agent: String,
        /// A number of that account, E.164.
        #[arg(long)]
        caller_number: String,
    },
    /// Set how loose its policy may be. What isn't given stays; null goes back to the default.
    Allowance {
        /// Which tenant.
        tenant: TenantId,
        /// A JSON object: `{"window_limit_at_most": 40}`.
        settings: String,
    },
    /// Stop its dialling, and refuse its keys.
    Suspend {
        /// Which tenant.
        tenant: TenantId,
        /// Why, for the record.
        #[arg(long)]
        reason: String,
    },
    /// Let a suspended tenant go on.
    Resume {
        /// Which tenant.
        tenant: TenantId,
    },
}

/// Does it, and says what came of it.
pub(super) async fn run(
    environment: &Environment,
    base: &Base,
    act: TenantChange,
) -> anyhow::Result<Value> {
    let who = operator(environment)?;
    let keys = KeyRing::new(base.keys.master.clone());
    let by = By { operator: &who, keys: &keys };
    match act {
        TenantChange::Account { tenant, account, agent, caller_number } => {
            anyhow::ensure!(
                (1..=200).contains(&agent.trim().chars().count()),
                "--agent: expected 1 to 200 characters"
            );
            let number = PhoneNumber::from_e164(&caller_number)
                .map_err(|error| anyhow::anyhow!("--caller-number: {error}"))?;
            let before = tenants::change_account(
                &base.db,
                by,
                tenant,
                account,
                agent.trim(),
                number.as_str(),
            )
            .await?;
            Ok(json!({
                "tenant_id": tenant,
                "account_id_before": before,
                "account_id": account,
                "then": "what is planned waits until `api admin tenant resume`, and is dialled through this account; \
                         late words of the old one about earlier calls are still heard",
            }))
        }
        TenantChange::Allowance { tenant, settings } => {
            let given: serde_json::Map<String, Value> = serde_json::from_str(&settings)
                .map_err(|error| anyhow::anyhow!("expected a JSON object: {error}"))?;
            anyhow::ensure!(!given.is_empty(), "nothing is given: what should it be?");
            let (before, after) = tenants::change_allowance(&base.db, by, tenant, &given).await?;
            Ok(json!({
                "tenant_id": tenant,
                "changed": before != after,
                "allowance": after,
                "then": "its policy stays as it is; its administrator may now choose up to this",
            }))
        }
        TenantChange::Suspend { tenant, reason } => {
            let reason = reason.trim();
            anyhow::ensure!(
                (1..=500).contains(&reason.chars().count()),
                "--reason: expected 1 to 500 characters"
            );
            let changed = tenants::suspend(&base.db, by, tenant, reason).await?;
            Ok(json!({
                "tenant_id": tenant,
                "suspended": true,
                "changed": changed,
                "then": "nothing new of it is dialled, and its keys are refused; what was claimed goes on and is settled; \
                         what is planned waits, and is refused at its deadline, with a flag",
            }))
        }
        TenantChange::Resume { tenant } => {
            let changed = tenants::resume(&base.db, by, tenant).await?;
            Ok(json!({
                "tenant_id": tenant,
                "suspended": false,
                "changed": changed,
                "then": "what is planned is looked at; a pause of its own still holds",
            }))
        }
    }
}
