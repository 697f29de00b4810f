//! Long work: imports, exports, bulk changes. One row a job; how it runs is told in docs/jobs.md.
//!
//! A job is done in **batches**, each one transaction that does some of the work, moves the job's place and counts, and tells it.
//! Who is killed in the middle of a batch has done nothing of it, and the next runner begins where the last batch ended. A
//! runner that another has replaced can't write any more: every batch asks for its number first.

pub mod probe;
pub mod retry;
pub mod store;

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::audit::Actor;
use crate::ids::{JobId, SenderId};

macro_rules! words {
    ($(#[doc = $doc:literal])* $name:ident as $public:literal { $($(#[$each:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[doc = $doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "snake_case")]
        #[schemars(rename = $public)]
        pub enum $name { $($(#[$each])* $variant,)+ }

        impl $name {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The word kept in the database.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }

            /// What is kept as `word`, if anything.
            pub fn from_word(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

words! {
    /// What a job does.
    Kind as "JobKind" {
        /// Nothing, in so many batches: it shows that jobs are run.
        Probe = "probe",
        /// One change of many contacts.
        Bulk = "bulk",
        /// Makes contacts and appointments of a file's rows.
        Import = "import",
        /// Writes contacts to a file.
        Export = "export",
        /// Takes back what another job did.
        Undo = "undo",
    }
}

words! {
    /// How a job stands.
    State as "JobState" {
        /// It waits in line for a worker, or until it may run again.
        Queued = "queued",
        /// A worker is at it.
        Running = "running",
        /// Somebody paused it.
        Paused = "paused",
        /// All of it was gone through. What failed for some is counted.
        Done = "done",
        /// Somebody cancelled it: what was done by then is done.
        Cancelled = "cancelled",
        /// It can't be done as it was asked for; nothing was changed.
        Refused = "refused",
        /// It failed too often. Somebody may have it tried again.
        Dead = "dead",
    }
}

impl Kind {
    /// Whether what it did can be taken back.
    pub fn can_be_undone(self) -> bool {
        matches!(self, Self::Bulk | Self::Import)
    }
}

impl State {
    /// Whether it ended: no worker touches it any more.
    pub fn is_end(self) -> bool {
        matches!(self, Self::Done | Self::Cancelled | Self::Refused | Self::Dead)
    }
}

words! {
    /// What somebody wants of a job that runs. It is done between two batches.
    Wish as "JobWish" {
        /// To be paused.
        Pause = "pause",
        /// To be cancelled.
        Cancel = "cancel",
    }
}

/// A job, as it is shown.
#[derive(Debug, Clone)]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// What it does.
    pub kind: Kind,
    /// How it stands.
    pub state: State,
    /// Who asked for it: an actor of the audit trail.
    pub asked_by: String,
    /// What may be shown of what was asked for: ids, numbers, words of ours.
    pub facts: serde_json::Value,
    /// When it was asked for.
    pub created_at: DateTime<Utc>,
    /// It isn't run before.
    pub ready_at: DateTime<Utc>,
    /// When its first batch began.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub ended_at: Option<DateTime<Utc>>,
    /// When it was last sent to the queue, if it is there.
    pub sent_at: Option<DateTime<Utc>>,
    /// How often a worker took it.
    pub run_no: i32,
    /// The last sign of life of its runner.
    pub beat_at: Option<DateTime<Utc>>,
    /// For so long batches were at work.
    pub ran: std::time::Duration,
    /// What somebody wants of it.
    pub wants: Option<Wish>,
    /// Why it waits or ended: a word of ours.
    pub reason: Option<String>,
    /// How often it failed since it last got on.
    pub failures: u32,
    /// How far it is.
    pub progress: Progress,
    /// What came of it: counts and ids.
    pub result: Option<serde_json::Value>,
    /// The job that it takes back.
    pub undoes: Option<JobId>,
    /// The job that takes it back.
    pub undone_by: Option<JobId>,
}

impl Job {
    /// Whether what it did can be taken back. That somebody was called can't.
    pub fn can_be_undone(&self) -> bool {
        self.kind.can_be_undone() && self.facts["act"] != crate::bulk::Act::CALL
    }

    /// Until when it can be taken back: a day after its end, if it is of a kind that can be, and did something.
    pub fn undo_until(&self) -> Option<DateTime<Utc>> {
        let did = matches!(self.state, State::Done | State::Cancelled) && self.progress.done > 0;
        let ended = self.ended_at.filter(|_| did && self.can_be_undone())?;
        Some(ended + crate::bulk::UNDO_FOR)
    }
}

/// How far a job is. None of the numbers ever goes back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "JobProgress")]
pub struct Progress {
    /// So many there are, once it is known.
    pub total: Option<u64>,
    /// So many were gone through, and are as they were to be.
    pub done: u64,
    /// So many failed, each by itself.
    pub failed: u64,
}

impl Progress {
    /// So many are left, if it is known.
    pub fn left(&self) -> Option<u64> {
        self.total.map(|total| total.saturating_sub(self.done).saturating_sub(self.failed))
    }

    /// How many a second were gone through. `None` before there is anything to tell by.
    pub fn rate(&self, ran: std::time::Duration) -> Option<f64> {
        let seconds = ran.as_secs_f64();
        let gone = (self.done + self.failed) as f64;
        (seconds > 0.0 && gone > 0.0).then(|| gone / seconds)
    }
}

/// A job to be asked for.
#[derive(Debug)]
pub struct NewJob<'a> {
    /// What it does.
    pub kind: Kind,
    /// Who asks.
    pub by: Actor,
    /// What is asked for. Sealed.
    pub params: &'a serde_json::Value,
    /// What may be shown of it: ids, numbers, words of ours.
    pub facts: serde_json::Value,
    /// How many there are, if it is known.
    pub total: Option<u64>,
    /// The job that it takes back.
    pub undoes: Option<JobId>,
}

/// A job that a runner has taken.
#[derive(Debug, Clone)]
pub struct Claimed {
    /// The job.
    pub id: JobId,
    /// What it does. `None`: a newer release knows.
    pub kind: Option<Kind>,
    /// The number of this run: a batch of an earlier one is refused.
    pub run_no: i32,
    /// Who asked for it; what it changes is told in their name.
    pub asked_by: Actor,
    /// What was asked for, sealed.
    pub(crate) params: Vec<u8>,
    /// The runner.
    pub runner: SenderId,
}

/// What one batch came to.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// There is more to do.
    More,
    /// All is done. What came of it: counts and ids.
    Done(serde_json::Value),
    /// It can't be done as it was asked for: a word of ours. Only before anything was changed.
    Refused(&'static str),
    /// Nothing can be done before then: why, a word of ours.
    Wait(DateTime<Utc>, &'static str),
}

/// Why a batch failed. Nothing of it was changed.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The database.
    #[error(transparent)]
    Db(#[from] crate::db::Error),
    /// The tenant's keys.
    #[error(transparent)]
    Keys(#[from] crate::tenants::KeyError),
    /// A value can't be sealed or opened.
    #[error(transparent)]
    Crypto(#[from] crate::crypto::CryptoError),
    /// Something else: a word of ours.
    #[error("{0}")]
    Other(&'static str),
}

impl Failure {
    /// The word by which it is told.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Db(crate::db::Error::Busy(_)) => "database_away",
            Self::Db(_) => "database",
            Self::Keys(_) | Self::Crypto(_) => "keys",
            Self::Other(code) => code,
        }
    }

    /// What went wrong, in words that hold no value of a row.
    pub fn cause(&self) -> String {
        match self {
            Self::Db(error) => error.cause(),
            other => other.to_string(),
        }
    }
}
