//! What each kind of job does in a batch.

mod probe;

use shared::jobs::store::run::Batch;
use shared::jobs::{Failure, Kind, Step};

use super::turn::Run;

/// A batch with what was done in it, and what it came to. `None`: another runner has the job now.
pub type Stepped = Option<(Box<Batch>, Step)>;

/// Does one batch of a job.
///
/// # Errors
/// Any [`Failure`]: nothing of the batch is kept.
pub async fn step(run: &Run<'_>, batch: Box<Batch>) -> Result<Stepped, Failure> {
    match run.job.kind {
        Some(Kind::Probe) => probe::step(run, batch),
        None => Err(Failure::Other("unknown_kind")),
    }
}
