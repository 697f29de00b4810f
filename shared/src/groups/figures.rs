//! What is told of how a group fares.
//!
//! How many contacts a group has is never withheld: whoever may ask sees its members one by one, and works with them. What
//! came of their appointments and calls is a report: it ends up on slides and in minutes, before people who see no contact.
//! There the rule holds that a cell of fewer than [`FEWEST`] people is suppressed, whoever asks.

/// Of fewer people than this nothing is told.
pub const FEWEST: i64 = 5;

/// How often something happened, and to how many people.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cell {
    /// How often.
    pub count: i64,
    /// To how many people.
    pub people: i64,
}

impl Cell {
    /// The count, unless it is about somebody, and about too few. That it happened to nobody tells of nobody.
    pub fn shown(self) -> Option<i64> {
        (self.people == 0 || self.people >= FEWEST).then_some(self.count)
    }
}

/// What came of the appointments and calls of a group's members, before anything is withheld.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Figures {
    /// Appointments that wait to be confirmed.
    pub pending: Cell,
    /// Confirmed ones.
    pub confirmed: Cell,
    /// Cancelled ones.
    pub cancelled: Cell,
    /// Those that were moved and wait to be confirmed anew.
    pub rescheduled: Cell,
    /// Dials that count.
    pub calls: Cell,
}

/// What may be told of [`Figures`]; `None` is withheld.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
#[expect(missing_docs, reason = "the fields of Figures, by their names")]
pub struct Shown {
    pub pending: Option<i64>,
    pub confirmed: Option<i64>,
    pub cancelled: Option<i64>,
    pub rescheduled: Option<i64>,
    /// Confirmed appointments among all, from 0 to 1, to the hundredth. `None` too if there are none.
    pub confirmation_rate: Option<f64>,
    pub calls: Option<i64>,
}

impl Figures {
    /// What may be told. The rate is withheld with any status: from it and the others the one withheld could be reckoned.
    pub fn shown(&self) -> Shown {
        let cells = [self.pending, self.confirmed, self.cancelled, self.rescheduled];
        let all: i64 = cells.iter().map(|cell| cell.count).sum();
        let told = cells.iter().all(|cell| cell.shown().is_some());
        // Counts of one tenant's appointments are far below 2^52.
        #[expect(clippy::cast_precision_loss, reason = "counts of appointments are small")]
        let rate = || (self.confirmed.count as f64 / all as f64 * 100.0).round() / 100.0;
        Shown {
            pending: self.pending.shown(),
            confirmed: self.confirmed.shown(),
            cancelled: self.cancelled.shown(),
            rescheduled: self.rescheduled.shown(),
            confirmation_rate: (told && all > 0).then(rate),
            calls: self.calls.shown(),
        }
    }
}
