//! Beginning a transaction so that nobody inherits it.
//!
//! A request may end at any await: its client went away, or its time ran out. If that happens while `begin` is on its way, sqlx
//! doesn't know yet that the connection is in a transaction, and puts it back as if it were in none. Whoever gets it next is then
//! in somebody else's transaction: what they write outside of one is never committed, and asking for one snapshot fails
//! (SQLSTATE 25001). So a `begin` that was sent is always waited for, by whoever asked or else by the runtime.

use std::pin::Pin;
use std::task::{Context, Poll};

use sqlx::{PgPool, Postgres, SqlStr, Transaction};
use tokio::runtime::Handle;

use super::Error;

/// Begins a transaction on a free connection, with a `begin` of its own where one is given.
///
/// # Errors
/// [`Error::Busy`] if PostgreSQL is away or no connection is free in time.
pub(super) async fn begin(
    pool: &PgPool,
    statement: Option<SqlStr>,
) -> Result<Transaction<'static, Postgres>, Error> {
    // Nothing is sent before this is over: it may be given up at any time.
    let connection = pool.acquire().await?;
    let begun: Under<_> = Box::pin(Transaction::begin(connection, statement));
    Ok(Finishing(Some(begun)).await?)
}

type Under<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// A future that goes on when whoever waits for it doesn't. What it gives is dropped then, which takes a transaction back.
struct Finishing<T: Send + 'static>(Option<Under<T>>);

impl<T: Send + 'static> Future for Finishing<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let Some(under) = &mut self.0 else { return Poll::Pending };
        let polled = under.as_mut().poll(cx);
        if polled.is_ready() {
            self.0 = None;
        }
        polled
    }
}

impl<T: Send + 'static> Drop for Finishing<T> {
    fn drop(&mut self) {
        if let Some(under) = self.0.take()
            && let Ok(runtime) = Handle::try_current()
        {
            runtime.spawn(async move { drop(under.await) });
        }
    }
}
