//! The number of the last dial that anybody is known to have made, kept where a restored database can't take it back.
//!
//! Each intent takes the next number of a sequence. If the database's last number is less than one that was used
//! before, it went back: a restore, or a failover that lost commits. Then it has forgotten dials, and nobody may be
//! dialled until the provider's own record has been read.
//!
//! The number is kept in Redis, for all hosts, and in a file, for this host, in case Redis was wiped as well.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};

use redis::aio::ConnectionManager;
use shared::queue::{QueueError, Queues};

/// KEYS: the number. ARGV: a number that was used. Keeps the greater.
const RAISE: &str = "local n = tonumber(redis.call('get', KEYS[1]) or '0') \
                     if tonumber(ARGV[1]) > n then redis.call('set', KEYS[1], ARGV[1]) end return n";

/// See the module.
#[derive(Debug)]
pub struct HighWater {
    redis: ConnectionManager,
    key: String,
    file: File,
    known: AtomicI64,
}

impl HighWater {
    /// Opens the file in `state_dir`.
    ///
    /// # Errors
    /// The file can't be opened or read.
    pub fn open(queues: &Queues, state_dir: &Path) -> std::io::Result<Self> {
        let file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(state_dir.join("high-water"))?;
        let mut bytes = [0; 8];
        let known = match file.read_exact_at(&mut bytes, 0) {
            Ok(()) => i64::from_le_bytes(bytes),
            Err(_) => 0,
        };
        Ok(Self {
            redis: queues.conn(),
            key: format!("{}.dial-serial", queues.prefix()),
            file,
            known: AtomicI64::new(known),
        })
    }

    /// The greatest number known to be used. Read it *before* the sequence: numbers given out later are greater.
    ///
    /// # Errors
    /// Redis is away: then nobody is dialled, since nothing else tells of the other hosts' dials.
    pub async fn read(&self) -> Result<i64, QueueError> {
        let told: Option<i64> =
            redis::cmd("GET").arg(&self.key).query_async(&mut self.redis.clone()).await?;
        Ok(told.unwrap_or(0).max(self.known.load(Ordering::Acquire)))
    }

    /// Notes a number that is about to be used. Before the provider is asked, not after.
    ///
    /// # Errors
    /// Neither Redis nor the file took it.
    pub async fn raise(&self, serial: i64) -> Result<(), QueueError> {
        if self.known.fetch_max(serial, Ordering::AcqRel) < serial {
            // A lost write costs the file's word after a wipe of Redis, not Redis' own.
            let _ = self.file.write_all_at(&serial.to_le_bytes(), 0);
        }
        let _: i64 = redis::cmd("EVAL")
            .arg(RAISE)
            .arg(1)
            .arg(&self.key)
            .arg(serial)
            .query_async(&mut self.redis.clone())
            .await?;
        Ok(())
    }
}
