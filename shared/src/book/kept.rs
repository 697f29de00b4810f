//! What a process keeps of the books, within its budget.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::BookLimits;
use super::store::Seen;
use crate::ids::TenantId;
use crate::search::Table;

/// A tenant's contacts at one moment.
#[derive(Debug, Clone)]
pub(super) struct Book {
    /// The blocks that it was made of.
    pub(super) generation: i64,
    /// The moment.
    pub(super) seen: Seen,
    pub(super) table: Arc<Table>,
}

#[derive(Debug)]
struct Entry {
    book: Book,
    bytes: usize,
    used: Instant,
}

/// Books of some tenants: those that were read last.
#[derive(Debug)]
pub(super) struct Kept {
    limits: BookLimits,
    books: Mutex<HashMap<TenantId, Entry>>,
}

impl Kept {
    pub(super) fn new(limits: BookLimits) -> Self {
        Self { limits, books: Mutex::default() }
    }

    fn books(&self) -> MutexGuard<'_, HashMap<TenantId, Entry>> {
        // A poisoned lock means that a thread died between two map operations.
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn of(&self, tenant: TenantId) -> Option<Book> {
        let mut books = self.books();
        let entry = books.get_mut(&tenant)?;
        entry.used = Instant::now();
        Some(entry.book.clone())
    }

    /// Keeps `book`, if there is room once books that were not read for longer are dropped.
    pub(super) fn keep(&self, tenant: TenantId, book: Book) {
        let bytes = book.table.bytes();
        if bytes > self.limits.bytes || self.limits.bytes == 0 {
            self.drop_book(tenant);
            return;
        }
        let mut books = self.books();
        books.insert(tenant, Entry { book, bytes, used: Instant::now() });
        let mut total: usize = books.values().map(|entry| entry.bytes).sum();
        while total > self.limits.bytes {
            let oldest = books.iter().filter(|(other, _)| **other != tenant);
            let Some(oldest) = oldest.min_by_key(|(_, entry)| entry.used).map(|(id, _)| *id) else {
                break;
            };
            total -= books.remove(&oldest).map_or(0, |entry| entry.bytes);
        }
    }

    pub(super) fn drop_book(&self, tenant: TenantId) {
        self.books().remove(&tenant);
    }

    pub(super) fn drop_idle(&self) {
        self.books().retain(|_, entry| entry.used.elapsed() < self.limits.idle);
    }

    pub(super) fn sizes(&self) -> (usize, usize) {
        let books = self.books();
        (books.values().map(|entry| entry.bytes).sum(), books.len())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::search::build;
    use crate::search::testing_row;

    fn book(contacts: u128) -> Book {
        let blocks = build((1..=contacts).map(testing_row)).unwrap();
        Book {
            generation: 1,
            seen: Seen::testing("1:1:"),
            table: Arc::new(Table::new(blocks.into_iter().map(Arc::new))),
        }
    }

    #[test]
    fn the_budget_is_kept_by_dropping_what_was_read_longest_ago() {
        let one = book(10).table.bytes();
        let kept = Kept::new(BookLimits { bytes: 2 * one + one / 2, idle: Duration::MAX });
        let tenants = [TenantId::new(), TenantId::new(), TenantId::new()];
        for tenant in tenants {
            kept.keep(tenant, book(10));
            assert!(kept.of(tenants[0]).is_some(), "it is read all the time");
            assert!(kept.sizes().0 <= 2 * one + one / 2);
        }
        assert!(kept.of(tenants[1]).is_none(), "read longest ago");
        assert!(kept.of(tenants[2]).is_some());
        kept.keep(tenants[2], book(100));
        assert!(kept.of(tenants[2]).is_none(), "more than the whole budget");
        assert!(kept.of(tenants[0]).is_some(), "nobody is dropped for what isn't kept");
    }

    #[test]
    fn nothing_is_kept_where_that_is_switched_off_and_nothing_that_nobody_reads() {
        let tenant = TenantId::new();
        let off = Kept::new(BookLimits { bytes: 0, idle: Duration::MAX });
        off.keep(tenant, book(0));
        assert!(off.of(tenant).is_none());
        let idle = Kept::new(BookLimits { bytes: usize::MAX, idle: Duration::ZERO });
        idle.keep(tenant, book(1));
        idle.drop_idle();
        assert_eq!(idle.sizes(), (0, 0));
    }
}
