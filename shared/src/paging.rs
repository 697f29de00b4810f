//! Pages of a list that grows at its head: the next page begins where the last one ended, whatever was added since.

use chrono::{DateTime, Utc};
use uuid::Uuid;

/// Where a page ended: the time and id of its last row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// The time by which the list is ordered, to the microsecond, as PostgreSQL keeps it.
    pub at: DateTime<Utc>,
    /// The id that decides between equal times.
    pub id: Uuid,
}

/// The text is no cursor of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a cursor of this list")]
pub struct BadCursor;

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:016x}{}", self.at.timestamp_micros(), self.id.simple())
    }
}

impl std::str::FromStr for Cursor {
    type Err = BadCursor;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_hex = text.len() == 48 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let (at, id) = is_hex.then(|| text.split_at(16)).ok_or(BadCursor)?;
        let micros = u64::from_str_radix(at, 16).map_err(|_| BadCursor)?;
        let at = i64::try_from(micros).ok().and_then(DateTime::from_timestamp_micros);
        Ok(Self { at: at.ok_or(BadCursor)?, id: id.parse().map_err(|_| BadCursor)? })
    }
}

/// What part of a list is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slice {
    /// Rows after this one; from the head if `None`.
    pub after: Option<Cursor>,
    /// At most so many.
    pub limit: u16,
}

impl Slice {
    /// How many rows to ask for: one more than wanted tells whether there is a next page.
    pub(crate) fn ask(self) -> i64 {
        i64::from(self.limit) + 1
    }

    /// The bounds for SQL: rows strictly after them, newest first.
    pub(crate) fn bounds(self) -> (Option<DateTime<Utc>>, Option<Uuid>) {
        (self.after.map(|cursor| cursor.at), self.after.map(|cursor| cursor.id))
    }
}

/// Part of a list.
#[derive(Debug, Clone)]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// Where the next page begins; `None` on the last.
    pub next: Option<Cursor>,
}

impl<T> Page<T> {
    /// Cuts the one row too many off. `cursor` tells where a row stands.
    pub(crate) fn cut(mut items: Vec<T>, slice: Slice, cursor: impl Fn(&T) -> Cursor) -> Self {
        let more = items.len() > slice.limit.into();
        items.truncate(slice.limit.into());
        let next = if more { items.last().map(cursor) } else { None };
        Self { items, next }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_back_to_the_microsecond() {
        let at = DateTime::from_timestamp_micros(1_795_000_000_123_456).unwrap();
        let cursor = Cursor { at, id: Uuid::now_v7() };
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
        for text in
            ["", "x", "é".repeat(24).as_str(), "f".repeat(48).as_str(), "0".repeat(49).as_str()]
        {
            assert_eq!(text.parse::<Cursor>(), Err(BadCursor), "{text}");
        }
    }
}
