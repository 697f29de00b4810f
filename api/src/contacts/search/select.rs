//! Whom a bulk change is about, by a search.

use shared::bulk::Selection;

use super::MOST_IDS;
use super::ask::Sought;
use crate::http::Fields;

/// The selection that a search makes, to be evaluated when the change begins; or its faults noted. For who edits contacts, and so
/// sees every field of them: nothing is hidden.
pub(crate) fn selection(sought: Sought, fields: &mut Fields) -> Option<Selection> {
    let query = sought.query().to_owned();
    let parsed = sought.ask().read(MOST_IDS, fields)?;
    Some(Selection::Found { query, filter: Box::new(parsed.filter), hidden: Vec::new() })
}
