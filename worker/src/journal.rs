//! What must survive a database that goes back in time, and that no provider can tell us again: opt-outs.
//!
//! A line is appended to a file of this host outside the database, and replayed after a restore. Ids, hashes and sealed
//! values only.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use shared::ids::{DoNotCallId, TenantId};

/// One line.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Entry {
    /// A number was put on a tenant's do-not-call list.
    OptOut {
        /// Whose list.
        tenant: TenantId,
        /// The entry's id, to which the seal is bound.
        id: DoNotCallId,
        /// The number's equality hash, hex.
        number_eq: String,
        /// The number, sealed, hex.
        number: String,
        /// When.
        at: DateTime<Utc>,
    },
}

/// The journal of this host.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: Mutex<File>,
}

impl Journal {
    /// Opens the journal in `state_dir`.
    ///
    /// # Errors
    /// The file can't be opened.
    pub fn open(state_dir: &Path) -> std::io::Result<Self> {
        let path = state_dir.join("journal.jsonl");
        let file = File::options().append(true).create(true).open(&path)?;
        Ok(Self { path, file: Mutex::new(file) })
    }

    /// Notes an opt-out. Written before the transaction commits: one line too many is harmless.
    pub fn opt_out(
        &self,
        tenant: TenantId,
        id: DoNotCallId,
        number_eq: &[u8],
        number: &[u8],
        at: DateTime<Utc>,
    ) {
        let entry = Entry::OptOut {
            tenant,
            id,
            number_eq: hex::encode(number_eq),
            number: hex::encode(number),
            at,
        };
        let Ok(mut line) = serde_json::to_vec(&entry) else { return };
        line.push(b'\n');
        // One write call, so that lines of several processes don't mix.
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = file.write_all(&line).and_then(|()| file.sync_data()) {
            tracing::error!(error = %error, "the journal could not be written: a restore would forget an opt-out");
        }
    }

    /// All lines. One that was cut short by a crash is skipped.
    ///
    /// # Errors
    /// The file can't be read.
    pub fn entries(&self) -> std::io::Result<Vec<Entry>> {
        let text = std::fs::read_to_string(&self.path)?;
        Ok(text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect())
    }
}
