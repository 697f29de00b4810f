//! What is asked for, read from the body.

use schemars::JsonSchema;
use serde::Deserialize;
use shared::bulk::Selection;
use shared::exports::{Column, Columns, Format, How, Params};

use crate::bulk::{Who, expected_count};
use crate::http::Fields;

/// Contacts as a file.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Export")]
pub(super) struct Ask {
    selection: Who,
    /// So many, or nothing is done: what a preview showed. Without it, whoever is there when the job begins.
    #[schemars(range(min = 0))]
    expected_count: Option<i64>,
    /// Which columns.
    #[serde(default)]
    fields: Columns,
    /// Those of `fields: custom`, in this order, each once.
    #[schemars(length(min = 1, max = Column::ALL.len()))]
    columns: Option<Vec<Column>>,
    /// What kind of file.
    #[serde(default)]
    format: Format,
    /// How dates, times and numbers are written.
    #[serde(default)]
    options: How,
}

impl Ask {
    /// What is to be written, or its faults noted.
    pub(super) fn read(self, fields: &mut Fields) -> Option<Params> {
        let selection = fields.below("/selection", |fields| self.selection.read(fields));
        if let Some(Selection::Ids { chosen }) = &selection
            && let Some(at) = again(chosen.iter().map(|one| one.contact))
        {
            let detail = "is there twice: of each contact there is one row";
            fields.fault(&format!("selection/ids/{at}"), "twice", detail);
        }
        let expected_count = expected_count(self.expected_count, fields);
        let columns = columns(self.fields, self.columns, fields);
        let (how, format) = (self.options, self.format);
        Some(Params { selection: selection?, expected_count, columns: columns?, how, format })
    }
}

fn columns(set: Columns, named: Option<Vec<Column>>, fields: &mut Fields) -> Option<Vec<Column>> {
    match (set, named) {
        (Columns::Custom, None) => {
            fields.fault("columns", "missing", "fields custom goes with columns");
            None
        }
        (Columns::Custom, Some(named)) => {
            if named.is_empty() {
                fields.fault("columns", "empty", "must not be empty");
            }
            if let Some(at) = again(named.iter()) {
                fields.fault(&format!("columns/{at}"), "twice", "is there twice");
            }
            Some(named)
        }
        (_, Some(_)) => {
            fields.fault("columns", "not_wanted", "goes with fields custom only");
            None
        }
        (set, None) => Some(set.of().to_vec()),
    }
}

/// Where something stands that stood before.
fn again<T: Eq + std::hash::Hash>(mut all: impl Iterator<Item = T>) -> Option<usize> {
    let mut seen = std::collections::HashSet::new();
    all.position(|one| !seen.insert(one))
}
