//! A job that does nothing, in so many batches: operators ask for one to see that jobs are run.

use shared::jobs::probe::Params;
use shared::jobs::store::run::Batch;
use shared::jobs::{Failure, Step};

use super::super::turn::Run;
use super::Stepped;

pub(super) fn step(run: &Run<'_>, mut batch: Box<Batch>) -> Result<Stepped, Failure> {
    let Params { batches } = batch.params(run.job)?;
    let total = u64::from(batches);
    batch.progress.total = Some(total);
    batch.progress.done = (batch.progress.done + 1).min(total);
    let step = if batch.progress.done == total {
        Step::Done(serde_json::json!({ "batches": total }))
    } else {
        Step::More
    };
    Ok(Some((batch, step)))
}
