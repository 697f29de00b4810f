//! What is searched: blocks, and the contacts that changed since they were made.

use std::collections::BTreeMap;

use super::bits::Bits;
use super::block::{Block, BlockBuilder, BlockError};
use super::row::ContactRow;
use crate::ids::ContactId;

/// The contacts that changed or were deleted since the blocks were made. They hide those of the same id in the blocks.
#[derive(Debug, Clone, Default)]
pub struct Overlay {
    /// All that it speaks of, in ascending order.
    ids: Vec<ContactId>,
    blocks: Vec<Block>,
}

impl Overlay {
    /// The overlay of these changes, in the order in which they happened: the last of each contact counts. `None` is a
    /// deletion.
    ///
    /// # Errors
    /// [`BlockError`], should a contact fit no block.
    pub fn new(
        changes: impl IntoIterator<Item = (ContactId, Option<ContactRow>)>,
    ) -> Result<Self, BlockError> {
        let last: BTreeMap<ContactId, Option<ContactRow>> = changes.into_iter().collect();
        let ids = last.keys().copied().collect();
        // A row's own id is not asked: what stands under another would hide nothing.
        let rows = last.into_iter().filter_map(|(id, row)| row.map(|row| ContactRow { id, ..row }));
        Ok(Self { ids, blocks: build(rows)? })
    }

    /// How many contacts it speaks of.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether nothing changed.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }
}

/// As many blocks as `rows` need, which come in ascending order of their ids.
///
/// # Errors
/// [`BlockError::OutOfOrder`].
pub fn build(rows: impl IntoIterator<Item = ContactRow>) -> Result<Vec<Block>, BlockError> {
    let (mut blocks, mut builder) = (Vec::<Block>::new(), BlockBuilder::new());
    for row in rows {
        if let Err(error) = builder.push(&row) {
            if error != BlockError::Full {
                return Err(error);
            }
            let full = std::mem::take(&mut builder).finish();
            if full.ids().last().is_some_and(|last| *last >= row.id) {
                return Err(BlockError::OutOfOrder);
            }
            blocks.push(full);
            builder.push(&row)?;
        }
    }
    let last = builder.finish();
    if last.rows() > 0 {
        blocks.push(last);
    }
    Ok(blocks)
}

/// Blocks under an overlay. No contact may be in two of the blocks.
pub struct Table<'a> {
    pub(super) parts: Vec<Part<'a>>,
}

/// A block, and which of its contacts count.
pub(super) struct Part<'a> {
    pub(super) block: &'a Block,
    pub(super) visible: Bits,
}

impl<'a> Table<'a> {
    /// `blocks`, with what `overlay` changed.
    pub fn new(blocks: impl IntoIterator<Item = &'a Block>, overlay: &'a Overlay) -> Self {
        let under = blocks.into_iter().map(|block| {
            let mut visible = Bits::all(block.rows());
            let mut hidden = Bits::none(block.rows());
            let rows = overlay.ids.iter().filter_map(|id| block.ids().binary_search(id).ok());
            rows.for_each(|row| hidden.insert(row));
            visible.remove(&hidden);
            Part { block, visible }
        });
        let over =
            overlay.blocks.iter().map(|block| Part { block, visible: Bits::all(block.rows()) });
        Self { parts: under.chain(over).collect() }
    }
}

impl std::fmt::Debug for Table<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Table({} blocks)", self.parts.len())
    }
}
