//! What is on record of a tenant: whether it is whole.

use clap::Subcommand;
use serde_json::{Value, json};
use shared::audit::chain::Chain;
use shared::audit::store;
use shared::ids::TenantId;
use shared::tenants::store::directory;

use super::Base;

/// What to do with the chains of a tenant.
#[derive(Debug, Subcommand)]
pub(crate) enum AuditAct {
    /// Check both chains of a tenant, what was changed and who saw what, from the first entry on; fails if one is broken.
    Verify {
        /// Which tenant.
        tenant: TenantId,
    },
}

/// Does it, and says how far each chain goes, or fails with where one is broken.
pub(super) async fn run(base: &Base, act: AuditAct) -> anyhow::Result<Value> {
    let AuditAct::Verify { tenant } = act;
    anyhow::ensure!(directory::find(&base.db, tenant).await?.is_some(), "there is no such tenant");
    let mut ends = serde_json::Map::new();
    for chain in [Chain::Changes, Chain::Accesses] {
        let reached = store::check(&base.db, tenant, chain).await?;
        let reached = reached.map_err(|broken| {
            anyhow::anyhow!("the chain of {} is broken: {broken}", chain.word())
        })?;
        let end = json!({ "entries": reached.n, "hash": hex::encode(reached.hash) });
        ends.insert(chain.word().to_owned(), end);
    }
    Ok(json!({
        "tenant_id": tenant,
        "whole": ends,
        "next": ["keep numbers and hashes outside of the database: a chain that is cut there and at its head looks whole, and ends earlier"],
    }))
}
