//! What must survive a database that goes back in time, and that no provider can tell us again: who is not to be called, and
//! who was erased.
//!
//! Lines are appended to a file of this host outside the database, and replayed after a restore. Ids, hashes and sealed
//! values only. A number is sealed twice: under its tenant's key, as the list has it, and under the master key, since a database
//! that went back behind a rotation has neither the tenant's newer key nor its newer hashes. A number that is listed is noted *before* its transaction commits, one that is taken off *after* it: so
//! whatever a crash cuts off, nobody is called who asked not to be. Every process that has a journal replays it while
//! dialling is held, again and again: entries of several hosts then come out the same in any order.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::calls::store::recovery as store;
use crate::contacts::phone::PhoneNumber;
use crate::crypto::{CryptoError, MasterKeys, PlatformField};
use crate::db::{Db, Error};
use crate::ids::{ContactId, DoNotCallId, TenantId};
use crate::retention::store::replay;
use crate::tenants::{KeyError, KeyRing};

/// Lines are written in pieces of this many bytes: small enough to go to the file in one call, so that lines of several
/// processes don't mix.
const PIECE: usize = 64 * 1024;

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
        /// How it came onto the list: a word of [`crate::do_not_call::Source`]. Older lines are of calls.
        #[serde(default = "by_call")]
        source: String,
        /// The number, sealed under the master key, hex. Older lines have none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        carried: Option<String>,
    },
    /// An entry was taken off a tenant's do-not-call list.
    Removed {
        /// Whose list.
        tenant: TenantId,
        /// The entry.
        id: DoNotCallId,
        /// When.
        at: DateTime<Utc>,
    },
    /// A contact was erased. Noted before it is: a restore must not bring anybody back.
    Erased {
        /// Whose contact.
        tenant: TenantId,
        /// The contact.
        id: ContactId,
        /// When.
        at: DateTime<Utc>,
    },
    /// A tenant's keys were destroyed.
    Shredded {
        /// Which tenant.
        tenant: TenantId,
        /// When.
        at: DateTime<Utc>,
    },
}

fn by_call() -> String {
    "call".to_owned()
}

impl Entry {
    /// A number that was put on a list. `number_eq` is its equality hash, `number` the sealed number.
    pub fn opt_out(
        tenant: TenantId,
        id: DoNotCallId,
        (number_eq, number): (&[u8], &[u8]),
        source: crate::do_not_call::Source,
        at: DateTime<Utc>,
    ) -> Self {
        Self::OptOut {
            tenant,
            id,
            number_eq: hex::encode(number_eq),
            number: hex::encode(number),
            at,
            source: source.as_str().to_owned(),
            carried: None,
        }
    }

    /// The same, with the number sealed so that it is read whatever keys the tenant has then. Other lines stay as they are.
    ///
    /// # Errors
    /// [`CryptoError::NoRandomness`].
    pub fn carried_by(
        mut self,
        master: &MasterKeys,
        number: &PhoneNumber,
    ) -> Result<Self, CryptoError> {
        if let Self::OptOut { id, carried, .. } = &mut self {
            let number = number.as_str().as_bytes();
            let sealed = master.seal_platform(PlatformField::JournalNumber, id.0, number)?;
            *carried = Some(hex::encode(sealed.as_bytes()));
        }
        Ok(self)
    }
}

/// The journal of this host.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: Mutex<File>,
}

impl Journal {
    /// Opens the journal in `state_dir`. Several processes may have it open.
    ///
    /// # Errors
    /// The file can't be opened.
    pub fn open(state_dir: &Path) -> std::io::Result<Self> {
        let path = state_dir.join("journal.jsonl");
        let file = File::options().append(true).create(true).open(&path)?;
        Ok(Self { path, file: Mutex::new(file) })
    }

    /// Appends lines, and returns once the disk has them. Blocks. A failure is logged, and stops nobody from opting out.
    pub fn append(&self, entries: &[Entry]) {
        if let Err(error) = self.write(entries) {
            crate::telemetry::metrics::journal_failed();
            tracing::error!(error = %error, "the journal could not be written: a restore would forget an opt-out");
        }
    }

    fn write(&self, entries: &[Entry]) -> std::io::Result<()> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let mut piece = Vec::new();
        for entry in entries {
            let line = serde_json::to_vec(entry)?;
            if piece.len() + line.len() >= PIECE {
                file.write_all(&piece)?;
                piece.clear();
            }
            piece.extend(line);
            piece.push(b'\n');
        }
        file.write_all(&piece)?;
        file.sync_data()
    }

    /// All lines. One that was cut short by a crash is skipped.
    ///
    /// # Errors
    /// The file can't be read.
    pub fn entries(&self) -> std::io::Result<Vec<Entry>> {
        // A crash may leave bytes that are no text.
        let bytes = std::fs::read(&self.path)?;
        let lines = bytes.split(|byte| *byte == b'\n');
        Ok(lines.filter_map(|line| serde_json::from_slice(line).ok()).collect())
    }

    /// Brings the lists up to what was noted: takes off what was taken off since, and lists what was listed and not
    /// taken off. Doing it again changes nothing.
    ///
    /// # Errors
    /// The file can't be read, or PostgreSQL is away.
    pub async fn replay(&self, db: &Db, ring: &KeyRing) -> Result<(), ReplayError> {
        let entries = self.entries()?;
        let mut removed = BTreeSet::new();
        let mut shredded = BTreeSet::new();
        for entry in &entries {
            match entry {
                Entry::Shredded { tenant, .. } => {
                    shredded.insert(*tenant);
                    replay::shred(db, *tenant).await?;
                }
                Entry::Erased { tenant, id, .. } => replay::erase(db, *tenant, *id).await?,
                _ => {}
            }
        }
        // First, so that a number that was listed anew finds its place free.
        for entry in &entries {
            if let Entry::Removed { tenant, id, at } = entry {
                removed.insert(*id);
                store::replay_removal(db, *tenant, *id, *at).await?;
            }
        }
        for entry in &entries {
            let Entry::OptOut { tenant, id, number_eq, number, at, source, carried } = entry else {
                continue;
            };
            let (Ok(number_eq), Ok(number)) = (hex::decode(number_eq), hex::decode(number)) else {
                continue;
            };
            if removed.contains(id) || shredded.contains(tenant) {
                continue;
            }
            if let Some(number) = carried.as_deref().and_then(|sealed| open(ring, *id, sealed)) {
                let listed = (*id, &number, source.as_str(), *at);
                replay::list(db, ring, *tenant, listed).await?;
            } else {
                let found = store::OptOut {
                    id: *id,
                    number_eq: &number_eq,
                    number: &number,
                    at: *at,
                    source,
                };
                store::replay_opt_out(db, *tenant, &found).await?;
            }
        }
        Ok(())
    }
}

/// The number of a line that carries it. One that doesn't open, its master key being gone, is replayed as older lines are.
fn open(ring: &KeyRing, id: DoNotCallId, sealed: &str) -> Option<PhoneNumber> {
    let sealed = hex::decode(sealed).ok()?;
    let opened = ring.master().open_platform(PlatformField::JournalNumber, id.0, &sealed).ok()?;
    PhoneNumber::from_e164(std::str::from_utf8(&opened).ok()?).ok()
}

/// Why a journal could not be replayed.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The file.
    #[error("the journal can't be read: {0}")]
    File(#[from] std::io::Error),
    /// PostgreSQL.
    #[error("{}", .0.cause())]
    Db(#[from] Error),
    /// A tenant's keys.
    #[error(transparent)]
    Keys(#[from] KeyError),
}
