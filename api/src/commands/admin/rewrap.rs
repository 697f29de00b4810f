//! Wrapping keys with the current master key.

use std::time::Duration;

use serde_json::{Value, json};
use shared::config::Environment;
use shared::operators::keys;

use super::{Base, operator};

/// Does it, and says what came of it.
pub(super) async fn run(
    environment: &Environment,
    base: &Base,
    pause: Duration,
) -> anyhow::Result<Value> {
    let master = &base.keys.master;
    let done = keys::rewrap(&base.db, master, &operator(environment)?, pause).await?;
    Ok(json!({
        "master_key": master.current_id(),
        "rewrapped": done,
        "then": "keep the older lines until every process has been restarted with the new file, run it once more then, and keep them \
                 for as long as you keep backups from before; then destroy them: who was erased opens in those backups by them alone",
    }))
}
