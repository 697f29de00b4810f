//! What an export would hold.

use axum::extract::State;
use schemars::JsonSchema;
use serde::Serialize;
use shared::bulk::select;
use shared::exports::{Column, MOST};

use super::ask::Ask;
use crate::app::App;
use crate::auth::{Allowed, ExportContacts};
use crate::bulk::{MOST_BYTES, of_failure};
use crate::http::contract::Operation;
use crate::http::{Fields, NotKept, Problem, Reply, Shown};

/// What would be written, as things stand.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ExportPreview")]
pub(super) struct Preview {
    /// So many rows: the `expected_count`.
    total: usize,
    /// More than 100,000: it would be refused.
    too_many: bool,
    /// Its columns.
    columns: Vec<Column>,
    /// What stands above them.
    header: Vec<&'static str>,
}

pub(super) const PREVIEW: Operation = Operation::new("previewExport", "Preview an export").says(
    "Counts the rows, names the columns, and changes nothing. The same body as for the export itself.",
);

/// Counts what an export would hold.
pub(super) async fn preview(
    State(app): State<App>,
    by: Allowed<ExportContacts>,
    NotKept(ask): NotKept<Ask, MOST_BYTES>,
) -> Result<Reply<Shown<Preview>>, Problem> {
    let mut fields = Fields::default();
    let params = ask.read(&mut fields);
    let params = fields.finish(params)?;
    let chosen = select::evaluate(&app.books, by.tenant, &params.selection, MOST).await;
    let total = chosen.map_err(of_failure)?.len();
    Reply::ok(&Preview {
        total,
        too_many: total > MOST,
        header: params.columns.iter().map(|column| column.header()).collect(),
        columns: params.columns,
    })
}
