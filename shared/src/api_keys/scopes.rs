//! What a key may do of what its role may.

/// The permissions that a key was given. Never more than its role has: both are asked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Scopes(Option<Vec<String>>);

impl Scopes {
    /// Whatever the role may.
    pub fn all() -> Self {
        Self(None)
    }

    /// Whether a permission is among them.
    pub fn allow(&self, permission: &str) -> bool {
        self.0.as_ref().is_none_or(|words| words.iter().any(|word| word == permission))
    }

    /// Whether all of `others` are among them: a key never makes a key that may more than itself.
    pub fn cover(&self, others: &Self) -> bool {
        match (&self.0, &others.0) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(_), Some(words)) => words.iter().all(|word| self.allow(word)),
        }
    }

    /// The permissions; `None` if it is whatever the role may.
    pub fn words(&self) -> Option<&[String]> {
        self.0.as_deref()
    }
}

impl From<Option<Vec<String>>> for Scopes {
    fn from(words: Option<Vec<String>>) -> Self {
        Self(words.map(|mut words| {
            words.sort_unstable();
            words.dedup();
            words
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(words: &[&str]) -> Scopes {
        Scopes::from(Some(words.iter().map(|word| (*word).to_owned()).collect()))
    }

    #[test]
    fn a_key_does_what_it_was_given_and_gives_no_more() {
        let (reads, both, none) =
            (of(&["calls.read"]), of(&["contacts.read", "calls.read", "calls.read"]), of(&[]));
        assert!(Scopes::all().allow("calls.read") && reads.allow("calls.read"));
        assert!(!reads.allow("contacts.read") && !none.allow("calls.read"));
        for (one, other, covers, why) in [
            (&Scopes::all(), &both, true, "all covers some"),
            (&both, &reads, true, "two cover one of them"),
            (&reads, &both, false, "one doesn't cover two"),
            (&both, &Scopes::all(), false, "some don't cover all"),
            (&none, &none, true, "nothing covers nothing"),
        ] {
            assert_eq!(one.cover(other), covers, "{why}");
        }
        assert_eq!(both.words().unwrap(), ["calls.read", "contacts.read"]);
    }
}
