//! Blocks from rows.

use std::collections::HashMap;

use super::super::column::{TextColumn, WordColumn, WordColumnBuilder};
use super::super::fold::fold;
use super::super::row::{AppointmentRow, ContactRow, phone_forms};
use super::{Appointments, Block, BlockError, ENOUGH_BYTES, Lists, MOST_ROWS, micros};
use crate::ids::{ContactId, GroupId};

/// Makes a block, contact by contact, in ascending order of their ids.
pub struct BlockBuilder {
    block: Block,
    known_groups: HashMap<GroupId, u32>,
    kind: WordColumnBuilder,
    owner: WordColumnBuilder,
    company: WordColumnBuilder,
    location: WordColumnBuilder,
    source: WordColumnBuilder,
}

impl Default for BlockBuilder {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for BlockBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "BlockBuilder({} contacts)", self.block.rows())
    }
}

impl BlockBuilder {
    /// An empty block.
    pub fn new() -> Self {
        let words = || WordColumnBuilder::new().finish();
        let block = Block {
            ids: Vec::new(),
            name: TextColumn::new(),
            phone: TextColumn::new(),
            email: TextColumn::new(),
            notes: TextColumn::new(),
            created_at: Vec::new(),
            next_call_at: Vec::new(),
            last_contact_at: Vec::new(),
            attempts: Vec::new(),
            calling: Vec::new(),
            archived: Vec::new(),
            groups: Lists { starts: vec![0], codes: Vec::new() },
            group_ids: Vec::new(),
            appointments: Appointments {
                starts: vec![0],
                ids: Vec::new(),
                at: Vec::new(),
                status: Vec::new(),
                attendance: Vec::new(),
                priority: Vec::new(),
                kind: words(),
                owner: words(),
                company: words(),
                location: words(),
                source: words(),
                instructions: TextColumn::new(),
            },
        };
        Self {
            block,
            known_groups: HashMap::new(),
            kind: WordColumnBuilder::new(),
            owner: WordColumnBuilder::new(),
            company: WordColumnBuilder::new(),
            location: WordColumnBuilder::new(),
            source: WordColumnBuilder::new(),
        }
    }

    /// Adds a contact.
    ///
    /// # Errors
    /// [`BlockError::Full`], [`BlockError::OutOfOrder`]; nothing is added then.
    pub fn push(&mut self, row: &ContactRow) -> Result<(), BlockError> {
        self.make_room(row.id)?;
        let block = &mut self.block;
        block.ids.push(row.id);
        block.name.push(&fold(&row.name));
        block.phone.push(&phone_forms(&row.phone));
        block.email.push(&fold(row.email.as_deref().unwrap_or_default()));
        block.notes.push(&fold(row.notes.as_deref().unwrap_or_default()));
        block.created_at.push(micros(Some(row.created_at)));
        block.next_call_at.push(micros(row.next_call_at));
        block.last_contact_at.push(micros(row.last_contact_at));
        block.attempts.push(row.attempts);
        block.calling.push(row.calling);
        block.archived.push(row.archived);
        self.push_groups(row.groups.iter().copied());
        row.appointments.iter().for_each(|appointment| self.push_appointment(appointment));
        let appointments = &mut self.block.appointments;
        appointments.starts.push(appointments.ids.len() as u32);
        Ok(())
    }

    /// Adds contact `row` of another block, without folding its texts again.
    ///
    /// # Errors
    /// [`BlockError::Full`], [`BlockError::OutOfOrder`]; nothing is added then.
    pub(in super::super) fn copy(&mut self, from: &Block, row: usize) -> Result<(), BlockError> {
        self.make_room(from.ids[row])?;
        let block = &mut self.block;
        block.ids.push(from.ids[row]);
        block.name.push(from.name.get(row));
        block.phone.push(from.phone.get(row));
        block.email.push(from.email.get(row));
        block.notes.push(from.notes.get(row));
        block.created_at.push(from.created_at[row]);
        block.next_call_at.push(from.next_call_at[row]);
        block.last_contact_at.push(from.last_contact_at[row]);
        block.attempts.push(from.attempts[row]);
        block.calling.push(from.calling[row]);
        block.archived.push(from.archived[row]);
        self.push_groups(from.groups.get(row).iter().map(|code| from.group_ids[*code as usize]));
        let appointments = &mut self.block.appointments;
        for at in from.appointments_of(row) {
            let from = &from.appointments;
            appointments.ids.push(from.ids[at]);
            appointments.at.push(from.at[at]);
            appointments.status.push(from.status[at]);
            appointments.attendance.push(from.attendance[at]);
            appointments.priority.push(from.priority[at]);
            appointments.instructions.push(from.instructions.get(at));
            self.kind.copy(&from.kind, at);
            self.owner.copy(&from.owner, at);
            self.company.copy(&from.company, at);
            self.location.copy(&from.location, at);
            self.source.copy(&from.source, at);
        }
        appointments.starts.push(appointments.ids.len() as u32);
        Ok(())
    }

    fn make_room(&self, id: ContactId) -> Result<(), BlockError> {
        if self.block.rows() >= MOST_ROWS || self.bytes() >= ENOUGH_BYTES {
            return Err(BlockError::Full);
        }
        match self.block.ids.last() {
            Some(last) if *last >= id => Err(BlockError::OutOfOrder),
            _ => Ok(()),
        }
    }

    fn push_groups(&mut self, groups: impl Iterator<Item = GroupId>) {
        let block = &mut self.block;
        let code = |group: GroupId| {
            *self.known_groups.entry(group).or_insert_with(|| {
                block.group_ids.push(group);
                block.group_ids.len() as u32 - 1
            })
        };
        let mut codes: Vec<u32> = groups.map(code).collect();
        // Twice in a group is once.
        codes.sort_unstable();
        codes.dedup();
        block.groups.codes.extend(codes);
        block.groups.starts.push(block.groups.codes.len() as u32);
    }

    fn push_appointment(&mut self, row: &AppointmentRow) {
        let appointments = &mut self.block.appointments;
        appointments.ids.push(row.id);
        appointments.at.push(micros(Some(row.at)));
        appointments.status.push(row.status);
        appointments.attendance.push(row.attendance);
        appointments.priority.push(row.priority);
        appointments.instructions.push(&fold(row.instructions.as_deref().unwrap_or_default()));
        self.kind.push(row.kind.as_deref());
        self.owner.push(row.owner.as_deref());
        self.company.push(row.company.as_deref());
        self.location.push(row.location.as_deref());
        self.source.push(Some(&row.source));
    }

    fn bytes(&self) -> usize {
        let words = [&self.kind, &self.owner, &self.company, &self.location, &self.source];
        self.block.bytes() + words.iter().map(|column| column.bytes()).sum::<usize>()
    }

    /// The block.
    pub fn finish(self) -> Block {
        let mut block = self.block;
        let appointments = &mut block.appointments;
        let place =
            |column: &mut WordColumn, builder: WordColumnBuilder| *column = builder.finish();
        place(&mut appointments.kind, self.kind);
        place(&mut appointments.owner, self.owner);
        place(&mut appointments.company, self.company);
        place(&mut appointments.location, self.location);
        place(&mut appointments.source, self.source);
        block
    }
}
