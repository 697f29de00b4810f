//! What a batch of a bulk change does.

mod appointments;
mod calls;
mod contacts;
mod groups;

use std::collections::HashMap;

use super::changes::{Locked, lock};
use super::{Act, Chosen};
use crate::ids::{ContactId, JobId};
use crate::jobs::Failure;
use crate::jobs::store::items::{Item, Outcome};
use crate::jobs::store::run::Batch;

pub(super) use appointments::edited;

/// Does it for those of `chosen`, of whom the first is the job's `first`-th. What became of each.
///
/// # Errors
/// Any [`Failure`]; of a group that is gone `no_group`.
pub async fn act(
    batch: &mut Batch,
    job: JobId,
    act: &Act,
    chosen: &[Chosen],
    first: i64,
) -> Result<Vec<Item>, Failure> {
    let ids: Vec<ContactId> = chosen.iter().map(|one| one.contact).collect();
    let named = match act {
        // It locks for itself: the tenant comes before calls and contacts.
        Act::Call { wait } => return calls::call(batch, *wait, chosen, first).await,
        Act::Groups { add, remove, replace } => {
            groups::named(batch, &ids, (add, remove, *replace)).await?
        }
        _ => Vec::new(),
    };
    let (found, locked) = lock(batch, &ids, &named).await?;
    let mut work = Work { batch, job, first, chosen, locked };
    match act {
        Act::Status { status, reason, confirmed_by } => {
            work.status(*status, reason, *confirmed_by).await
        }
        Act::Edit(edit) => work.edit(edit).await,
        Act::Groups { add, remove, replace } => work.groups(add, remove, *replace, &found).await,
        Act::Delete => work.delete().await,
        Act::Restore => work.restore().await,
        // Done above.
        Act::Call { .. } => Ok(Vec::new()),
    }
}

/// A batch at work.
struct Work<'a> {
    batch: &'a mut Batch,
    job: JobId,
    first: i64,
    chosen: &'a [Chosen],
    locked: HashMap<ContactId, Locked>,
}

impl Work<'_> {
    fn item(&self, at: usize, outcome: Outcome, code: Option<&'static str>) -> Item {
        let n = self.first.saturating_add(i64::try_from(at).unwrap_or(i64::MAX));
        let thing = self.chosen[at].appointment.map(|id| id.0);
        Item { thing, ..Item::new(n, Some(self.chosen[at].contact), outcome, code) }
    }

    fn live(&self, id: ContactId) -> Option<&Locked> {
        self.locked.get(&id).filter(|locked| locked.deleted_at.is_none())
    }
}
