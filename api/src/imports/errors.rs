//! The rows that could not be taken, to be corrected and uploaded again.

use axum::extract::State;
use shared::ids::ImportId;
use shared::imports::store::files;
use shared::imports::{self, Params};
use shared::jobs::store;

use super::ask::problem;
use super::{NOUN, compute, content, surroundings};
use crate::app::App;
use crate::auth::{Download, EditContacts};
use crate::http::contract::Operation;
use crate::http::{CsvFile, Path, Problem, Reply};

pub(super) const FILE: Operation = Operation::new("downloadImportErrors", "Download rows that failed").says(
    "Of an import that was run: its faulty rows in the shape of the file, with the reasons in a last column, as CSV. Correct them and upload \
     the file again. Cells that a spreadsheet would run have an apostrophe in front, which reading takes off again.",
);

/// Gives the rows of an import that could not be taken.
pub(super) async fn file(
    State(app): State<App>,
    Download(by): Download<EditContacts>,
    Path(id): Path<ImportId>,
) -> Result<Reply<CsvFile>, Problem> {
    let none = || Problem::NotFound("file of errors: the import has not been run");
    let mut work = app.read(&by).await?;
    let import = files::find(&mut work.tx, id).await?.ok_or(Problem::NotFound(NOUN))?;
    let job = import.job.ok_or_else(none)?;
    let Params { options, .. } =
        store::params(&mut work.tx, &work.keys, job).await?.ok_or_else(none)?;
    let content = content(&mut work, &import).await?;
    let surroundings = surroundings(&mut work).await?;
    let failed = imports::failed(&mut work.tx, job).await?;
    work.tx.rollback().await?;
    let file = compute(move || imports::errors_file(&content, &options, &surroundings, &failed));
    let file = file.await?.map_err(problem)?;
    Ok(Reply::csv("import-errors.csv", file).showing([id.0]))
}
