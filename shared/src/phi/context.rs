//! What the words around a term say about its meaning: somebody's health, or an animal's, a trade's, a street's.

use std::collections::HashSet;

use super::dictionary::{DICTIONARY, Lists, Usage, list};
use super::folding::Token;

/// So many words before a term a person may stand whom it is about.
const NEAR: usize = 6;

/// The sentences and clauses of a text in which a word means something else, or a person is spoken of.
#[derive(Default)]
pub(super) struct Context {
    /// Sentences that speak of somebody, be it only as "your" or "we".
    personal: HashSet<usize>,
    /// Sentences that name a person.
    someone: HashSet<usize>,
    animal: HashSet<usize>,
    /// Sentences with two signs of health at least.
    weighty: HashSet<usize>,
    topical: HashSet<usize>,
    /// Clauses.
    veto: HashSet<usize>,
    thing: HashSet<usize>,
    topic: HashSet<usize>,
}

impl Context {
    pub(super) fn of(tokens: &[Token]) -> Self {
        let mut context = Self::default();
        let mut sign: Option<&Token> = None;
        let mut allergic = None;
        for (at, token) in tokens.iter().enumerate() {
            let is = |list: Lists| token.lists & list != 0;
            if is(list::PERSONAL) {
                context.personal.insert(token.sentence);
            }
            if is(list::SOMEONE) {
                context.someone.insert(token.sentence);
            }
            if is(list::VETO | list::THING) {
                context.thing.insert(token.clause);
            }
            if is(list::VETO) {
                context.veto.insert(token.clause);
            }
            if is(list::TOPIC) {
                context.topic.insert(token.clause);
                context.topical.insert(token.sentence);
            }
            if is(list::ALLERGY) {
                allergic = Some(token.sentence);
            }
            if is(list::ANIMAL) && allergic != Some(token.sentence) && !is_harmless(tokens, at) {
                context.animal.insert(token.sentence);
            }
            if DICTIONARY.is_sign(&token.stem) {
                if sign
                    .is_some_and(|last| last.sentence == token.sentence && last.stem != token.stem)
                {
                    context.weighty.insert(token.sentence);
                }
                sign = Some(token);
            }
        }
        context
    }

    pub(super) fn of_an_animal(&self, token: &Token) -> bool {
        self.animal.contains(&token.sentence)
    }

    pub(super) fn of_a_topic(&self, token: &Token) -> bool {
        self.topic.contains(&token.clause)
    }

    /// Whether a term means somebody's health here: not an animal's, a street's or a cause's; a word of two meanings needs a person.
    pub(super) fn supports(
        &self,
        tokens: &[Token],
        at: usize,
        length: usize,
        usage: Usage,
    ) -> bool {
        let token = &tokens[at];
        let rest: Vec<&Token> = tokens[at + length..]
            .iter()
            .take(4)
            .take_while(|next| next.sentence == token.sentence)
            .collect();
        if self.of_an_animal(token) || self.of_a_topic(token) || is_name(&rest) {
            return false;
        }
        let doubtful = usage != Usage::Always;
        let someone = self.someone.contains(&token.sentence);
        let weighty = self.weighty.contains(&token.sentence);
        if doubtful && self.topical.contains(&token.sentence)
            || is_of_a_thing(&rest, token.clause, doubtful && (length == 1 || !someone))
            || length == 1
                && (is_surname(tokens, at)
                    || describes_a_thing(token, &rest)
                    || self.thing.contains(&token.clause)
                        && (doubtful || token.lists & list::ODD != 0)
                        && !someone
                        && !weighty)
        {
            return false;
        }
        (!doubtful || length > 1 || !self.veto.contains(&token.clause) || somebody_near(tokens, at))
            && (usage != Usage::Context || self.personal.contains(&token.sentence) || weighty)
    }
}

/// An animal that helps, bites or makes somebody sneeze says nothing of a patient with four legs; nor does Mrs Lamb.
fn is_harmless(tokens: &[Token], at: usize) -> bool {
    let sentence = tokens[at].sentence;
    let within = |token: &&Token| token.sentence == sentence;
    let before = tokens[at.saturating_sub(3)..at].iter().filter(within);
    let mut after = tokens[at + 1..].iter().take(1).filter(within);
    before.rev().enumerate().any(|(gap, token)| {
        token.lists & list::BY != 0 || gap == 0 && token.lists & list::TITLE != 0
    }) || after.any(|token| token.lists & list::BITE != 0)
}

/// Dr Pain and Ms Lung.
fn is_surname(tokens: &[Token], at: usize) -> bool {
    at > 0 && tokens[at - 1].lists & list::TITLE != 0
}

/// Whether a word such as "numb" or "contagious" stands before something that is neither a person, nor of a body, nor medical.
fn describes_a_thing(token: &Token, rest: &[&Token]) -> bool {
    let known = |next: &Token| {
        DICTIONARY.is_known(next)
            || next.lists & (list::FOLLOWS | list::SOMEONE | list::PERSONAL) != 0
    };
    token.lists & list::ATTRIBUTE != 0
        && rest.first().is_some_and(|next| next.clause == token.clause && !known(next))
}

/// Whether what follows makes the term part of a name or a trade: "Cancer Close", "Alzheimer's Society", "X-ray machine".
fn is_name(rest: &[&Token]) -> bool {
    rest.first().is_some_and(|next| next.lists & list::PLACE != 0)
}

/// Whether what follows is a thing that the term is said of: "broken arm of the chair", "acute shortage".
fn is_of_a_thing(rest: &[&Token], clause: usize, doubtful: bool) -> bool {
    let rest: Vec<&&Token> = rest.iter().take_while(|next| next.clause == clause).collect();
    let Some(first) = rest.first() else { return false };
    let thing = |token: &Token| token.lists & (list::VETO | list::THING) != 0;
    let link = |words: &[&str]| words.contains(&first.word.as_str());
    let named = rest[1..].iter().find(|token| token.lists & list::ARTICLE == 0);
    if link(&["of"]) {
        return named.is_some_and(|token| thing(token) || doubtful && !DICTIONARY.is_known(token));
    }
    doubtful
        && (thing(first)
            || link(&[
                "in", "on", "for", "to", "with", "at", "over", "into", "from", "her", "his", "the",
            ]) && named.is_some_and(|token| thing(token)))
}

/// Whether a person is named or meant just before a term, and no thing of a trade comes between.
fn somebody_near(tokens: &[Token], at: usize) -> bool {
    let before = tokens[at.saturating_sub(NEAR)..at].iter().rev();
    before
        .take_while(|token| token.sentence == tokens[at].sentence && token.lists & list::VETO == 0)
        .any(|token| token.lists & list::SOMEONE != 0)
}
