//! Stopping everything, letting it go on, and reading what operators did.

use clap::Subcommand;
use serde_json::{Value, json};
use shared::config::Environment;
use shared::operators::store;
use shared::tenants::create::stop_all;

use super::{Base, operator};

/// What to do with the platform.
#[derive(Debug, Subcommand)]
pub(crate) enum PlatformAct {
    /// Stop all dialling, of all tenants, within a second. What is being dialled goes on.
    StopAll {
        /// Why, for those who ask.
        #[arg(long, default_value = "stopped by an operator")]
        reason: String,
    },
    /// Let dialling go on.
    Resume,
    /// What operators did to accounts and platform, the latest first.
    Acts {
        /// So many.
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(i64).range(1..=10_000))]
        last: i64,
    },
}

/// Does it, and says what came of it.
pub(super) async fn run(
    environment: &Environment,
    base: &Base,
    act: PlatformAct,
) -> anyhow::Result<Value> {
    let (reason, action) = match &act {
        PlatformAct::StopAll { reason } => (Some(reason.trim()), "platform.stop_all"),
        PlatformAct::Resume => (None, "platform.resume"),
        PlatformAct::Acts { last } => {
            return Ok(serde_json::to_value(store::last(&base.db, *last).await?)?);
        }
    };
    anyhow::ensure!(
        reason.is_none_or(|reason| (1..=500).contains(&reason.chars().count())),
        "the reason must have from 1 to 500 characters"
    );
    let mut tx = base.db.engine().await?;
    let changed = stop_all(&mut tx, reason).await?;
    if changed {
        store::note(&mut tx, &operator(environment)?, action, None, &json!({ "reason": reason }))
            .await?;
    }
    tx.commit().await?;
    let then = match (reason.is_some(), changed) {
        (true, true) => {
            "nothing new is reserved or dialled within a second; what was claimed goes on and is settled; \
             planning and webhooks go on; `api admin platform resume` ends it"
        }
        (false, true) => "every tenant is looked at; what waited goes out by its own limits",
        (true, false) => "all dialling was stopped before, and the first reason stands",
        (false, false) => "dialling was not stopped",
    };
    let switch = if reason.is_some() { "on" } else { "off" };
    Ok(json!({ "stop_all": switch, "changed": changed, "then": then }))
}
