//! What an import would do.

use axum::extract::State;
use shared::ids::ImportId;
use shared::imports::store::files;
use shared::imports::{self, Preview};

use super::ask::{Ask, problem};
use super::{NOUN, compute, content, surroundings};
use crate::app::App;
use crate::auth::{Allowed, EditContacts};
use crate::bulk::of_failure;
use crate::http::contract::Operation;
use crate::http::{NotKept, Path, Problem, Reply, Shown};

pub(super) const PREVIEW: Operation = Operation::new("previewImport", "Preview an import").says(
    "Reads and checks every row, compares them with each other and with the contacts that are there, and changes nothing. The same body as \
     for running it.",
);

/// Says what an import would do.
pub(super) async fn preview(
    State(app): State<App>,
    by: Allowed<EditContacts>,
    Path(id): Path<ImportId>,
    NotKept(ask): NotKept<Ask>,
) -> Result<Reply<Shown<Preview>>, Problem> {
    let mut work = app.read(&by).await?;
    let import = files::find(&mut work.tx, id).await?.ok_or(Problem::NotFound(NOUN))?;
    let options = ask.read(&mut work, &by).await?;
    let content = content(&mut work, &import).await?;
    let surroundings = surroundings(&mut work).await?;
    // Checking takes a while, in which no connection needs to be held.
    work.tx.rollback().await?;
    let by_these = options.clone();
    let rows = compute(move || imports::check(&content, &by_these, &surroundings)).await?;
    let rows = rows.map_err(problem)?;
    let mut work = app.read(&by).await?;
    let zone = work.tenant.zone;
    let preview = imports::preview(&mut work.tx, &work.keys, zone, &options, &rows).await;
    let preview = preview.map_err(of_failure)?;
    let known = preview.known.iter().filter_map(|row| row.contact_id);
    let shown: Vec<_> = known.map(|contact| contact.0).chain([id.0]).collect();
    Ok(Reply::ok(&preview)?.showing(shown))
}
