//! Columns of text: many rows in one string, so that one search finds a term in all of them.

use std::collections::HashMap;

use zeroize::Zeroizing;

use super::fold::fold;

/// Parts rows. No folded text has one.
const BREAK: u8 = b'\n';

/// The texts of all rows, each ended by a line break. Wiped when dropped.
#[derive(Clone, PartialEq, Eq, Default)]
pub(super) struct TextColumn {
    joined: Zeroizing<String>,
    /// Where each row begins, and where the next would.
    starts: Vec<u32>,
}

impl TextColumn {
    pub(super) fn new() -> Self {
        Self { joined: Zeroizing::default(), starts: vec![0] }
    }

    /// The column of `rows` rows whose bytes are `joined`; `None` if they are not that.
    pub(super) fn from_joined(joined: Zeroizing<String>, rows: usize) -> Option<Self> {
        let mut starts = Vec::with_capacity(rows + 1);
        starts.push(0);
        for at in memchr::memchr_iter(BREAK, joined.as_bytes()) {
            if starts.len() > rows {
                return None;
            }
            starts.push(u32::try_from(at + 1).ok()?);
        }
        let whole =
            starts.len() == rows + 1 && starts.last().map(|at| *at as usize) == Some(joined.len());
        whole.then_some(Self { joined, starts })
    }

    /// Adds a row. A line break in `text` would be two rows: it becomes a space.
    pub(super) fn push(&mut self, text: &str) {
        if self.joined.capacity() - self.joined.len() <= text.len() {
            // Growing in place would leave the old text behind in freed memory.
            let mut grown =
                Zeroizing::new(String::with_capacity(2 * (self.joined.len() + text.len() + 64)));
            grown.push_str(&self.joined);
            self.joined = grown;
        }
        if text.as_bytes().contains(&BREAK) {
            self.joined.extend(text.chars().map(|c| if c == '\n' { ' ' } else { c }));
        } else {
            self.joined.push_str(text);
        }
        self.joined.push('\n');
        self.starts.push(self.joined.len() as u32);
    }

    pub(super) fn rows(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    /// All rows in one.
    pub(super) fn joined(&self) -> &str {
        &self.joined
    }

    /// Where row `row` begins.
    pub(super) fn start(&self, row: usize) -> usize {
        self.starts[row] as usize
    }

    /// The row that has the byte `at`, which is not before row `from`.
    pub(super) fn row_at(&self, from: usize, at: usize) -> usize {
        // Hits are near each other or far apart: steps that double find the next row at once, and a distant one soon.
        let starts = &self.starts[from..];
        let mut far = 1;
        while starts.get(far).is_some_and(|start| *start as usize <= at) {
            far *= 2;
        }
        let near = far / 2;
        let within = &starts[near..starts.len().min(far)];
        from + near + within.partition_point(|start| *start as usize <= at) - 1
    }

    pub(super) fn get(&self, row: usize) -> &str {
        &self.joined[self.start(row)..self.start(row + 1) - 1]
    }
}

/// A text of few values, or none: each value is kept once, as written and folded.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct WordColumn {
    /// As written. The first is empty: no value.
    pub(super) shown: TextColumn,
    pub(super) folded: TextColumn,
    pub(super) codes: Vec<u32>,
}

impl WordColumn {
    /// The value of row `row`, folded.
    pub(super) fn folded_at(&self, row: usize) -> Option<&str> {
        let code = self.codes[row];
        (code != 0).then(|| self.folded.get(code as usize))
    }
}

/// Makes a [`WordColumn`].
pub(super) struct WordColumnBuilder {
    column: WordColumn,
    /// These values are no secret to the database: it has them in plain.
    known: HashMap<String, u32>,
}

impl WordColumnBuilder {
    pub(super) fn new() -> Self {
        let (mut shown, mut folded) = (TextColumn::new(), TextColumn::new());
        shown.push("");
        folded.push("");
        let known = HashMap::from([(String::new(), 0)]);
        Self { column: WordColumn { shown, folded, codes: Vec::new() }, known }
    }

    /// Adds a row. An empty text is none.
    pub(super) fn push(&mut self, text: Option<&str>) {
        let text = text.unwrap_or_default();
        match self.known.get(text) {
            Some(code) => self.column.codes.push(*code),
            None => self.push_value(text.replace('\n', " "), fold),
        }
    }

    /// Adds row `row` of another column.
    pub(super) fn copy(&mut self, from: &WordColumn, row: usize) {
        let code = from.codes[row] as usize;
        let text = if code == 0 { "" } else { from.shown.get(code) };
        match self.known.get(text) {
            Some(code) => self.column.codes.push(*code),
            None => {
                let folded = || Zeroizing::new(from.folded.get(code).to_owned());
                self.push_value(text.to_owned(), |_| folded());
            }
        }
    }

    fn push_value(&mut self, text: String, folded: impl FnOnce(&str) -> Zeroizing<String>) {
        let column = &mut self.column;
        let code = *self.known.entry(text).or_insert_with_key(|text| {
            column.shown.push(text);
            column.folded.push(&folded(text));
            column.shown.rows() as u32 - 1
        });
        column.codes.push(code);
    }

    pub(super) fn finish(self) -> WordColumn {
        self.column
    }

    pub(super) fn bytes(&self) -> usize {
        self.column.shown.joined().len()
            + self.column.folded.joined().len()
            + 4 * self.column.codes.len()
    }
}
