//! What a batch of a bulk change does.

mod appointments;
mod contacts;
mod groups;

use std::collections::{HashMap, HashSet};

use super::store::contacts::{Locked, lock};
use super::{Act, Chosen};
use crate::ids::{ContactId, GroupId, JobId};
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
    let found: HashSet<GroupId> = match act {
        // Before contacts, in the order of locks.
        Act::Groups { add, remove, replace } => {
            groups::lock(batch, chosen, (add, remove, *replace)).await?
        }
        _ => HashSet::new(),
    };
    let ids: Vec<ContactId> = chosen.iter().map(|one| one.contact).collect();
    let locked = lock(&mut batch.tx, &batch.keys, &ids).await?;
    batch.now = crate::tenants::store::now(&mut batch.tx).await?;
    let mut work = Work { batch, job, first, chosen, locked };
    match act {
        Act::Status { status, reason, confirmed_by } => {
            work.status(*status, reason, *confirmed_by).await
        }
        Act::Edit(edit) => work.edit(edit).await,
        Act::Groups { add, remove, replace } => work.groups(add, remove, *replace, &found).await,
        Act::Delete => work.delete().await,
        Act::Restore => work.restore().await,
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
        Item {
            n: self.first.saturating_add(i64::try_from(at).unwrap_or(i64::MAX)),
            contact: Some(self.chosen[at].contact),
            thing: self.chosen[at].appointment.map(|id| id.0),
            outcome,
            code,
            before: None,
            version: None,
            thing_version: None,
            before_sealed: None,
        }
    }

    fn live(&self, id: ContactId) -> Option<&Locked> {
        self.locked.get(&id).filter(|locked| locked.deleted_at.is_none())
    }
}
