//! Asking the API on this host whether it is ready: for containers without a shell.

use shared::config::{Api, Environment};
use shared::telemetry::health;

/// Fails unless `/health/ready` answers 200.
pub(crate) async fn run(environment: &Environment) -> anyhow::Result<()> {
    health::ask(Api::read(environment)?.metrics_listen).await
}
