//! Contacts as a file: a part for each page of them.

use std::time::Instant;

use serde_json::json;
use shared::bulk::select;
use shared::exports::{self, MOST, Made, PAGE, Params};
use shared::files::{FileError, FileKind};
use shared::ids::FileId;
use shared::jobs::store::run::Batch;
use shared::jobs::{Failure, Step};

use super::super::turn::Run;
use super::{Stepped, bulk};

pub(super) async fn step(run: &Run<'_>, mut batch: Box<Batch>) -> Result<Stepped, Failure> {
    let began = Instant::now();
    let params: Params = batch.params(run.job)?;
    let Some(total) = select::evaluated(&mut batch.tx, run.job.id).await? else {
        return bulk::choose(run, batch, &params.selection, (params.expected_count, MOST)).await;
    };
    // What another release wrote begins anew: its parts are swept.
    let made: Made = serde_json::from_value(batch.place.clone()).unwrap_or_default();
    let mut made = made.unless_old(batch.now);
    let chosen = select::slice(&mut batch.tx, run.job.id, made.at(), PAGE).await?;
    if !chosen.is_empty() {
        let rows = exports::rows(&mut batch, &params, &chosen).await?;
        let keys = std::sync::Arc::clone(&batch.keys);
        // Writing may take as long as the store is slow, in which nobody should wait for this job's row. A part that no batch refers to
        // in the end is swept.
        batch.release().await?;
        let part = FileId::new();
        let writer =
            run.app.files.create(&keys, FileKind::Export, part).map_err(|error| failed(&error))?;
        exports::write_part(writer, &rows).await.map_err(|error| failed(&error))?;
        let Some(opened) = run.open().await? else { return Ok(None) };
        batch = opened;
        batch.since(began);
        made.began = made.began.or(Some(batch.now));
        made.rows += rows.len() as u64;
        made.gone += (chosen.len() - rows.len()) as u64;
        made.parts.push(part);
        batch.progress.done = made.rows;
        batch.progress.failed = made.gone;
        batch.place = serde_json::to_value(&made).unwrap_or_default();
    }
    let all = usize::try_from(total).unwrap_or(usize::MAX);
    let result = || json!({ "rows": made.rows, "gone": made.gone });
    let step = if made.at() >= all { Step::Done(result()) } else { Step::More };
    Ok(Some((batch, step)))
}

/// The word of it; what the store said is logged, which names no tenant and nobody.
fn failed(error: &FileError) -> Failure {
    tracing::warn!(
        error = error as &dyn std::error::Error,
        "a part of an export could not be written"
    );
    Failure::Other(match error {
        FileError::NoSpace(_) => "files_full",
        FileError::StoreAway(_) => "files_away",
        FileError::Refused(_) => "files_refused",
        FileError::Key(_) => "keys",
        _ => "files",
    })
}
