//! Parts of an export: what is read of a page of contacts, and how it is kept.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::cells::{Source, cells};
use super::{Params, store};
use crate::appointments::store as appointments;
use crate::bulk::Chosen;
use crate::contacts::store::{self as contacts, Opened};
use crate::files::{FileError, Reader, Writer};
use crate::ids::ContactId;
use crate::jobs::Failure;
use crate::jobs::store::run::Batch;

/// A row: whose it is, and what stands in its cells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row(pub ContactId, pub Vec<String>);

/// The rows of `chosen`, who are different people, in their order. Those that are deleted by now are left out. Of each the appointment that was chosen is in it;
/// without one, or if it is deleted by now, the next open one, or else the latest.
///
/// # Errors
/// Any [`Failure`].
pub async fn rows(
    batch: &mut Batch,
    params: &Params,
    chosen: &[Chosen],
) -> Result<Vec<Row>, Failure> {
    let ids: Vec<ContactId> = chosen.iter().map(|one| one.contact).collect();
    let opened = contacts::some(&mut batch.tx, &batch.keys, &ids).await?;
    let opened: HashMap<ContactId, Opened> =
        opened.into_iter().map(|opened| (opened.contact.id, opened)).collect();
    let facts = contacts::facts(&mut batch.tx, &ids).await?;
    let groups = store::group_names(&mut batch.tx).await?;
    let all: Vec<_> = opened.values().map(|opened| (&opened.key, None)).collect();
    let usual = appointments::shown(&mut batch.tx, &all, batch.now).await?;
    let other = |one: &&Chosen| {
        let of = usual.get(&one.contact).map(|shown| shown.appointment.id);
        one.appointment.is_some() && one.appointment != of
    };
    let others: Vec<_> = chosen
        .iter()
        .filter(other)
        .filter_map(|one| Some((&opened.get(&one.contact)?.key, one.appointment)))
        .collect();
    let others = appointments::shown(&mut batch.tx, &others, batch.now).await?;
    let row = |one: &Chosen| {
        let source = Source {
            contact: &opened.get(&one.contact)?.contact,
            shown: others.get(&one.contact).or_else(|| usual.get(&one.contact)),
            facts: facts.get(&one.contact),
            groups: &groups,
            zone: batch.tenant.zone,
        };
        Some(Row(one.contact, cells(&params.columns, params.how, &source)))
    };
    Ok(chosen.iter().filter_map(row).collect())
}

/// Writes rows as a part.
///
/// # Errors
/// Any [`FileError`]; nothing is kept then.
pub async fn write_part(mut writer: Writer, rows: &[Row]) -> Result<(), FileError> {
    let mut lines = Vec::new();
    for row in rows {
        // Ids and texts can always be written as JSON.
        if serde_json::to_writer(&mut lines, row).is_ok() {
            lines.push(b'\n');
        }
    }
    writer.write(&lines).await?;
    writer.finish().await?;
    Ok(())
}

/// Reads a whole part: at most [`super::PAGE`] rows.
///
/// # Errors
/// Any [`FileError`].
pub async fn read_part(mut reader: Reader) -> Result<Vec<Row>, FileError> {
    let mut lines = zeroize::Zeroizing::new(Vec::new());
    while let Some(piece) = reader.next().await? {
        lines.extend_from_slice(&piece);
    }
    let rows = lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    rows.map(|line| serde_json::from_slice(line).map_err(|_| FileError::Damaged)).collect()
}
