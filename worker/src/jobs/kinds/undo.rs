//! Taking back what another job did.

use shared::bulk::{self, Params, UndoParams};
use shared::ids::JobId;
use shared::imports;
use shared::jobs::store::items::{self, Item, Noted, Outcome};
use shared::jobs::store::run::Batch;
use shared::jobs::{Failure, Kind, Step, store};

use super::super::turn::Run;
use super::Stepped;
use super::bulk::Place;

pub(super) async fn step(run: &Run<'_>, mut batch: Box<Batch>) -> Result<Stepped, Failure> {
    let UndoParams { job } = batch.params(run.job)?;
    // Forgotten since, after 30 days.
    let Some(undone) = store::find(&mut batch.tx, job).await? else {
        return Ok(Some((batch, Step::Refused("no_job"))));
    };
    if undone.kind == Kind::Import && !imports::turn(&mut batch).await? {
        let step = imports::not_now(&batch);
        return Ok(Some((batch, step)));
    }
    let mut place = Place::read(&batch);
    let after = i64::try_from(place.at).unwrap_or(i64::MAX);
    let most = i64::try_from(bulk::BATCH).unwrap_or(i64::MAX);
    let noted = items::after(&mut batch.tx, job, after, Some(Outcome::Done), most).await?;
    let Some(last) = noted.last().map(|last| last.n) else {
        if undone.kind == Kind::Import {
            let made = undone.result.map(|mut result| result["groups_made"].take());
            let made = made.and_then(|made| serde_json::from_value(made).ok()).unwrap_or_default();
            let made: Vec<shared::ids::GroupId> = made;
            imports::undo::unmake_groups(&mut batch, &made).await?;
        }
        return Ok(Some((batch, Step::Done(place.result()))));
    };
    let items = one_batch(&mut batch, (run.job.id, job), undone.kind, &noted).await?;
    items::insert(&mut batch.tx, run.job.id, &items).await?;
    place.at = usize::try_from(last).unwrap_or(usize::MAX);
    place.count(&mut batch, &items);
    Ok(Some((batch, Step::More)))
}

async fn one_batch(
    batch: &mut Batch,
    (job, of): (JobId, JobId),
    kind: Kind,
    noted: &[Noted],
) -> Result<Vec<Item>, Failure> {
    if kind == Kind::Import {
        return imports::undo::undo(batch, (job, of), noted).await;
    }
    let params: Option<Params> = store::params(&mut batch.tx, &batch.keys, of).await?;
    let params = params.ok_or(Failure::Other("no_job"))?;
    bulk::undo::undo(batch, job, &params.act, noted).await
}
