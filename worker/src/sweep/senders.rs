//! Processes that may dial: signs of life, and proof of death.

use shared::calls::store::sweep as store;
use shared::telemetry::metrics;

use crate::app::App;

/// Shows that this process lives, and looks for those of this host that don't.
///
/// Silence proves nothing: a process may be frozen. Only one whose file lock can be taken is dead.
///
/// # Errors
/// PostgreSQL is away, or a lock file can't be opened.
pub async fn sweep(app: &App) -> anyhow::Result<()> {
    store::sender_seen(&app.db, app.sender).await?;
    for silent in store::silent_senders(&app.db, app.locks.host()).await? {
        if app.locks.is_dead(silent)? {
            let orphans = store::sender_dead(&app.db, silent).await?;
            app.locks.forget(silent);
            metrics::swept("dead_senders", 1);
            tracing::warn!(sender.id = %silent, orphans, "a process died; what it was dialling is looked for");
        }
    }
    Ok(())
}
