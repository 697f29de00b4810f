//! Blocks to bytes: `version u8 | packed length u32 | unpacked length u32 | LZ4 | zeros`, little-endian throughout,
//! in steps of 64 KiB.

use uuid::Uuid;
use zeroize::Zeroizing;

use super::super::column::{TextColumn, WordColumn};
use super::{ATTENDANCE, Block, BlockError, CALLING, FLAG, MOST_BYTES, PRIORITY, STATUS, STEP};

pub(super) const VERSION: u8 = 1;
pub(super) const HEADER: usize = 1 + 4 + 4;

impl Block {
    /// The block as bytes, packed and padded, to be sealed.
    ///
    /// # Errors
    /// [`BlockError::TooLarge`].
    pub fn encode(&self) -> Result<Zeroizing<Vec<u8>>, BlockError> {
        let body = self.body()?;
        let most = lz4_flex::block::get_maximum_output_size(body.len());
        // Room for everything from the start: a buffer that grows leaves plaintext behind in freed memory.
        let mut bytes = Zeroizing::new(vec![0; (HEADER + most).next_multiple_of(STEP)]);
        let packed = lz4_flex::block::compress_into(&body, &mut bytes[HEADER..])
            .map_err(|_| BlockError::TooLarge)?;
        let length = |len: usize| u32::try_from(len).map_err(|_| BlockError::TooLarge);
        bytes[0] = VERSION;
        bytes[1..5].copy_from_slice(&length(packed)?.to_le_bytes());
        bytes[5..9].copy_from_slice(&length(body.len())?.to_le_bytes());
        let end = HEADER + packed;
        bytes[end..].fill(0);
        bytes.truncate(end.next_multiple_of(STEP));
        Ok(bytes)
    }

    fn body(&self) -> Result<Zeroizing<Vec<u8>>, BlockError> {
        let appointments = &self.appointments;
        let words = [
            &appointments.kind,
            &appointments.owner,
            &appointments.company,
            &appointments.location,
            &appointments.source,
        ];
        // An upper bound, so that the writer never grows.
        let room = self.bytes()
            + 64 * (self.rows() + appointments.ids.len() + self.group_ids.len())
            + 4 * words.iter().map(|column| column.codes.len()).sum::<usize>()
            + 1_024;
        let mut writer = Writer(Zeroizing::new(Vec::with_capacity(room)));
        writer.len(self.rows());
        writer.len(appointments.ids.len());
        writer.uuids(self.ids.iter().map(|id| id.0));
        for column in [&self.name, &self.phone, &self.email, &self.notes] {
            writer.texts(column);
        }
        for column in [&self.created_at, &self.next_call_at, &self.last_contact_at] {
            writer.times(column);
        }
        writer.numbers(&self.attempts);
        writer.codes(&CALLING, &self.calling);
        writer.codes(&FLAG, &self.archived);
        writer.len(self.group_ids.len());
        writer.uuids(self.group_ids.iter().map(|id| id.0));
        writer.numbers(&self.groups.starts);
        writer.numbers(&self.groups.codes);
        writer.numbers(&appointments.starts);
        writer.uuids(appointments.ids.iter().map(|id| id.0));
        writer.times(&appointments.at);
        writer.codes(&STATUS, &appointments.status);
        writer.codes(&ATTENDANCE, &appointments.attendance);
        writer.codes(&PRIORITY, &appointments.priority);
        words.iter().for_each(|column| writer.words(column));
        writer.texts(&appointments.instructions);
        if writer.0.len() > MOST_BYTES { Err(BlockError::TooLarge) } else { Ok(writer.0) }
    }
}

struct Writer(Zeroizing<Vec<u8>>);

impl Writer {
    fn len(&mut self, len: usize) {
        // What is longer is too large anyway, and refused at the end.
        self.0.extend_from_slice(&u32::try_from(len).unwrap_or(u32::MAX).to_le_bytes());
    }

    fn uuids(&mut self, ids: impl Iterator<Item = Uuid>) {
        ids.for_each(|id| self.0.extend_from_slice(id.as_bytes()));
    }

    fn times(&mut self, times: &[i64]) {
        times.iter().for_each(|at| self.0.extend_from_slice(&at.to_le_bytes()));
    }

    fn numbers(&mut self, numbers: &[u32]) {
        numbers.iter().for_each(|number| self.0.extend_from_slice(&number.to_le_bytes()));
    }

    fn codes<T: PartialEq>(&mut self, all: &[T], values: &[T]) {
        self.0.extend(values.iter().map(|value| {
            all.iter().position(|one| one == value).map_or(u8::MAX, |code| code as u8)
        }));
    }

    fn texts(&mut self, column: &TextColumn) {
        self.len(column.joined().len());
        self.0.extend_from_slice(column.joined().as_bytes());
    }

    fn words(&mut self, column: &WordColumn) {
        self.len(column.shown.rows());
        self.texts(&column.shown);
        self.texts(&column.folded);
        self.numbers(&column.codes);
    }
}
