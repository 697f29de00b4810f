//! How often somebody may try to sign in: a pure rule over three counts. Where they are counted is the API's matter.
//!
//! A count is of attempts that did not end well, and of those under way: it goes up before the password is looked at, so that
//! a hundred at once are not all the first, and goes down again when the sign-in succeeds.

use std::time::Duration;

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Counted {
    /// One account from one address: somebody who guesses, or who forgot.
    Pair,
    /// One account from everywhere: many who guess one password each.
    Account,
    /// One address, whichever the accounts: one who guesses for many. An office shares an address, so it is generous.
    Address,
}

impl Counted {
    /// All of them, in the order in which they are counted. An attempt that is one too many for one is refused there, and the
    /// next don't hear of it: else whoever tries on from one address would use up what the account may fail everywhere, and lock
    /// its owner out.
    pub const ALL: [Self; 3] = [Self::Pair, Self::Address, Self::Account];

    /// Part of a key's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pair => "pair",
            Self::Account => "account",
            Self::Address => "address",
        }
    }

    /// How many attempts are looked at within [`Counted::window`].
    pub fn most(self) -> u32 {
        match self {
            Self::Pair => 10,
            Self::Account => 100,
            Self::Address => 100,
        }
    }

    /// From the first attempt that is counted until the count begins anew.
    pub fn window(self) -> Duration {
        match self {
            Self::Pair | Self::Address => Duration::from_secs(15 * 60),
            Self::Account => Duration::from_secs(60 * 60),
        }
    }
}

/// A count after this attempt was added to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count {
    /// Of what.
    pub of: Counted,
    /// Attempts in this window, this one included.
    pub attempts: u32,
    /// When the window ends.
    pub ends_in: Duration,
}

impl Count {
    /// This attempt was one too many.
    pub fn is_over(&self) -> bool {
        self.attempts > self.of.most()
    }
}

/// For how long the attempt has to wait; `None` if it may go on. The longest wait counts.
pub fn wait(counts: &[Count]) -> Option<Duration> {
    counts.iter().filter(|count| count.is_over()).map(|count| count.ends_in).max()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_tries_too_often_waits_for_the_longest_window() {
        let count =
            |of, attempts, seconds| Count { of, attempts, ends_in: Duration::from_secs(seconds) };
        use Counted::*;
        for (counts, expected, why) in [
            (vec![], None, "nothing is known"),
            (
                vec![count(Pair, 10, 60), count(Account, 100, 60), count(Address, 100, 60)],
                None,
                "the last ones",
            ),
            (vec![count(Pair, 11, 60)], Some(60), "one account from one address"),
            (
                vec![count(Pair, 1, 900), count(Account, 101, 300)],
                Some(300),
                "one account from everywhere",
            ),
            (
                vec![count(Pair, 11, 60), count(Address, 101, 700)],
                Some(700),
                "both: the longer wait",
            ),
        ] {
            assert_eq!(wait(&counts), expected.map(Duration::from_secs), "{why}");
        }
    }
}
