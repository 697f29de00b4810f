//! What a route says about itself.

use crate::http::problem::Kind;

/// What the signature of a handler doesn't say about its route.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Operation {
    pub(super) id: &'static str,
    pub(super) summary: &'static str,
    pub(super) description: &'static str,
    pub(super) problems: &'static [Kind],
}

impl Operation {
    /// A route named `id` for programs (`listContacts`) and `summary` for people.
    pub(crate) const fn new(id: &'static str, summary: &'static str) -> Self {
        Self { id, summary, description: "", problems: &[] }
    }

    /// What else there is to say, in `CommonMark`.
    pub(crate) const fn says(self, description: &'static str) -> Self {
        Self { description, ..self }
    }

    /// Problems that the handler itself answers with, beside those of its extractors.
    pub(crate) const fn fails(self, problems: &'static [Kind]) -> Self {
        Self { problems, ..self }
    }
}
