//! The latest frames of one tenant, in the order of their numbers, none missing between them.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::ws::Utf8Bytes;
use chrono::{DateTime, Utc};
use shared::events::Event;

use super::words;

/// An event, encoded once for all sockets.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) n: i64,
    pub(super) at: DateTime<Utc>,
    pub(super) kind: Box<str>,
    pub(super) text: Utf8Bytes,
    read: Instant,
}

impl Frame {
    fn of(event: Event, read: Instant) -> Arc<Self> {
        let text = words::event(&event);
        Arc::new(Self { n: event.n, at: event.at, kind: event.kind.into(), text, read })
    }
}

/// A place in the ring: everything up to `n` was seen, as far as numbers of this generation mean the same events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) generation: u64,
    pub(super) n: i64,
}

/// What comes after a place.
#[derive(Debug)]
pub(super) enum Next {
    /// These, perhaps none.
    Frames(Vec<Arc<Frame>>),
    /// The frames after it are gone from the ring.
    Overrun,
    /// The ring has jumped, so nobody knows what comes after it.
    Jumped,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Ring {
    capacity: usize,
    end: Place,
    frames: VecDeque<Arc<Frame>>,
}

impl Ring {
    /// An empty ring that ends at `n`.
    pub(super) fn new(capacity: usize, n: i64) -> Self {
        Self { capacity, end: Place { generation: 0, n }, frames: VecDeque::new() }
    }

    /// The last number.
    pub(super) fn end(&self) -> Place {
        self.end
    }

    /// The number of the first frame; one more than the last number if there is none.
    pub(super) fn first(&self) -> i64 {
        self.end.n + 1 - i64::try_from(self.frames.len()).unwrap_or(i64::MAX)
    }

    /// Appends events if they follow the last number without a gap. False, and nothing is changed: they don't.
    pub(super) fn push(&mut self, events: Vec<Event>, read: Instant) -> bool {
        if !follow(self.end.n + 1, &events) {
            return false;
        }
        for event in events {
            self.end.n = event.n;
            self.frames.push_back(Frame::of(event, read));
        }
        while self.frames.len() > self.capacity {
            self.frames.pop_front();
        }
        true
    }

    /// Puts events before the first frame if they lead up to it without a gap, and all fit. Those that are there already are
    /// passed over. False, and nothing is changed: they don't.
    pub(super) fn prepend(&mut self, mut events: Vec<Event>, read: Instant) -> bool {
        let first = self.first();
        events.retain(|event| event.n < first);
        let Some(begin) = events.first().map(|event| event.n) else { return true };
        let leads_up = events.last().is_some_and(|event| event.n + 1 == first);
        if !leads_up || !follow(begin, &events) || events.len() + self.frames.len() > self.capacity
        {
            return false;
        }
        for event in events.into_iter().rev() {
            self.frames.push_front(Frame::of(event, read));
        }
        true
    }

    /// Forgets everything and goes on after `n`: whoever was at a place before doesn't know what it missed.
    pub(super) fn jump(&mut self, n: i64) {
        self.frames.clear();
        self.end = Place { generation: self.end.generation + 1, n };
    }

    /// Forgets frames that were read longer ago.
    pub(super) fn trim(&mut self, now: Instant, keep: Duration) {
        while self.frames.front().is_some_and(|it| now.duration_since(it.read) > keep) {
            self.frames.pop_front();
        }
        self.frames.shrink_to(self.frames.len() * 2);
    }

    /// The frame of this number, if it is there.
    pub(super) fn frame(&self, n: i64) -> Option<&Arc<Frame>> {
        self.frames.get(usize::try_from(n - self.first()).ok()?)
    }

    /// At most `most` frames after a place.
    pub(super) fn after(&self, place: Place, most: usize) -> Next {
        if place.generation != self.end.generation || place.n > self.end.n {
            return Next::Jumped;
        }
        match usize::try_from(place.n + 1 - self.first()) {
            Ok(skip) => Next::Frames(self.frames.iter().skip(skip).take(most).cloned().collect()),
            Err(_) => Next::Overrun,
        }
    }
}

/// Whether events are numbered one after the other, from `n` on.
fn follow(n: i64, events: &[Event]) -> bool {
    events.iter().zip(n..).all(|(event, n)| event.n == n)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(numbers: std::ops::RangeInclusive<i64>) -> Vec<Event> {
        let event = |n| Event {
            n,
            at: DateTime::UNIX_EPOCH,
            kind: "call.planned".to_owned(),
            entity: uuid::Uuid::nil(),
            contact_id: None,
        };
        numbers.map(event).collect()
    }

    fn numbers(next: Next) -> Vec<i64> {
        match next {
            Next::Frames(frames) => frames.iter().map(|frame| frame.n).collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_ring_holds_the_latest_frames_and_says_when_a_place_was_overrun() {
        let now = Instant::now();
        let mut ring = Ring::new(4, 10);
        let begin = ring.end();
        assert!(ring.push(events(11..=13), now));
        assert_eq!(numbers(ring.after(begin, 2)), [11, 12]);
        assert!(ring.push(events(14..=15), now));
        assert!(matches!(ring.after(begin, 9), Next::Overrun), "11 had to go");
        assert_eq!(numbers(ring.after(Place { n: 11, ..begin }, 9)), [12, 13, 14, 15]);
        assert_eq!(numbers(ring.after(ring.end(), 9)), [0; 0]);
        assert!(matches!(ring.after(Place { n: 16, ..begin }, 9), Next::Jumped), "from the future");
    }

    #[test]
    fn nothing_is_taken_that_would_leave_a_gap() {
        let now = Instant::now();
        let mut ring = Ring::new(8, 10);
        for (wrong, why) in [
            (events(12..=13), "11 is missing"),
            (events(10..=11), "10 was there"),
            ([events(11..=11), events(13..=13)].concat(), "12 is missing"),
        ] {
            assert!(!ring.push(wrong, now), "{why}");
        }
        assert!(ring.push(events(11..=12), now));
        for (wrong, why) in [
            (events(7..=9), "10 is missing"),
            (events(4..=10), "they don't fit"),
            ([events(8..=8), events(10..=10)].concat(), "9 is missing"),
        ] {
            assert!(!ring.prepend(wrong, now), "{why}");
        }
        assert_eq!(ring.first(), 11);
        assert!(ring.prepend(events(8..=12), now), "what is there already is passed over");
        assert_eq!((ring.first(), ring.frame(8).unwrap().n, ring.frame(12).unwrap().n), (8, 8, 12));
        assert!(ring.frame(7).is_none() && ring.frame(13).is_none());
    }

    #[test]
    fn after_a_jump_no_earlier_place_is_known() {
        let now = Instant::now();
        let mut ring = Ring::new(8, 10);
        let before = ring.end();
        ring.jump(10);
        assert!(matches!(ring.after(before, 9), Next::Jumped), "the same number, another history");
        assert!(ring.push(events(11..=11), now));
        assert_eq!(numbers(ring.after(Place { n: 10, ..ring.end() }, 9)), [11]);
    }

    #[test]
    fn old_frames_are_forgotten() {
        let now = Instant::now();
        let mut ring = Ring::new(8, 0);
        assert!(ring.push(events(1..=2), now));
        assert!(ring.push(events(3..=3), now + Duration::from_secs(50)));
        ring.trim(now + Duration::from_secs(61), Duration::from_secs(60));
        assert_eq!((ring.first(), ring.end().n), (3, 3));
    }
}
