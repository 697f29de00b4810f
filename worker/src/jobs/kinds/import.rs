//! Contacts and appointments of a file's rows.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::json;
use shared::imports::{self, BATCH, Params, Surroundings, Unusable, code, store};
use shared::intake::check::Checked;
use shared::jobs::store::items::{self, Item, Outcome};
use shared::jobs::store::run::Batch;
use shared::jobs::{Failure, Step};

use super::super::turn::Run;
use super::Stepped;

/// All rows of the file, checked: for the batches of one turn.
pub type Rows = Arc<Vec<Checked>>;

/// Where the next batch begins, and what came of those before it.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Place {
    begun: bool,
    at: usize,
    created: u64,
    added: u64,
    updated: u64,
    skipped: u64,
    failed: u64,
    groups_made: Vec<shared::ids::GroupId>,
}

impl Place {
    fn read(batch: &Batch) -> Self {
        serde_json::from_value(batch.place.clone()).unwrap_or_default()
    }

    fn keep(&self, batch: &mut Batch) {
        batch.place = serde_json::to_value(self).unwrap_or_default();
        batch.progress.done = self.created + self.added + self.updated + self.skipped;
        batch.progress.failed = self.failed;
    }

    fn count(&mut self, items: &[Item]) {
        for item in items {
            let count = match (item.outcome, item.code) {
                (Outcome::Failed, _) => &mut self.failed,
                (Outcome::Skipped, _) => &mut self.skipped,
                (Outcome::Done, Some(code::CREATED)) => &mut self.created,
                (Outcome::Done, Some(code::ADDED)) => &mut self.added,
                (Outcome::Done, _) => &mut self.updated,
            };
            *count += 1;
        }
    }

    fn result(&self) -> serde_json::Value {
        json!({
            "created": self.created, "added": self.added, "updated": self.updated, "skipped": self.skipped,
            "failed": self.failed, "groups_made": self.groups_made,
        })
    }
}

pub(super) async fn step(run: &Run<'_>, mut batch: Box<Batch>) -> Result<Stepped, Failure> {
    let params: Params = batch.params(run.job)?;
    // Before the file is read, and again before anything is written: reading it ends the batch.
    if !imports::turn(&mut batch).await? {
        let step = imports::not_now(&batch);
        return Ok(Some((batch, step)));
    }
    let (mut batch, rows) = match run.rows() {
        Some(rows) => (batch, rows),
        None => match load(run, batch, &params).await? {
            Loaded::Rows(batch, rows) => (batch, rows),
            Loaded::Ended(stepped) => return Ok(stepped),
        },
    };
    if !imports::turn(&mut batch).await? {
        let step = imports::not_now(&batch);
        return Ok(Some((batch, step)));
    }
    let mut place = Place::read(&batch);
    if !place.begun {
        place.groups_made = imports::begin(&mut batch, &params.options, &rows).await?;
        place.begun = true;
        batch.progress.total = Some(rows.len() as u64);
        place.keep(&mut batch);
        return Ok(Some((batch, Step::More)));
    }
    let next = rows.len().min(place.at + BATCH);
    let some = rows.get(place.at..next).unwrap_or_default();
    if !some.is_empty() {
        let items = imports::write(&mut batch, run.job.id, &params.options, some).await?;
        items::insert(&mut batch.tx, run.job.id, &items).await?;
        place.at = next;
        place.count(&items);
        place.keep(&mut batch);
    }
    let step = if place.at >= rows.len() { Step::Done(place.result()) } else { Step::More };
    Ok(Some((batch, step)))
}

enum Loaded {
    Rows(Box<Batch>, Rows),
    Ended(Stepped),
}

/// Reads and checks the file. Nobody waits for the job's row meanwhile.
async fn load(run: &Run<'_>, mut batch: Box<Batch>, params: &Params) -> Result<Loaded, Failure> {
    let place = Place::read(&batch);
    let ended = |batch, why| {
        let step = match place.begun {
            false => Step::Refused(why),
            true => {
                let mut result = place.result();
                result["stopped"] = json!(why);
                Step::Done(result)
            }
        };
        Ok(Loaded::Ended(Some((batch, step))))
    };
    let content = store::files::content(&mut batch.tx, &batch.keys, params.import).await?;
    let Some(content) = content else { return ended(batch, "no_file") };
    let (tenant, now) = (batch.tenant.clone(), batch.now);
    let surroundings = Surroundings::read(&mut batch.tx, &tenant, now).await?;
    let Some(surroundings) = surroundings else { return ended(batch, "no_regions") };
    batch.release().await?;
    let options = params.options.clone();
    let checked =
        tokio::task::spawn_blocking(move || imports::check(&content, &options, &surroundings))
            .await;
    let checked = checked.map_err(|_| Failure::Other("panicked"))?;
    let Some(batch) = run.open().await? else { return Ok(Loaded::Ended(None)) };
    match checked {
        Ok(rows) => Ok(Loaded::Rows(batch, run.keep_rows(rows))),
        Err(Unusable::File(_)) => ended(batch, "file_unreadable"),
        Err(Unusable::Mapping(_)) => ended(batch, "mapping"),
    }
}
