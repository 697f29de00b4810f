//! What PostgreSQL tells by itself (`NOTIFY`). For what is rare: at commit, a notice takes a lock of the whole database.

use std::time::Duration;

use sqlx::PgPool;
use sqlx::postgres::{PgListener, PgPoolOptions};

/// How long until PostgreSQL is tried again.
const RETRY: Duration = Duration::from_millis(500);

/// Hears one channel. Connects when first asked, and again whenever the connection breaks.
#[derive(Debug)]
pub struct Notices {
    pool: PgPool,
    channel: &'static str,
    listener: Option<PgListener>,
}

impl Notices {
    pub(super) fn new(like: &PgPool, channel: &'static str) -> Self {
        // Not from the serving pool: a listener keeps its connection for good.
        let options = like.connect_options().as_ref().clone();
        let pool = PgPoolOptions::new().max_connections(1).connect_lazy_with(options);
        Self { pool, channel, listener: None }
    }

    /// Returns when something was told, and whenever listening begins, since before that something may have been missed.
    pub async fn next(&mut self) {
        loop {
            match &mut self.listener {
                Some(listener) => {
                    if !matches!(listener.try_recv().await, Ok(Some(_))) {
                        self.listener = None;
                        continue;
                    }
                    return;
                }
                None => {
                    if self.connect().await.is_ok() {
                        return;
                    }
                    tokio::time::sleep(RETRY).await;
                }
            }
        }
    }

    async fn connect(&mut self) -> Result<(), sqlx::Error> {
        let mut listener = PgListener::connect_with(&self.pool).await?;
        listener.listen(self.channel).await?;
        self.listener = Some(listener);
        Ok(())
    }
}
