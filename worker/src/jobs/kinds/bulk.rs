//! One change of many contacts.

use serde::{Deserialize, Serialize};
use serde_json::json;
use shared::bulk::{Params, Selection, act, select};
use shared::jobs::store::items::{self, Item, Outcome};
use shared::jobs::store::run::Batch;
use shared::jobs::{Failure, Step};

use super::super::turn::Run;
use super::Stepped;

/// Where the next batch begins, and what came of those before it.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Place {
    pub(super) at: usize,
    pub(super) changed: u64,
    pub(super) skipped: u64,
    pub(super) failed: u64,
}

impl Place {
    pub(super) fn read(batch: &Batch) -> Self {
        // What another release wrote begins anew: what is noted stays noted once.
        serde_json::from_value(batch.place.clone()).unwrap_or_default()
    }

    /// Counts what became of some, and keeps the place.
    pub(super) fn count(&mut self, batch: &mut Batch, items: &[Item]) {
        for item in items {
            match item.outcome {
                Outcome::Done => self.changed += 1,
                Outcome::Skipped => self.skipped += 1,
                Outcome::Failed => self.failed += 1,
            }
        }
        batch.progress.done = self.changed + self.skipped;
        batch.progress.failed = self.failed;
        batch.place = serde_json::to_value(&*self).unwrap_or_default();
    }

    pub(super) fn result(&self) -> serde_json::Value {
        json!({ "changed": self.changed, "skipped": self.skipped, "failed": self.failed })
    }
}

pub(super) async fn step(run: &Run<'_>, mut batch: Box<Batch>) -> Result<Stepped, Failure> {
    let params: Params = batch.params(run.job)?;
    let Some(total) = select::evaluated(&mut batch.tx, run.job.id).await? else {
        return choose(run, batch, &params.selection, (params.expected_count, params.act.most()))
            .await;
    };
    let mut place = Place::read(&batch);
    let chosen = select::slice(&mut batch.tx, run.job.id, place.at, params.act.batch()).await?;
    if !chosen.is_empty() {
        let first = i64::try_from(place.at).unwrap_or(i64::MAX).saturating_add(1);
        let did = act::act(&mut batch, run.job.id, &params.act, &chosen, first).await;
        let items = match did {
            Ok(items) => items,
            // Somebody deleted a group meanwhile. Nothing of this batch was done.
            Err(Failure::Other("no_group")) if place.at == 0 => {
                return Ok(Some((batch, Step::Refused("no_group"))));
            }
            Err(Failure::Other("no_group")) => {
                let mut result = place.result();
                result["stopped"] = json!("no_group");
                return Ok(Some((batch, Step::Done(result))));
            }
            Err(failure) => return Err(failure),
        };
        items::insert(&mut batch.tx, run.job.id, &items).await?;
        place.at += chosen.len();
        place.count(&mut batch, &items);
    }
    let all = usize::try_from(total).unwrap_or(usize::MAX);
    let step = if place.at >= all { Step::Done(place.result()) } else { Step::More };
    Ok(Some((batch, step)))
}

/// Evaluates whom a job is about, as it is now: at most `most`, and `expected` of them if that is said.
pub(super) async fn choose(
    run: &Run<'_>,
    batch: Box<Batch>,
    selection: &Selection,
    (expected, most): (Option<u64>, usize),
) -> Result<Stepped, Failure> {
    // Reading all contacts may take a second, in which nobody should wait for this job's row.
    batch.release().await?;
    let chosen = select::evaluate(&run.app.books, run.tenant, selection, most).await?;
    let Some(mut batch) = run.open().await? else { return Ok(None) };
    if chosen.len() > most {
        return Ok(Some((batch, Step::Refused("too_many"))));
    }
    let count = chosen.len() as u64;
    if expected.is_some_and(|expected| expected != count) {
        return Ok(Some((batch, Step::Refused("count_changed"))));
    }
    if select::evaluated(&mut batch.tx, run.job.id).await?.is_none() {
        select::store(&mut batch.tx, run.job.id, &chosen).await?;
    }
    batch.progress.total = Some(count);
    Ok(Some((batch, Step::More)))
}
