//! What screening found in texts that stood in other rows already: files say the same again and again.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::intake::prohibited::{self, Prohibited};
use crate::phi::{self, Finding};

/// Texts that are remembered, and most bytes of each: under a megabyte.
const MOST: usize = 2_000;
const MOST_BYTES: usize = 300;

/// Answers of the detector, by text. They depend on nothing else.
#[derive(Default)]
pub(super) struct Memo {
    findings: Mutex<HashMap<String, Vec<Finding>>>,
    numbers: Mutex<HashMap<(String, String), Option<Prohibited>>>,
}

/// Texts of people: nothing of them is printed.
impl std::fmt::Debug for Memo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Memo(..)")
    }
}

impl Memo {
    pub(super) fn findings(&self, text: &str) -> Vec<Finding> {
        if let Some(known) = held(&self.findings).get(text) {
            return known.clone();
        }
        let found = phi::detect(text);
        let mut known = held(&self.findings);
        if text.len() <= MOST_BYTES && known.len() < MOST {
            known.insert(text.to_owned(), found.clone());
        }
        found
    }

    pub(super) fn number_in(&self, header: &str, value: &str) -> Option<Prohibited> {
        if !prohibited::may_have_number(value) {
            return None;
        }
        let key = (header.to_owned(), value.to_owned());
        if let Some(known) = held(&self.numbers).get(&key) {
            return *known;
        }
        let found = prohibited::number_in(header, value);
        let mut known = held(&self.numbers);
        if value.len() <= MOST_BYTES && known.len() < MOST {
            known.insert(key, found);
        }
        found
    }
}

/// What is remembered holds after a panic, too: each entry is whole or isn't there.
fn held<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}
