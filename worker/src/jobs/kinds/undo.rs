//! Taking back what another job did.

use shared::bulk::{BATCH, Params, UndoParams, undo};
use shared::jobs::store::items::{self, Outcome};
use shared::jobs::store::run::Batch;
use shared::jobs::{Failure, Step, store};

use super::super::turn::Run;
use super::Stepped;
use super::bulk::Place;

pub(super) async fn step(run: &Run<'_>, mut batch: Box<Batch>) -> Result<Stepped, Failure> {
    let UndoParams { job } = batch.params(run.job)?;
    let params: Option<Params> = store::params(&mut batch.tx, &batch.keys, job).await?;
    // Forgotten since, after 30 days.
    let Some(params) = params else { return Ok(Some((batch, Step::Refused("no_job")))) };
    let mut place = Place::read(&batch);
    let after = i64::try_from(place.at).unwrap_or(i64::MAX);
    let most = i64::try_from(BATCH).unwrap_or(i64::MAX);
    let noted = items::after(&mut batch.tx, job, after, Some(Outcome::Done), most).await?;
    let Some(last) = noted.last().map(|last| last.n) else {
        return Ok(Some((batch, Step::Done(place.result()))));
    };
    let items = undo::undo(&mut batch, run.job.id, &params.act, &noted).await?;
    items::insert(&mut batch.tx, run.job.id, &items).await?;
    place.at = usize::try_from(last).unwrap_or(usize::MAX);
    place.count(&mut batch, &items);
    Ok(Some((batch, Step::More)))
}
