//! What each kind of job does in a batch.

mod bulk;
mod export;
mod import;
mod probe;
mod undo;

use shared::jobs::store::run::Batch;
use shared::jobs::{Failure, Kind, Step};

use super::turn::Run;

pub use import::Rows;

/// A batch with what was done in it, and what it came to. `None`: another runner has the job now.
pub type Stepped = Option<(Box<Batch>, Step)>;

/// Does one batch of a job.
///
/// # Errors
/// Any [`Failure`]: nothing of the batch is kept.
pub async fn step(run: &Run<'_>, batch: Box<Batch>) -> Result<Stepped, Failure> {
    match run.job.kind {
        Some(Kind::Probe) => probe::step(run, batch),
        Some(Kind::Bulk) => bulk::step(run, batch).await,
        Some(Kind::Import) => import::step(run, batch).await,
        Some(Kind::Export) => export::step(run, batch).await,
        Some(Kind::Undo) => undo::step(run, batch).await,
        None => Err(Failure::Other("unknown_kind")),
    }
}
