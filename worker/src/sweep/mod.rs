//! Sweeps: whatever a signal starts, a timer finds. Each state has a time limit and one of these.

pub mod accounts;
pub mod attempts;
pub mod recovery;
pub mod senders;

use std::time::Duration;

use shared::calls::store::sweep as store;
use shared::db::Error;
use shared::queue::{MAX_WAITING, Queue, Sending, Signal, Task, sweep_finished};
use shared::telemetry::metrics;

use crate::app::App;
use crate::relay;

/// How often the quick sweeps run.
const QUICK: Duration = Duration::from_millis(500);
/// Webhooks of one task: many when they come in floods, one when they don't.
const WEBHOOKS_PER_TASK: usize = 16;

/// Sends what was not sent, and takes back what nobody took, until the process stops.
pub async fn run_quick(app: App) {
    while !app.is_stopping() {
        if let Err(error) = quick(&app).await {
            tracing::warn!(error = %error, "a sweep failed");
            metrics::failed(metrics::Dependency::Redis, metrics::Failure::Busy);
        }
        tokio::select! {
            () = tokio::time::sleep(QUICK) => {}
            () = app.stopped() => {}
        }
    }
}

/// One round of the quick sweeps.
///
/// # Errors
/// PostgreSQL or Redis is away.
pub async fn quick(app: &App) -> anyhow::Result<()> {
    if !app.sentinel.stands().await? {
        let forgotten = store::forget_sent(&app.db).await?;
        app.sentinel.set().await?;
        if forgotten > 0 {
            tracing::warn!(forgotten, "Redis was wiped: everything unfinished is sent again");
            metrics::swept("redis_wiped", forgotten);
        }
    }
    // As many as have room: the rest waits where it is safe.
    let room = MAX_WAITING.saturating_sub(app.queues.waiting(Queue::Dial).await?);
    let unsent = store::unsent(&app.db, i64::try_from(room).unwrap_or(0)).await?;
    if !unsent.is_empty() {
        metrics::swept("reserved_unsent", unsent.len() as u64);
        relay::send(app, &unsent).await?;
    }
    attempts::expire(app).await?;
    attempts::check(app).await?;
    Ok(())
}

/// Sends stored webhooks to the queue, when one is stored and every half second, until the process stops.
pub async fn run_inbox(app: App) {
    let wake = app.wakes.of(Signal::Inbox);
    let mut more = false;
    while !app.is_stopping() {
        if !more {
            tokio::select! {
                () = wake.notified() => {}
                () = tokio::time::sleep(QUICK) => {}
                () = app.stopped() => break,
            }
        }
        more = match inbox(&app).await {
            Ok(more) => more,
            Err(error) => {
                tracing::warn!(error = %error, "stored webhooks could not be sent");
                tokio::time::sleep(QUICK).await;
                false
            }
        };
    }
}

async fn inbox(app: &App) -> anyhow::Result<bool> {
    let room = MAX_WAITING.saturating_sub(app.queues.waiting(Queue::Settle).await?);
    let most = room.min(256);
    let taken = store::take_webhooks(&app.db, i64::try_from(most).unwrap_or(0)).await?;
    let sendings: Vec<_> = taken
        .chunks(WEBHOOKS_PER_TASK)
        .filter_map(|chunk| {
            let first = chunk.first()?;
            let webhooks = chunk.iter().map(|webhook| webhook.id).collect();
            Some(Sending {
                row: first.id.0,
                send_no: first.send_no,
                task: Task::Settle { webhooks },
            })
        })
        .collect();
    app.queues.push(Queue::Settle, &sendings).await?;
    if !sendings.is_empty() {
        app.wakes.notify(Signal::Settle);
        app.signals.send(Signal::Settle);
    }
    Ok(most > 0 && taken.len() == most)
}

/// The slower sweeps, until the process stops.
pub async fn run_slow(app: App) {
    let mut round = 0u32;
    while !app.is_stopping() {
        // Every two seconds: who is dead. Every ten: accounts, gauges, Redis' leftovers. Every minute: old rows.
        note(senders::sweep(&app).await, "senders");
        note(recovery::sweep(&app).await, "recovery");
        if round.is_multiple_of(5) {
            note(accounts::sweep(&app).await, "accounts");
            note(gauges(&app).await, "gauges");
        }
        if round % 30 == 29 {
            match store::remove_old(&app.db).await {
                Ok(removed) => metrics::swept("old_rows", removed),
                Err(error) => note(Err(error.into()), "old rows"),
            }
        }
        round = round.wrapping_add(1);
        tokio::select! {
            () = tokio::time::sleep(Duration::from_secs(2)) => {}
            () = app.stopped() => {}
        }
    }
}

fn note(result: anyhow::Result<()>, sweep: &'static str) {
    if let Err(error) = result {
        let cause = error.downcast_ref::<Error>().map_or_else(|| error.to_string(), Error::cause);
        tracing::warn!(sweep, error = cause, "a sweep failed");
    }
}

async fn gauges(app: &App) -> anyhow::Result<()> {
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
        metrics::pool(pool.role, pool.open.into(), pool.idle as u64);
    }
    for queue in Queue::ALL {
        metrics::queue_depth(queue.name(), app.queues.waiting(queue).await?);
        metrics::swept("finished_tasks", sweep_finished(&app.queues, queue).await? as u64);
    }
    Ok(())
}
