//! What is searched: blocks, and what changed since they were made. A table never changes; a change makes the next one,
//! which shares with it whatever stayed the same.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::bits::Bits;
use super::block::{Block, BlockBuilder, BlockError};
use super::row::ContactRow;
use crate::ids::{ContactId, GroupId};

/// Small parts are put together once so many of them follow each other: each costs every search a little.
const MOST_SMALL: usize = 8;
/// A part of at most this many contacts is small.
const SMALL: usize = 1_024;

/// Contacts as they stand at one moment.
#[derive(Clone, Default)]
pub struct Table {
    /// No contact is visible in two of them.
    parts: Vec<Part>,
    /// Of these parts, how many are the blocks that the table was made of.
    base: usize,
    /// Changes since then, a contact that changed twice counted twice.
    changes: usize,
}

/// A block, and which of its contacts count.
#[derive(Clone)]
pub(super) struct Part {
    pub(super) block: Arc<Block>,
    pub(super) visible: Arc<Bits>,
}

impl Part {
    fn new(block: Arc<Block>) -> Self {
        let visible = Arc::new(Bits::all(block.rows()));
        Self { block, visible }
    }

    /// Hides those of `ids`, which are in ascending order.
    fn hide(&mut self, ids: &[ContactId]) {
        let (Some(first), Some(last)) = (self.block.ids().first(), self.block.ids().last()) else {
            return;
        };
        let within = ids.partition_point(|id| id < first)..ids.partition_point(|id| id <= last);
        for id in &ids[within] {
            if let Ok(row) = self.block.ids().binary_search(id)
                && self.visible.contains(row)
            {
                Arc::make_mut(&mut self.visible).remove_one(row);
            }
        }
    }
}

impl Table {
    /// The table of `blocks`. No contact may be in two of them.
    pub fn new(blocks: impl IntoIterator<Item = Arc<Block>>) -> Self {
        let parts: Vec<Part> = blocks.into_iter().map(Part::new).collect();
        Self { base: parts.len(), parts, changes: 0 }
    }

    /// The table after these changes, in the order in which they happened: the last of each contact counts. `None` is a
    /// deletion.
    ///
    /// # Errors
    /// [`BlockError`], should a contact fit no block.
    pub fn with(
        &self,
        changes: impl IntoIterator<Item = (ContactId, Option<ContactRow>)>,
    ) -> Result<Self, BlockError> {
        let last: BTreeMap<ContactId, Option<ContactRow>> = changes.into_iter().collect();
        let ids: Vec<ContactId> = last.keys().copied().collect();
        let mut next = self.clone();
        next.changes += ids.len();
        next.parts.iter_mut().for_each(|part| part.hide(&ids));
        // A row's own id is not asked: what stands under another would hide nothing.
        let rows = last.into_iter().filter_map(|(id, row)| row.map(|row| ContactRow { id, ..row }));
        next.parts.extend(build(rows)?.into_iter().map(|block| Part::new(Arc::new(block))));
        next.merge_small()?;
        Ok(next)
    }

    fn merge_small(&mut self) -> Result<(), BlockError> {
        let small = self.parts[self.base..]
            .iter()
            .rev()
            .take_while(|part| part.block.rows() <= SMALL)
            .count();
        if small >= MOST_SMALL {
            let merged = merge(&self.parts.split_off(self.parts.len() - small))?;
            self.parts.extend(merged.into_iter().map(|block| Part::new(Arc::new(block))));
        }
        Ok(())
    }

    /// The same contacts in as few blocks as can be, in ascending order of their ids.
    ///
    /// # Errors
    /// [`BlockError`], should a contact fit no block.
    pub fn compact(&self) -> Result<Vec<Block>, BlockError> {
        merge(&self.parts)
    }

    /// How many contacts there are.
    pub fn contacts(&self) -> usize {
        self.parts.iter().map(|part| part.visible.len()).sum()
    }

    /// How many contacts are in each group, archived ones aside. A group without any is not in the map.
    pub fn group_sizes(&self) -> BTreeMap<GroupId, usize> {
        let mut sizes = BTreeMap::new();
        for Part { block, visible } in &self.parts {
            let mut counts = vec![0; block.group_ids.len()];
            for row in visible.iter().filter(|row| !block.archived[*row]) {
                block.groups.get(row).iter().for_each(|code| counts[*code as usize] += 1);
            }
            for (group, count) in block.group_ids.iter().zip(counts).filter(|(_, n)| *n > 0) {
                *sizes.entry(*group).or_default() += count;
            }
        }
        sizes
    }

    /// How many changes came since the blocks were made.
    pub fn changes(&self) -> usize {
        self.changes
    }

    /// About how much memory it takes, in bytes.
    pub fn bytes(&self) -> usize {
        self.parts.iter().map(|part| part.block.bytes() + part.block.rows() / 8).sum()
    }

    pub(super) fn parts(&self) -> &[Part] {
        &self.parts
    }
}

impl std::fmt::Debug for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Table({} contacts)", self.contacts())
    }
}

/// As many blocks as `rows` need, which come in ascending order of their ids.
///
/// # Errors
/// [`BlockError::OutOfOrder`].
pub fn build(rows: impl IntoIterator<Item = ContactRow>) -> Result<Vec<Block>, BlockError> {
    let mut blocks = Blocks::default();
    for row in rows {
        blocks.push(&row)?;
    }
    Ok(blocks.finish())
}

/// The visible contacts of `parts`, in as few blocks as can be.
fn merge(parts: &[Part]) -> Result<Vec<Block>, BlockError> {
    let mut places: Vec<(ContactId, usize, usize)> = Vec::new();
    for (at, part) in parts.iter().enumerate() {
        places.extend(part.visible.iter().map(|row| (part.block.ids()[row], at, row)));
    }
    places.sort_unstable();
    let mut blocks = Blocks::default();
    for (id, part, row) in places {
        blocks.push_with(id, |builder| builder.copy(&parts[part].block, row))?;
    }
    Ok(blocks.finish())
}

/// Fills one block after the other.
#[derive(Debug, Default)]
pub struct Blocks {
    full: Vec<Block>,
    last: BlockBuilder,
}

impl Blocks {
    /// Adds a contact, whose id is higher than all before.
    ///
    /// # Errors
    /// [`BlockError::OutOfOrder`].
    pub fn push(&mut self, row: &ContactRow) -> Result<(), BlockError> {
        self.push_with(row.id, |builder| builder.push(row))
    }

    fn push_with(
        &mut self,
        id: ContactId,
        push: impl Fn(&mut BlockBuilder) -> Result<(), BlockError>,
    ) -> Result<(), BlockError> {
        match push(&mut self.last) {
            Err(BlockError::Full) => {
                let full = std::mem::take(&mut self.last).finish();
                if full.ids().last().is_some_and(|last| *last >= id) {
                    return Err(BlockError::OutOfOrder);
                }
                self.full.push(full);
                push(&mut self.last)
            }
            result => result,
        }
    }

    /// The blocks.
    pub fn finish(mut self) -> Vec<Block> {
        let last = self.last.finish();
        if last.rows() > 0 {
            self.full.push(last);
        }
        self.full
    }
}
