//! Sweeps: whatever a signal starts, a timer finds. Each state has a time limit and one of these.

pub mod accounts;
pub mod attempts;
pub mod inbox;
pub mod keeping;
pub mod recovery;
pub mod senders;

use std::time::Duration;

use shared::calls::store::{sweep as store, waiting};
use shared::db::Error;
use shared::queue::{MAX_WAITING, Queue, sweep_finished};
use shared::telemetry::metrics;

use crate::app::App;
use crate::relay;

/// How often the quick sweeps run.
const QUICK: Duration = Duration::from_millis(500);

/// Sends what was not sent, and takes back what nobody took, until the process stops.
pub async fn run_quick(app: App) {
    while !app.is_stopping() {
        match quick(&app).await {
            Ok(()) => metrics::round_ended("quick"),
            Err(error) => {
                tracing::warn!(error = %error, "a sweep failed");
                metrics::failed(metrics::Dependency::Redis, metrics::Failure::Busy);
            }
        }
        pause(&app, QUICK).await;
    }
}

/// One round of the quick sweeps.
///
/// # Errors
/// PostgreSQL or Redis is away.
pub async fn quick(app: &App) -> anyhow::Result<()> {
    // Whatever Redis says: who waits for a reservation that nobody takes waits for this.
    let (expired, sent) = tokio::join!(attempts::expire(app), send_unsent(app));
    expired?;
    sent
}

async fn send_unsent(app: &App) -> anyhow::Result<()> {
    if !app.sentinel.stands().await? {
        let jobs = shared::jobs::store::line::forget_sent(&app.db).await?;
        let forgotten = store::forget_sent(&app.db).await? + jobs;
        app.sentinel.set().await?;
        // With nothing on its way too: the high-water mark went as well. The first start of an installation counts.
        metrics::swept("redis_wiped", forgotten);
        if forgotten > 0 {
            tracing::warn!(forgotten, "Redis was wiped: everything unfinished is sent again");
        }
    }
    // As many as have room: the rest waits where it is safe.
    let room = MAX_WAITING.saturating_sub(app.queues.waiting(Queue::Dial).await?);
    let unsent = store::unsent(&app.db, i64::try_from(room).unwrap_or(0)).await?;
    if !unsent.is_empty() {
        metrics::swept("reserved_unsent", unsent.len() as u64);
        relay::send(app, &unsent).await?;
    }
    Ok(())
}

/// Asks about attempts whose time has come, until the process stops.
pub async fn run_checks(app: App) {
    while !app.is_stopping() {
        note(attempts::check(&app).await, "attempts");
        pause(&app, QUICK).await;
    }
}

/// Shows that this process lives and looks for those that don't, until it stops.
pub async fn run_senders(app: App) {
    while !app.is_stopping() {
        note(senders::sweep(&app).await, "senders");
        pause(&app, Duration::from_secs(2)).await;
    }
}

/// Reads the provider's record after the database went back, until the process stops.
pub async fn run_recovery(app: App) {
    let mut read = recovery::Read::default();
    while !app.is_stopping() {
        note(recovery::sweep(&app, &mut read).await, "recovery");
        pause(&app, Duration::from_secs(2)).await;
    }
}

/// Looks after provider accounts, until the process stops.
pub async fn run_accounts(app: App) {
    while !app.is_stopping() {
        note(accounts::sweep(&app).await, "accounts");
        pause(&app, Duration::from_secs(10)).await;
    }
}

async fn pause(app: &App, time: Duration) {
    tokio::select! {
        () = tokio::time::sleep(time) => {}
        () = app.stopped() => {}
    }
}

/// Gauges, leftovers and old rows, until the process stops.
pub async fn run_slow(app: App) {
    let mut round = 0u32;
    while !app.is_stopping() {
        // Every ten seconds; old rows once a minute.
        note(gauges(&app).await, "gauges");
        note(bury(&app).await, "dead webhooks");
        if round % 6 == 5 {
            match store::remove_old(&app.db).await {
                Ok(removed) => metrics::swept("old_rows", removed),
                Err(error) => note(Err(error.into()), "old rows"),
            }
        }
        round = round.wrapping_add(1);
        pause(&app, Duration::from_secs(10)).await;
    }
}

/// Gives up on webhooks that ended the process that tried them, again and again.
///
/// # Errors
/// PostgreSQL is away.
pub async fn bury(app: &App) -> anyhow::Result<()> {
    let buried = store::bury_webhooks(&app.db).await?;
    if buried > 0 {
        tracing::error!(buried, "webhooks that failed too often are given up");
        metrics::swept("dead_webhooks", buried);
        for _ in 0..buried {
            metrics::webhook(metrics::WebhookResult::Dead);
        }
    }
    Ok(())
}

fn note(result: anyhow::Result<()>, sweep: &'static str) {
    match result {
        Ok(()) => metrics::round_ended(sweep),
        Err(error) => {
            let cause =
                error.downcast_ref::<Error>().map_or_else(|| error.to_string(), Error::cause);
            tracing::warn!(sweep, error = cause, "a sweep failed");
        }
    }
}

/// Reads the gauges from PostgreSQL and Redis, and clears what apalis has finished.
///
/// # Errors
/// PostgreSQL or Redis is away.
pub async fn gauges(app: &App) -> anyhow::Result<()> {
    let gauges = store::gauges(&app.db).await?;
    let count = |n: i64| u64::try_from(n).unwrap_or(0);
    metrics::oldest_due(Duration::from_secs_f64(gauges.oldest_due_seconds.max(0.0)));
    metrics::unknown_attempts(count(gauges.unknown_attempts));
    metrics::breakers_open(count(gauges.breakers_open));
    metrics::accounts_held(count(gauges.accounts_held));
    metrics::slots(
        metrics::AccountKind::Platform,
        count(gauges.platform_slots),
        count(gauges.platform_limit),
    );
    metrics::slots(metrics::AccountKind::Own, count(gauges.own_slots), count(gauges.own_limit));
    for pool in app.db.pool_use() {
        metrics::pool(pool.role, pool.open.into(), pool.idle as u64, pool.limit.into());
    }
    waits(app).await?;
    let line = shared::jobs::store::line::gauges(&app.db).await?;
    let oldest = Duration::try_from_secs_f64(line.oldest_seconds).unwrap_or_default();
    metrics::jobs(
        &[
            ("queued", count(line.queued)),
            ("running", count(line.running)),
            ("paused", count(line.paused)),
            ("dead", count(line.dead)),
        ],
        oldest,
    );
    for queue in Queue::ALL {
        metrics::queue_depth(queue.name(), app.queues.waiting(queue).await?);
        metrics::swept("finished_tasks", sweep_finished(&app.queues, queue).await? as u64);
    }
    Ok(())
}

/// Why the telephone is silent.
async fn waits(app: &App) -> anyhow::Result<()> {
    let count = |n: i64| u64::try_from(n).unwrap_or(0);
    let seconds = |s: f64| Duration::try_from_secs_f64(s).unwrap_or_default();
    let found = waiting::waiting(&app.db).await?;
    for why in metrics::WAITS_FOR {
        let row = found.iter().find(|row| row.why == why);
        let longest = row.map_or(Duration::ZERO, |row| seconds(row.longest_seconds));
        metrics::waiting(why, row.map_or(0, |row| count(row.calls)), longest);
        if why == "nothing" {
            metrics::dispatch_late(row.map_or(Duration::ZERO, |row| seconds(row.late_seconds)));
        }
    }
    let platform = waiting::platform(&app.db).await?;
    metrics::platform(platform.stop_all, platform.recovering);
    metrics::tenants_paused(metrics::PausedBy::Hand, count(platform.paused));
    metrics::tenants_paused(metrics::PausedBy::Rule, count(platform.auto_paused));
    metrics::tenants_refused(count(platform.refused));
    metrics::workers(count(platform.workers), count(platform.silent_workers));
    metrics::webhooks_waiting(count(platform.webhooks), seconds(platform.oldest_webhook_seconds));
    metrics::accesses_waiting(count(platform.accesses), seconds(platform.oldest_access_seconds));
    metrics::rotations(count(platform.rotations), seconds(platform.rotation_stalled_seconds));
    metrics::retention_late(seconds(platform.retention_late_seconds));
    Ok(())
}
