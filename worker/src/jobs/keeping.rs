//! Old jobs are forgotten.

use std::time::Duration;

use shared::imports::store::files as imports;
use shared::jobs::store;
use shared::telemetry::metrics;

use crate::app::App;

/// How often is looked for old jobs.
const EVERY: Duration = Duration::from_secs(60);
/// Jobs that ended are shown for so long.
pub const DAYS: i32 = 30;
/// Jobs forgotten in one transaction, with what became of each thing that they touched.
const BATCH: i64 = 20;

/// Forgets old jobs, until the process stops.
pub async fn run(app: App) {
    while !app.is_stopping() {
        match round(&app).await {
            Ok(pruned) => {
                metrics::swept("old_jobs", pruned);
                metrics::round_ended("old jobs");
            }
            Err(error) => tracing::warn!(error = %error, "old jobs could not be removed"),
        }
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            () = app.stopped() => {}
        }
    }
}

/// Forgets uploaded files that nobody needs any more, and jobs that ended long ago. How many jobs.
///
/// # Errors
/// PostgreSQL is away.
pub async fn round(app: &App) -> anyhow::Result<u64> {
    for tenant in imports::with_old(&app.db).await? {
        let mut tx = app.db.tenant(tenant).await?;
        let forgotten = imports::prune(&mut tx).await?;
        tx.commit().await?;
        metrics::swept("old_files", forgotten);
    }
    let mut pruned = 0;
    for tenant in store::with_old(&app.db, DAYS).await? {
        loop {
            let mut tx = app.db.tenant(tenant).await?;
            let some = store::prune(&mut tx, DAYS, BATCH).await?;
            tx.commit().await?;
            pruned += some;
            if some == 0 || app.is_stopping() {
                break;
            }
        }
    }
    Ok(pruned)
}
