//! Everything that will happen, soonest first. One heap and one task serve all calls.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use crate::webhooks::Delivery;

/// What a timer is for.
#[derive(Clone, Copy)]
pub(crate) enum Due {
    /// It is dialled: a line of the record, if something rings.
    Ring(u32),
    /// Somebody answers.
    Start(u32),
    /// The call is over.
    End(u32),
    /// The analysis is there.
    Analyze(u32),
    /// A webhook is to be sent, late or again.
    Deliver(Delivery),
}

#[derive(Default)]
pub(crate) struct Timers {
    heap: BinaryHeap<Reverse<Timer>>,
    /// Keeps what is due at the same millisecond in the order in which it was asked for.
    asked: u64,
}

struct Timer {
    at: i64,
    asked: u64,
    due: Due,
}

impl Timers {
    /// `due` at `at`, in Unix milliseconds.
    pub(crate) fn set(&mut self, at: i64, due: Due) {
        self.asked += 1;
        self.heap.push(Reverse(Timer { at, asked: self.asked, due }));
    }

    /// The next that is due by `now`.
    pub(crate) fn pop(&mut self, now: i64) -> Option<Due> {
        self.next().filter(|at| *at <= now)?;
        self.heap.pop().map(|Reverse(timer)| timer.due)
    }

    /// When the next is due.
    pub(crate) fn next(&self) -> Option<i64> {
        self.heap.peek().map(|Reverse(timer)| timer.at)
    }
}

impl Ord for Timer {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.at, self.asked).cmp(&(other.at, other.asked))
    }
}

impl PartialOrd for Timer {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Timer {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Timer {}
