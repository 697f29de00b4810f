//! What somebody typed into the search box, parsed.
//!
//! ```text
//! smith boiler      both, anywhere in a field          07912 345   one number, however it is spaced
//! "john smith"      these words, whole                 john*       a word that begins so
//! -cancelled        not this                           email:@gmail.com   in this field
//! ```
//!
//! All parts must hold. Combined: `-notes:"gate code"`, `owner:pat*`. Fields: [`Field`].

mod numbers;
mod parse;

use zeroize::Zeroizing;

use super::fold::Span;

/// Most UTF-16 code units of a query.
pub const MOST_QUERY: u32 = 1_000;
/// Most terms of a query.
pub const MOST_TERMS: usize = 32;
/// Fewest characters of a term, once folded.
pub const FEWEST_CHARACTERS: usize = 2;

/// A text that is searched.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// What the person is called.
    Name,
    /// Where the person is called.
    Phone,
    /// Where the person is written to.
    Email,
    /// What staff note.
    Notes,
    /// What an appointment is for.
    Type,
    /// With whom it is.
    Owner,
    /// For which company.
    Company,
    /// What the voice may say besides.
    Instructions,
}

impl Field {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Name,
        Self::Phone,
        Self::Email,
        Self::Notes,
        Self::Type,
        Self::Owner,
        Self::Company,
        Self::Instructions,
    ];

    /// How much a hit counts: primary, secondary and extended fields (the PRD's weighting).
    pub fn weight(self) -> u32 {
        match self {
            Self::Name | Self::Phone | Self::Email => 4,
            Self::Notes | Self::Type | Self::Owner => 2,
            Self::Company | Self::Instructions => 1,
        }
    }

    /// The word before the colon. The long names are those of the PRD.
    fn from_word(word: &str) -> Option<Self> {
        Some(match word.to_ascii_lowercase().as_str() {
            "name" => Self::Name,
            "phone" => Self::Phone,
            "email" => Self::Email,
            "notes" => Self::Notes,
            "type" | "appointment_type" => Self::Type,
            "owner" | "owner_name" => Self::Owner,
            "company" | "company_name" => Self::Company,
            "instructions" | "special_instructions" => Self::Instructions,
            _ => return None,
        })
    }
}

/// What a term asks of the text around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edges {
    /// Nothing.
    Any,
    /// A word begins where it begins (`john*`).
    Start,
    /// And one ends where it ends (`"john smith"`).
    Both,
}

/// A text to find.
///
/// Personal data: `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Needle {
    /// Folded, at least one character.
    pub(super) text: Zeroizing<String>,
    pub(super) edges: Edges,
}

/// A number to find in phones, written in any way.
///
/// Personal data: `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct NumberNeedle {
    /// Digits, perhaps after a plus: each is looked for in the international and the national form.
    pub(super) forms: Vec<Zeroizing<String>>,
    /// Only at the beginning of a form.
    pub(super) from_start: bool,
}

/// One part of a query: found if the number is found in the phone, or all texts are found in the other fields.
#[derive(Clone, PartialEq, Eq)]
pub struct Term {
    pub(super) field: Option<Field>,
    pub(super) excluded: bool,
    pub(super) number: Option<NumberNeedle>,
    /// Of several, those at least this long in digits are looked for in the phone too.
    pub(super) texts: Vec<Text>,
}

/// One text of a term, and the number it may be by itself.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Text {
    pub(super) needle: Needle,
    pub(super) number: Option<NumberNeedle>,
}

/// A parsed query. The empty one finds everybody.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Query {
    pub(super) terms: Vec<Term>,
}

impl Query {
    /// Parses `text`. White space alone is the empty query.
    ///
    /// # Errors
    /// [`QueryError`], with the place in `text`.
    pub fn parse(text: &str) -> Result<Self, QueryError> {
        parse::parse(text).map(|terms| Self { terms })
    }

    /// Whether it asks for nothing.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// Whether a term asks for `field` by name.
    pub fn names(&self, field: Field) -> bool {
        self.terms.iter().any(|term| term.field == Some(field))
    }

    /// Whether it has a term that isn't an exclusion, so that relevance says something.
    pub fn ranks(&self) -> bool {
        self.terms.iter().any(|term| !term.excluded)
    }
}

impl std::fmt::Debug for Query {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Query({} terms)", self.terms.len())
    }
}

impl std::fmt::Debug for Term {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Term(..)")
    }
}

impl std::fmt::Debug for Needle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Needle(..)")
    }
}

/// What is wrong with a query.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, thiserror::Error, serde::Serialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum QueryFault {
    /// A quotation mark that nothing closes.
    #[error("this quotation mark is never closed")]
    UnclosedQuote,
    /// A word and a colon, but no such field. Text with a colon can be put in quotation marks.
    #[error(
        "there is no such field: use name, phone, email, notes, type, owner, company or \
         instructions, or put the text in quotation marks"
    )]
    UnknownField,
    /// A term of fewer than two characters that count.
    #[error("a search term needs at least 2 characters")]
    TooShort,
    /// `-`, `*`, `""` or `name:` with nothing to search for.
    #[error("there is nothing to search for here")]
    OnlyOperators,
    /// More than [`MOST_QUERY`].
    #[error("the search text is longer than 1000 characters")]
    TooLong,
    /// More than [`MOST_TERMS`].
    #[error("the search has more than 32 terms")]
    TooManyTerms,
}

impl QueryFault {
    /// Its public name: stable.
    pub fn code(self) -> &'static str {
        match self {
            Self::UnclosedQuote => "unclosed_quote",
            Self::UnknownField => "unknown_field",
            Self::TooShort => "too_short",
            Self::OnlyOperators => "only_operators",
            Self::TooLong => "too_long",
            Self::TooManyTerms => "too_many_terms",
        }
    }
}

/// A query that can't be searched for: what is wrong, and where. Carries nothing of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error, serde::Serialize)]
#[error("{fault}")]
pub struct QueryError {
    /// What.
    pub fault: QueryFault,
    /// Where, in the query as it was given.
    pub place: Span,
}

#[cfg(test)]
mod tests;
