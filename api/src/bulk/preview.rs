//! What a bulk change would do.

use axum::extract::State;
use schemars::JsonSchema;
use serde::Serialize;
use shared::bulk;
use shared::jobs::Failure;

use super::ask::Ask;
use super::{MOST_BYTES, run};
use crate::app::App;
use crate::auth::{Allowed, EditContacts};
use crate::http::contract::Operation;
use crate::http::{NotKept, Problem, Reply, Shown};

/// What would be done, as things stand.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "BulkPreview")]
pub(super) struct Preview {
    /// So many are selected: the `expected_count`.
    total: usize,
    /// More than 10,000 are selected, or 100 to be called: it would be refused.
    too_many: bool,
    /// So many would change.
    changes: usize,
    /// So many are as they would be.
    unchanged: usize,
    /// So many are no contacts, or deleted ones.
    no_contact: usize,
    /// So many have no appointment, or not the one that is named.
    no_appointment: usize,
}

pub(super) const PREVIEW: Operation =
    Operation::new("previewManyContacts", "Preview a change of many contacts").says(
        "Counts what would change, and changes nothing. The same body as for the change itself.",
    );

/// Counts what a bulk change would do.
pub(super) async fn preview(
    State(app): State<App>,
    by: Allowed<EditContacts>,
    NotKept(ask): NotKept<Ask, MOST_BYTES>,
) -> Result<Reply<Shown<Preview>>, Problem> {
    let mut work = app.read(&by).await?;
    let params = run::read(&mut work, &by, ask).await?;
    let most = params.act.most();
    // The search has a transaction of its own.
    work.tx.rollback().await?;
    let mut chosen = bulk::select::evaluate(&app.books, by.tenant, &params.selection, most)
        .await
        .map_err(of_failure)?;
    let total = chosen.len();
    chosen.truncate(most);
    let mut work = app.read(&by).await?;
    let counts = bulk::preview(&mut work.tx, &params.act, &chosen, work.now).await?;
    Reply::ok(&Preview {
        total,
        too_many: total > most,
        changes: counts.changes,
        unchanged: counts.unchanged,
        no_contact: counts.no_contact,
        no_appointment: counts.no_appointment,
    })
}

pub(crate) fn of_failure(failure: Failure) -> Problem {
    match failure {
        Failure::Db(error) => error.into(),
        Failure::Keys(error) => error.into(),
        Failure::Crypto(error) => error.into(),
        // The search is being built, or was changed again and again: asking again helps.
        Failure::Other(_) => Problem::Busy,
    }
}
