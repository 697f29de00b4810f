//! Which groups they are in.

use std::collections::{HashMap, HashSet};

use serde_json::json;

use super::Work;
use crate::bulk::changes::move_members;
use crate::bulk::code;
use crate::bulk::store::groups as members;
use crate::ids::{ContactId, GroupId};
use crate::jobs::Failure;
use crate::jobs::store::items::{Item, Outcome};
use crate::jobs::store::run::Batch;

/// The groups that a change names, and where it replaces them those that the contacts are in.
pub(super) async fn named(
    batch: &mut Batch,
    ids: &[ContactId],
    (add, remove, replace): (&[GroupId], &[GroupId], bool),
) -> Result<Vec<GroupId>, Failure> {
    let mut named: Vec<GroupId> = [add, remove].concat();
    if replace {
        named.extend(members::of(&mut batch.tx, ids).await?.into_values().flatten());
    }
    Ok(named)
}

impl Work<'_> {
    pub(super) async fn groups(
        &mut self,
        add: &[GroupId],
        remove: &[GroupId],
        replace: bool,
        found: &HashSet<GroupId>,
    ) -> Result<Vec<Item>, Failure> {
        if add.iter().any(|group| !found.contains(group)) {
            return Err(Failure::Other("no_group"));
        }
        let live: Vec<ContactId> = self
            .chosen
            .iter()
            .map(|one| one.contact)
            .filter(|id| self.live(*id).is_some())
            .collect();
        let before = members::of(&mut self.batch.tx, &live).await?;
        let (mut joins, mut leaves): (HashMap<GroupId, Vec<ContactId>>, HashMap<_, Vec<_>>) =
            (HashMap::new(), HashMap::new());
        let (mut items, mut seen) = (Vec::new(), HashSet::new());
        for (at, one) in self.chosen.iter().enumerate() {
            let id = one.contact;
            if self.live(id).is_none() {
                items.push(self.item(at, Outcome::Failed, Some(code::NO_CONTACT)));
                continue;
            }
            let is_in = before.get(&id).map_or(&[][..], Vec::as_slice);
            let joined: Vec<_> =
                add.iter().filter(|group| !is_in.contains(group)).copied().collect();
            // One that somebody was put into after the groups were locked comes after this change.
            let leaves_it = |group: &&GroupId| {
                found.contains(group) && (remove.contains(group) || replace && !add.contains(group))
            };
            let left: Vec<GroupId> = is_in.iter().filter(leaves_it).copied().collect();
            if !seen.insert(id) || joined.is_empty() && left.is_empty() {
                items.push(self.item(at, Outcome::Skipped, Some(code::UNCHANGED)));
                continue;
            }
            for group in &joined {
                joins.entry(*group).or_default().push(id);
            }
            for group in &left {
                leaves.entry(*group).or_default().push(id);
            }
            let before = json!({ "joined": joined, "left": left });
            let item = self.item(at, Outcome::Done, None);
            items.push(Item { thing: None, before: Some(before), ..item });
        }
        move_members(self.batch, joins, leaves).await?;
        Ok(items)
    }
}
