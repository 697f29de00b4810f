//! Bytes to blocks. A seal says who wrote the bytes; this says that they are a block all the same: whatever they are,
//! the answer is a block that every later step may rely on, or an error, and no more memory is asked for than they can
//! fill.

use uuid::Uuid;
use zeroize::Zeroizing;

use super::super::column::{TextColumn, WordColumn};
use super::encode::{HEADER, VERSION};
use super::{
    ATTENDANCE, Appointments, Block, BlockError, CALLING, FLAG, Lists, MOST_BYTES, MOST_ROWS,
    PRIORITY, STATUS,
};
use crate::ids::{AppointmentId, ContactId, GroupId};

/// LZ4 can't pack more tightly.
const MOST_PACKED: usize = 256;

type Result<T> = std::result::Result<T, BlockError>;

impl Block {
    /// Reads what [`Block::encode`] wrote.
    ///
    /// # Errors
    /// [`BlockError::UnknownVersion`], [`BlockError::TooLarge`], [`BlockError::Corrupt`].
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        let (header, rest) = bytes.split_first_chunk::<HEADER>().ok_or(corrupt("header"))?;
        let [version, p0, p1, p2, p3, u0, u1, u2, u3] = *header;
        if version != VERSION {
            return Err(BlockError::UnknownVersion);
        }
        let packed = u32::from_le_bytes([p0, p1, p2, p3]) as usize;
        let unpacked = u32::from_le_bytes([u0, u1, u2, u3]) as usize;
        if unpacked > MOST_BYTES {
            return Err(BlockError::TooLarge);
        }
        let (packed, padding) = rest.split_at_checked(packed).ok_or(corrupt("packed length"))?;
        if padding.iter().any(|byte| *byte != 0) {
            return Err(corrupt("padding"));
        }
        if unpacked > packed.len().saturating_mul(MOST_PACKED) {
            return Err(corrupt("unpacked length"));
        }
        let mut body = Zeroizing::new(vec![0; unpacked]);
        match lz4_flex::block::decompress_into(packed, &mut body) {
            Ok(len) if len == unpacked => read_block(&mut Reader(&body)),
            _ => Err(corrupt("packing")),
        }
    }
}

fn read_block(reader: &mut Reader<'_>) -> Result<Block> {
    let rows = reader.len()?;
    let appointments = reader.len()?;
    if rows > MOST_ROWS {
        return Err(BlockError::TooLarge);
    }
    let ids = reader.uuids(rows, ContactId)?;
    if !ids.is_sorted_by(|a, b| a < b) {
        return Err(corrupt("ids"));
    }
    let (name, phone, email, notes) =
        (reader.texts(rows)?, reader.texts(rows)?, reader.texts(rows)?, reader.texts(rows)?);
    let (created_at, next_call_at, last_contact_at) =
        (reader.times(rows)?, reader.times(rows)?, reader.times(rows)?);
    let attempts = reader.numbers(rows)?;
    let calling = reader.codes(&CALLING, rows)?;
    let archived = reader.codes(&FLAG, rows)?;
    let group_count = reader.len()?;
    let group_ids = reader.uuids(group_count, GroupId)?;
    let starts = reader.starts(rows)?;
    let memberships = starts.last().map_or(0, |end| *end as usize);
    let groups = Lists { starts, codes: reader.numbers_below(memberships, group_count)? };
    let block = Block {
        ids,
        name,
        phone,
        email,
        notes,
        created_at,
        next_call_at,
        last_contact_at,
        attempts,
        calling,
        archived,
        groups,
        group_ids,
        appointments: read_appointments(reader, rows, appointments)?,
    };
    if reader.0.is_empty() { Ok(block) } else { Err(corrupt("end")) }
}

fn read_appointments(reader: &mut Reader<'_>, rows: usize, count: usize) -> Result<Appointments> {
    let starts = reader.starts(rows)?;
    if starts.last().is_none_or(|end| *end as usize != count) {
        return Err(corrupt("appointments"));
    }
    Ok(Appointments {
        starts,
        ids: reader.uuids(count, AppointmentId)?,
        at: reader.times(count)?,
        status: reader.codes(&STATUS, count)?,
        attendance: reader.codes(&ATTENDANCE, count)?,
        priority: reader.codes(&PRIORITY, count)?,
        kind: reader.words(count)?,
        owner: reader.words(count)?,
        company: reader.words(count)?,
        location: reader.words(count)?,
        source: reader.words(count)?,
        instructions: reader.texts(count)?,
    })
}

fn corrupt(part: &'static str) -> BlockError {
    BlockError::Corrupt(part)
}

/// Takes from the front. Every length is held against what is left before anything is allocated.
struct Reader<'b>(&'b [u8]);

impl<'b> Reader<'b> {
    fn take(&mut self, len: usize) -> Result<&'b [u8]> {
        let (taken, rest) = self.0.split_at_checked(len).ok_or(corrupt("cut short"))?;
        self.0 = rest;
        Ok(taken)
    }

    fn items<const N: usize>(&mut self, count: usize) -> Result<&'b [[u8; N]]> {
        let len = count.checked_mul(N).ok_or(corrupt("cut short"))?;
        Ok(self.take(len)?.as_chunks::<N>().0)
    }

    fn len(&mut self) -> Result<usize> {
        let [bytes] = self.items::<4>(1)? else { return Err(corrupt("cut short")) };
        Ok(u32::from_le_bytes(*bytes) as usize)
    }

    fn uuids<T>(&mut self, count: usize, id: fn(Uuid) -> T) -> Result<Vec<T>> {
        Ok(self.items::<16>(count)?.iter().map(|bytes| id(Uuid::from_bytes(*bytes))).collect())
    }

    fn times(&mut self, count: usize) -> Result<Vec<i64>> {
        Ok(self.items::<8>(count)?.iter().map(|bytes| i64::from_le_bytes(*bytes)).collect())
    }

    fn numbers(&mut self, count: usize) -> Result<Vec<u32>> {
        Ok(self.items::<4>(count)?.iter().map(|bytes| u32::from_le_bytes(*bytes)).collect())
    }

    fn numbers_below(&mut self, count: usize, limit: usize) -> Result<Vec<u32>> {
        let numbers = self.numbers(count)?;
        let fits = numbers.iter().all(|number| (*number as usize) < limit);
        if fits { Ok(numbers) } else { Err(corrupt("code")) }
    }

    fn starts(&mut self, rows: usize) -> Result<Vec<u32>> {
        let starts = self.numbers(rows + 1)?;
        let ascends = starts.first() == Some(&0) && starts.is_sorted();
        if ascends { Ok(starts) } else { Err(corrupt("offsets")) }
    }

    fn codes<T: Copy>(&mut self, all: &[T], count: usize) -> Result<Vec<T>> {
        let one = |code: &u8| all.get(usize::from(*code)).copied().ok_or(corrupt("code"));
        self.take(count)?.iter().map(one).collect()
    }

    fn texts(&mut self, rows: usize) -> Result<TextColumn> {
        let len = self.len()?;
        let text = std::str::from_utf8(self.take(len)?).map_err(|_| corrupt("text"))?;
        // Each row has at least its line break.
        if rows > len {
            return Err(corrupt("text"));
        }
        TextColumn::from_joined(Zeroizing::new(text.to_owned()), rows).ok_or(corrupt("text"))
    }

    fn words(&mut self, rows: usize) -> Result<WordColumn> {
        let count = self.len()?;
        let (shown, folded) = (self.texts(count)?, self.texts(count)?);
        Ok(WordColumn { shown, folded, codes: self.numbers_below(rows, count)? })
    }
}
