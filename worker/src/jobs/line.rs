//! From the line of jobs to the queue.

use std::time::Duration;

use shared::jobs::store::line::{self as store, Unsent};
use shared::queue::{Queue, Sending, Signal, Task};
use shared::telemetry::metrics;

use crate::app::App;

/// What a lost signal costs.
const NET: Duration = Duration::from_millis(500);
/// So many jobs lie in Redis at most: the rest waits in the line, where it is fair.
const ROOM: usize = 100;
/// Jobs of one tenant that are under way at a time.
pub const EACH: i32 = 4;

/// Sends jobs whose turn it is, when one is put into the line or ends its turn, and every half second, until the process stops.
pub async fn run(app: App) {
    let wake = app.wakes.of(Signal::Jobs);
    while !app.is_stopping() {
        match round(&app).await {
            Ok(true) => continue,
            Ok(false) => metrics::round_ended("jobs"),
            Err(error) => {
                tracing::warn!(error = %error, "jobs could not be sent");
                tokio::time::sleep(NET).await;
            }
        }
        tokio::select! {
            () = wake.notified() => {}
            () = tokio::time::sleep(NET) => {}
            () = app.stopped() => {}
        }
    }
}

/// Sends what there is room for. True if there may be more.
///
/// # Errors
/// PostgreSQL or Redis is away.
pub async fn round(app: &App) -> anyhow::Result<bool> {
    let room = ROOM.saturating_sub(app.queues.waiting(Queue::Work).await?);
    let most = i32::try_from(room).unwrap_or(0);
    let unsent = store::take(&app.db, most, EACH).await?;
    send(app, &unsent).await?;
    Ok(room > 0 && unsent.len() >= room)
}

async fn send(app: &App, unsent: &[Unsent]) -> anyhow::Result<()> {
    if unsent.is_empty() {
        return Ok(());
    }
    let sendings: Vec<_> = unsent
        .iter()
        .map(|job| {
            let send_no = job.send_no + 1;
            let task = Task::Run { tenant: job.tenant_id, job: job.id, send_no };
            Sending { row: job.id.0, send_no, task }
        })
        .collect();
    let again = unsent.iter().filter(|job| job.again).count();
    metrics::swept("silent_jobs", again as u64);
    app.queues.push(Queue::Work, &sendings).await?;
    app.wakes.notify(Signal::Work);
    app.signals.send(Signal::Work);
    store::mark_sent(&app.db, unsent).await?;
    Ok(())
}
