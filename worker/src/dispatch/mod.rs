//! Dispatch: which tenants are looked at, and when.

pub mod look;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures::StreamExt;
use shared::calls::store::dispatch::{DueTenant, anyone_due, due_tenants, pass_over};
use shared::db::Error;
use shared::queue::{MAX_WAITING, Queue, Signal};
use shared::telemetry::metrics;

use crate::app::App;
use crate::relay::Reserved;

/// A lost signal costs this much.
const NET: Duration = Duration::from_millis(500);
/// How long a tenant is passed over after a look that failed for want of a lock, a connection or time.
const BUSY_AGAIN: chrono::Duration = chrono::Duration::seconds(2);
/// The same after a failure that trying again won't mend.
const FAILED_AGAIN: chrono::Duration = chrono::Duration::minutes(1);
/// Tenants of one pass.
const TENANTS: i32 = 64;
/// While the queue is full, tenants are looked at this often all the same: overdue calls are refused, not dialled late.
const PATROL: Duration = Duration::from_secs(2);
/// Looks of one pass at the same time. Looks at tenants of one account wait for each other's lock anyway.
const AT_ONCE: usize = 4;

/// Looks at tenants that are due or woken, until the process stops.
pub async fn run(app: App) {
    let wake = app.wakes.of(Signal::Dispatch);
    let mut more = false;
    let mut patrolled = Instant::now();
    while !app.is_stopping() {
        if !more {
            tokio::select! {
                () = wake.notified() => {}
                () = tokio::time::sleep(NET) => {}
                () = app.stopped() => break,
            }
        }
        let patrol = patrolled.elapsed() >= PATROL;
        if patrol {
            patrolled = Instant::now();
        }
        more = match pass_through(&app, patrol).await {
            Ok(more) => {
                metrics::round_ended("dispatch");
                more
            }
            Err(error) => {
                tracing::warn!(error = %error, "a dispatch pass failed");
                tokio::time::sleep(NET).await;
                false
            }
        };
    }
}

/// One pass over tenants that are due or woken. `true`: there is more to do at once.
///
/// # Errors
/// PostgreSQL didn't say who is due. A look at one tenant that fails is no error of the pass.
pub async fn pass(app: &App) -> anyhow::Result<bool> {
    pass_through(app, true).await
}

async fn pass_through(app: &App, patrol: bool) -> anyhow::Result<bool> {
    if !anyone_due(&app.db).await? {
        return Ok(false);
    }
    // Reserve no more than the queue has room for, so that what is reserved is soon dialled.
    // Without Redis nothing is reserved, but what time has caught up with is still refused, flagged and given back.
    let waiting = app.queues.waiting(Queue::Dial).await.unwrap_or_else(|error| {
        tracing::warn!(error = %error, "the dial queue can't be read: nothing is reserved");
        metrics::failed(metrics::Dependency::Redis, metrics::Failure::Busy);
        MAX_WAITING
    });
    let room = MAX_WAITING.saturating_sub(waiting);
    if room == 0 && !patrol {
        return Ok(false);
    }
    // Looks that can't reserve are made by a pass that began so; one that used up the room leaves them to the next.
    let full_from_the_start = room == 0;
    let room = AtomicUsize::new(room);
    // One process passes at a time. Only for economy: exactness rests on the locks that each look takes.
    let Some(turn) = shared::calls::store::dispatch::take_turn(&app.db).await? else {
        return Ok(false);
    };
    let due = due_tenants(&app.db, TENANTS).await?;
    let full = usize::try_from(TENANTS).is_ok_and(|most| due.len() >= most);
    let reserved = futures::stream::iter(due)
        .map(|tenant| {
            let room = &room;
            async move {
                let leave = !full_from_the_start && room.load(Ordering::Relaxed) == 0;
                if leave { 0 } else { look_at(app, tenant, room).await }
            }
        })
        .buffer_unordered(AT_ONCE)
        .fold(0, |sum, reserved| async move { sum + reserved })
        .await;
    turn.end().await?;
    Ok((full || reserved > 0) && room.load(Ordering::Relaxed) > 0)
}

async fn look_at(app: &App, tenant: DueTenant, room: &AtomicUsize) -> usize {
    let granted = room.load(Ordering::Relaxed);
    match look::look(app, tenant.tenant_id, look::Purpose::Ordinary { room: granted }).await {
        Ok(reserved) => {
            let _ = room.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                Some(left.saturating_sub(reserved.len()))
            });
            let count = reserved.len();
            for attempt in reserved {
                // Full means that the relay is behind; the sweep sends what doesn't fit.
                let _ = app.reserved.try_send(Reserved { tenant: tenant.tenant_id, attempt });
            }
            count
        }
        Err(error) => {
            tracing::warn!(tenant.id = %tenant.tenant_id, error = %error, "a look at a tenant failed");
            metrics::failed(metrics::Dependency::Postgres, metrics::Failure::Busy);
            let wait = if matches!(error, Error::Busy(_)) { BUSY_AGAIN } else { FAILED_AGAIN };
            if let Err(error) = pass_over(&app.db, tenant.tenant_id, wait).await {
                tracing::warn!(tenant.id = %tenant.tenant_id, error = %error, "a tenant whose look failed keeps its place");
            }
            0
        }
    }
}
