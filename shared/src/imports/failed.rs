//! The rows of an import that failed, in the shape of its file.

use std::collections::HashMap;

use super::load::with_plan;
use super::{Options, Surroundings, Unusable, check};
use crate::db::{Error, TenantTx};
use crate::ids::JobId;
use crate::intake::check::{Code, Fault};
use crate::intake::{Field, MOST_ROWS, errors_file as written};
use crate::jobs::store::items::{self, Outcome};

/// Rows that failed when they were run: by their numbers, why.
///
/// # Errors
/// Any [`Error`].
pub async fn failed(tx: &mut TenantTx, job: JobId) -> Result<HashMap<u32, String>, Error> {
    let most = i64::try_from(MOST_ROWS).unwrap_or(i64::MAX);
    let failed = items::after(tx, job, 0, Some(Outcome::Failed), most).await?;
    let of = |item: items::Noted| Some((u32::try_from(item.n).ok()?, item.code?));
    Ok(failed.into_iter().filter_map(of).collect())
}

/// These rows of the file, with the reasons: what is wrong with them by now, or else what was wrong when they were run.
///
/// # Errors
/// [`Unusable`].
pub fn errors_file(
    bytes: &[u8],
    options: &Options,
    of: &Surroundings,
    failed: &HashMap<u32, String>,
) -> Result<Vec<u8>, Unusable> {
    let mut faults = Vec::new();
    for row in check(bytes, options, of)? {
        let Some(word) = failed.get(&row.number) else { continue };
        match row.result {
            Err(found) => faults.extend(found),
            Ok(_) => {
                faults.extend(Code::ALL.iter().find(|code| code.as_str() == word).map(|code| {
                    Fault {
                        row: row.number,
                        column: None,
                        field: (*code == Code::EmailTaken).then_some(Field::Email),
                        code: *code,
                        shown: String::new(),
                        message: code.says().to_owned(),
                    }
                }))
            }
        }
    }
    with_plan(bytes, options, |plan| written::errors_file(plan, &faults))
}
