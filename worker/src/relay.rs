//! From reservations to the queue.

use shared::calls::store::sweep::{Unsent, mark_sent};
use shared::ids::{AttemptId, TenantId};
use shared::queue::{Queue, Sending, Signal, Task};
use tokio::sync::mpsc;

use crate::app::App;

/// At most this many reservations go out in one push.
const BATCH: usize = 100;

/// A reservation that its dispatcher hands over.
#[derive(Debug, Clone, Copy)]
pub struct Reserved {
    /// Whose.
    pub tenant: TenantId,
    /// The reservation.
    pub attempt: AttemptId,
}

/// Sends what this process reserved, until the channel closes. What gets lost here is found by the sweep.
pub async fn run(app: App, mut reserved: mpsc::Receiver<Reserved>) {
    let mut batch = Vec::with_capacity(BATCH);
    while reserved.recv_many(&mut batch, BATCH).await > 0 {
        let unsent: Vec<_> = batch
            .drain(..)
            .map(|r| Unsent { tenant_id: r.tenant, id: r.attempt, send_no: 0 })
            .collect();
        if let Err(error) = send(&app, &unsent).await {
            tracing::warn!(error = %error, count = unsent.len(), "reservations were not sent; the sweep will");
        }
    }
}

/// Pushes reservations, and notes it after: a crash in between sends them twice under one task id, and Redis drops
/// the second.
///
/// # Errors
/// Redis or PostgreSQL is away.
pub async fn send(app: &App, unsent: &[Unsent]) -> anyhow::Result<()> {
    let sendings: Vec<_> = unsent
        .iter()
        .map(|row| Sending {
            row: row.id.0,
            send_no: row.send_no + 1,
            task: Task::Dial { tenant: row.tenant_id, attempt: row.id },
        })
        .collect();
    app.queues.push(Queue::Dial, &sendings).await?;
    app.wakes.notify(Signal::Dial);
    app.signals.send(Signal::Dial);
    let ids: Vec<_> = unsent.iter().map(|row| row.id).collect();
    mark_sent(&app.db, &ids).await?;
    Ok(())
}
