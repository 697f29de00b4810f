//! When an idle apalis worker looks at its queue: when told to, and every half second to make sure.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use apalis::prelude::*;
use tokio::sync::Notify;

/// A lost signal costs this much and no more.
const NET: Duration = Duration::from_millis(500);

type Tick = Pin<Box<dyn Future<Output = ()> + Send + Sync>>;

/// Wakes on a [`Notify`] or after half a second.
///
/// apalis' own interval strategy can return while its timer isn't polled, and then sleeps until the next heartbeat
/// (measured: p50 of 25 s). So this one never answers without leaving a polled future behind.
pub struct WakePoll {
    wake: Arc<Notify>,
    tick: Option<Tick>,
}

impl WakePoll {
    /// Polls when `wake` is notified.
    pub fn new(wake: Arc<Notify>) -> Self {
        Self { wake, tick: None }
    }

    fn arm(&self) -> Tick {
        let wake = Arc::clone(&self.wake);
        Box::pin(async move {
            tokio::select! {
                () = wake.notified() => {}
                () = tokio::time::sleep(NET) => {}
            }
        })
    }
}

impl PollStrategy for WakePoll {
    fn poll_drive(&mut self, cx: &mut Context<'_>, _: &PollSnapshot) -> Poll<Option<()>> {
        let mut fired = false;
        loop {
            let mut tick = match self.tick.take() {
                Some(tick) => tick,
                None => self.arm(),
            };
            match tick.as_mut().poll(cx) {
                Poll::Ready(()) if fired => {
                    // Notified twice in a row: one look serves both; don't spin.
                    cx.waker().wake_by_ref();
                    return Poll::Ready(Some(()));
                }
                Poll::Ready(()) => fired = true,
                Poll::Pending => {
                    self.tick = Some(tick);
                    return if fired { Poll::Ready(Some(())) } else { Poll::Pending };
                }
            }
        }
    }
}
