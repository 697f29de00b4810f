//! A key that is there as long as Redis has not been wiped.

use redis::aio::ConnectionManager;

use super::{QueueError, Queues};

/// Watches one key. When it is missing, everything that was sent may be gone.
#[derive(Debug, Clone)]
pub struct Sentinel {
    conn: ConnectionManager,
    key: String,
}

impl Sentinel {
    /// The sentinel of these queues.
    pub fn new(queues: &Queues) -> Self {
        Self { conn: queues.conn(), key: format!("{}.sentinel", queues.prefix()) }
    }

    /// Whether the key is there.
    ///
    /// # Errors
    /// Redis is away.
    pub async fn stands(&self) -> Result<bool, QueueError> {
        let found: bool =
            redis::cmd("EXISTS").arg(&self.key).query_async(&mut self.conn.clone()).await?;
        Ok(found)
    }

    /// Sets the key. Call it *after* everything unfinished was marked as not sent: a crash in between marks it twice.
    ///
    /// # Errors
    /// Redis is away.
    pub async fn set(&self) -> Result<(), QueueError> {
        redis::cmd("SET").arg(&self.key).arg(1).exec_async(&mut self.conn.clone()).await?;
        Ok(())
    }
}
