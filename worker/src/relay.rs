//! From reservations to the queue.

use std::collections::HashMap;

use shared::calls::store::sweep::{Unsent, mark_sent, traces_of};
use shared::ids::{AttemptId, TenantId};
use shared::queue::{Queue, Sending, Signal, Task};
use shared::telemetry::traces;
use tokio::sync::mpsc;
use tracing::Span;
use uuid::Uuid;

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

/// A span for each reservation, in the trace of whoever had its call planned. None while traces are not exported.
async fn spans_of(app: &App, unsent: &[Unsent]) -> anyhow::Result<HashMap<Uuid, Span>> {
    if !traces::are_on() {
        return Ok(HashMap::new());
    }
    let planned = traces_of(&app.db, unsent).await?;
    let span = |row: &Unsent| {
        let span = tracing::info_span!(
            target: traces::TARGET, parent: None, "send dial", otel.kind = "producer",
            tenant.id = %row.tenant_id, attempt.id = %row.id,
        );
        traces::follow(&span, planned.get(&row.id.0).copied());
        (row.id.0, span)
    };
    Ok(unsent.iter().map(span).collect())
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
    // Ended when what they stand for is in Redis.
    let spans = spans_of(app, unsent).await?;
    let place = |sending: &Sending| spans.get(&sending.row).and_then(traces::of);
    app.queues.push_traced(Queue::Dial, &sendings, place).await?;
    drop(spans);
    app.wakes.notify(Signal::Dial);
    app.signals.send(Signal::Dial);
    mark_sent(&app.db, unsent).await?;
    Ok(())
}
