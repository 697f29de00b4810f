//! Whom a bulk change or an export is about.

use super::{Chosen, Selection};
use crate::book::{BookError, Books};
use crate::ids::TenantId;
use crate::jobs::Failure;
use crate::search::{Calendar, Query, Request, Sort, SortKey, Start};
use crate::tenants;

pub use super::store::selection::{evaluated, slice, store};

/// Evaluates a selection as it is now: at most one more than `most`, in the order of names. Those that are named twice count once,
/// and keep their order.
///
/// # Errors
/// Any [`Failure`].
pub async fn evaluate(
    books: &Books,
    tenant: TenantId,
    selection: &Selection,
    most: usize,
) -> Result<Vec<Chosen>, Failure> {
    let (query, filter, hidden) = match selection {
        Selection::Ids { chosen } => {
            let mut seen = std::collections::HashSet::new();
            let once = chosen.iter().filter(|one| seen.insert((one.contact, one.appointment)));
            return Ok(once.copied().collect());
        }
        Selection::Found { query, filter, hidden } => (query, filter.clone(), hidden.clone()),
    };
    let query = Query::parse(query).map_err(|_| Failure::Other("query_unreadable"))?;
    let mut reading = books.read(tenant).await.map_err(failed)?;
    let found = tenants::store::find_now(&mut reading.tx).await?;
    let (tenant, now) = found.ok_or(Failure::Other("no_tenant"))?;
    let table = reading.table;
    let chosen = books.compute(move || {
        let calendar = Calendar { now, zone: tenant.zone };
        let request = Request { query: &query, filter: &filter, calendar, hidden: &hidden };
        let selection = crate::search::Selection::new(&table, &request);
        let by_name = [Sort { key: SortKey::Name, descending: false }];
        let window = selection.window(&by_name, Start::Offset(0), most.saturating_add(1));
        let chosen = |row: &crate::search::Shown| Chosen {
            contact: row.contact,
            appointment: row.appointment,
        };
        window.rows.iter().map(chosen).collect::<Vec<_>>()
    });
    chosen.await.map_err(failed)
}

fn failed(error: BookError) -> Failure {
    match error {
        BookError::Db(error) => Failure::Db(error),
        BookError::Key(error) => Failure::Keys(error),
        BookError::Made(_) | BookError::Stored(_) | BookError::NotReady => {
            Failure::Other("search_not_ready")
        }
    }
}
