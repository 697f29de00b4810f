//! apalis workers, kept alive: any Redis error ends one, so each is started again under a fresh name.

use std::time::Duration;

use apalis::prelude::*;
use serde_json::Value;
use shared::queue::{Payload, Queue, Signal, Task, WakePoll};
use shared::telemetry::{metrics, traces};
use tokio::sync::watch;
use tracing::Instrument;
use tracing::field::Empty;

use crate::app::App;
use crate::{dial, jobs, settle};

/// How long a task may take.
const HANDLER_TIMEOUT: Duration = shared::config::LONGEST_TASK;
/// Between the end of an apalis worker and the start of the next.
const PAUSE: Duration = Duration::from_millis(500);
/// Time for apalis to tell Redis what was done, once everything is. Who misses it runs again elsewhere, to no effect.
const ACKNOWLEDGE: Duration = Duration::from_millis(500);

/// Handlers that run.
type InFlight = watch::Sender<usize>;

/// One handler that runs, until it is dropped.
struct Running(InFlight);

impl Running {
    fn new(in_flight: &InFlight) -> Self {
        in_flight.send_modify(|count| *count += 1);
        Self(in_flight.clone())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count = count.saturating_sub(1));
    }
}

/// Serves one queue until the process stops; then finishes what it has taken, and takes no more.
pub async fn serve(app: App, queue: Queue, concurrency: usize) {
    let signal = match queue {
        Queue::Dial => Signal::Dial,
        Queue::Settle => Signal::Settle,
        Queue::Work => Signal::Work,
    };
    let in_flight = InFlight::new(0);
    let mut start = 0u32;
    while !app.is_stopping() {
        // A name that Redis has seen lately is refused for half a minute.
        let name = format!("{}-{}-{start}", queue.name(), app.sender);
        let worker = WorkerBuilder::new(name)
            .backend(
                app.queues.storage(queue).poll_with_strategy(WakePoll::new(app.wakes.of(signal))),
            )
            .data(app.clone())
            .data(in_flight.clone())
            .concurrency(concurrency)
            .build(run);
        let stop = app.clone();
        let until = worker.run_until(async move {
            stop.stopped().await;
            Ok::<(), std::io::Error>(())
        });
        // apalis 1.0.0 may never end a worker that is stopped while it has tasks, though all of them are done.
        let ended = tokio::select! {
            ended = until => ended,
            () = drained(&app, &in_flight) => return,
        };
        if app.is_stopping() {
            return;
        }
        start = start.wrapping_add(1);
        metrics::restarted(queue.name());
        if let Err(error) = ended {
            tracing::warn!(queue = queue.name(), error = %error, "a queue's worker ended; it is started again");
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Waits until the process is to stop, and its handlers are done.
async fn drained(app: &App, in_flight: &InFlight) {
    app.stopped().await;
    // An error means that the sender is gone, which is held here.
    let _ = in_flight.subscribe().wait_for(|count| *count == 0).await;
    tokio::time::sleep(ACKNOWLEDGE).await;
}

/// Runs one task. Answers `Ok` whatever became of it: PostgreSQL knows, and an error would have the task run again by
/// apalis' own schedule. Time-outs and panics are caught here, since outside of the handler they would end the worker.
async fn run(task: Value, app: Data<App>, in_flight: Data<InFlight>) -> Result<(), BoxDynError> {
    let running = Running::new(&in_flight);
    if app.is_stopping() {
        // Fetched, and not begun: it stays in flight in Redis, and is given to another worker.
        drop(running);
        return std::future::pending().await;
    }
    let Ok(Payload { task, trace }) = serde_json::from_value(task) else {
        tracing::error!("a task can't be read: written by a newer release?");
        return Ok(());
    };
    let app = App::clone(&app);
    let handler = tokio::spawn(async move {
        let _until_done = running;
        match task {
            Task::Dial { tenant, attempt } => {
                let span = tracing::info_span!(
                    target: traces::TARGET, parent: None, "dial", otel.kind = "consumer",
                    tenant.id = %tenant, attempt.id = %attempt, call.id = Empty, answer = Empty,
                );
                traces::follow(&span, trace);
                dial::dial(&app, tenant, attempt).instrument(span).await
            }
            Task::Settle { webhooks } => settle::settle(&app, &webhooks).await,
            Task::Run { tenant, job, send_no } => {
                jobs::turn::take(&app, tenant, job, send_no).await
            }
        }
    });
    // In a task of its own: each time that a future in apalis' own task is woken, Redis is asked for more work.
    let aborter = handler.abort_handle();
    match tokio::time::timeout(HANDLER_TIMEOUT, handler).await {
        Ok(Ok(Ok(()))) => {}
        Ok(Ok(Err(error))) => {
            tracing::warn!(error = %error, "a task could not be done yet; the sweep sends it again")
        }
        Ok(Err(error)) => tracing::error!(panicked = error.is_panic(), "a task's handler broke"),
        Err(_) => {
            aborter.abort();
            tracing::error!("a task's handler took too long");
        }
    }
    Ok(())
}
