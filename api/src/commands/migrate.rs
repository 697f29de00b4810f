//! Bringing the schema up to date.

use shared::config::{Environment, Owner};

/// Runs the migrations that have not run.
pub(crate) async fn run(environment: &Environment) -> anyhow::Result<()> {
    let owner = environment.read(Owner::read)?;
    shared::db::migrate(owner.url.expose()).await?;
    tracing::info!("the schema is up to date");
    Ok(())
}
