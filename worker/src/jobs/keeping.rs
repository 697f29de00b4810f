//! Old jobs and files are forgotten.

use std::collections::HashMap;
use std::time::{Duration, Instant, SystemTime};

use chrono::{DateTime, Utc};
use futures::TryStreamExt;
use shared::exports::{self, ORPHANED};
use shared::files::Stored;
use shared::ids::{FileId, TenantId};
use shared::imports::store::files as imports;
use shared::jobs::store;
use shared::telemetry::metrics;

use crate::app::App;

/// How often is looked for old jobs.
const EVERY: Duration = Duration::from_secs(60);
/// How often all files are listed, which a store may charge for.
const FILES_EVERY: Duration = Duration::from_secs(10 * 60);
/// Jobs that ended are shown for so long.
pub const DAYS: i32 = 30;
/// Jobs forgotten in one transaction, with what became of each thing that they touched.
const BATCH: i64 = 20;

/// Forgets old jobs, until the process stops.
pub async fn run(app: App) {
    let mut listed: Option<Instant> = None;
    while !app.is_stopping() {
        if listed.is_none_or(|listed| listed.elapsed() >= FILES_EVERY) {
            match files(&app, SystemTime::now().into()).await {
                Ok(deleted) => {
                    metrics::swept("exported_files", deleted);
                    listed = Some(Instant::now());
                }
                Err(error) => {
                    tracing::warn!(
                        error = format!("{error:#}"),
                        "exported files could not be swept"
                    );
                }
            }
        }
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

/// Deletes what was written for exports and can't be downloaded any more, and what writers left that were killed. How many files. `now` is the
/// time by the store's clock.
///
/// # Errors
/// PostgreSQL or the store is away.
pub async fn files(app: &App, now: DateTime<Utc>) -> anyhow::Result<u64> {
    let old = |stored: &Stored| now - stored.finished_at >= ORPHANED;
    let mut by_tenant: HashMap<TenantId, Vec<FileId>> = HashMap::new();
    let mut listed = std::pin::pin!(app.files.list());
    while let Some(stored) = listed.try_next().await? {
        if old(&stored) {
            by_tenant.entry(stored.tenant).or_default().push(stored.id);
        }
    }
    let mut deleted = 0;
    for (tenant, files) in by_tenant {
        let mut tx = app.db.tenant(tenant).await?;
        let in_use = exports::store::parts_in_use(&mut tx).await?;
        tx.rollback().await?;
        for file in files.into_iter().filter(|file| !in_use.contains(file)) {
            app.files.delete(tenant, file).await?;
            deleted += 1;
        }
    }
    let age = ORPHANED.to_std().unwrap_or(Duration::MAX);
    let unfinished = app.files.clear_unfinished(age).await?;
    Ok(deleted + unfinished as u64)
}
