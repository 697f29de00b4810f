//! The dictionary as it is matched: phrases by the stem they start with.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use super::folding::stem;
use super::{Kind, Severity};

/// A term or phrase of the dictionary.
pub(super) struct Phrase {
    pub(super) stems: Vec<String>,
    pub(super) kind: Kind,
    pub(super) severity: Severity,
    pub(super) needs_context: bool,
    pub(super) alternative: &'static str,
}

/// Everything that dictionary.tsv says.
#[derive(Default)]
pub(super) struct Dictionary {
    pub(super) phrases: HashMap<String, Vec<Phrase>>,
    lists: HashMap<&'static str, HashSet<String>>,
}

impl Dictionary {
    /// Whether a list such as `animal` holds the stem.
    pub(super) fn lists(&self, list: &str, stem: &str) -> bool {
        self.lists.get(list).is_some_and(|words| words.contains(stem))
    }
}

/// Read once; a row that is not understood is left out, and a test holds every row against that.
pub(super) static DICTIONARY: LazyLock<Dictionary> = LazyLock::new(|| {
    let mut dictionary = Dictionary::default();
    for line in include_str!("dictionary.tsv").lines().filter(|line| !line.starts_with('#')) {
        let columns: Vec<&'static str> = line.split('\t').collect();
        let [kind, severity, usage, alternative, terms] = columns[..] else { continue };
        let kind = match kind {
            "diagnosis" => Kind::Diagnosis,
            "procedure" => Kind::Procedure,
            "medication" => Kind::Medication,
            "specialist" => Kind::Specialist,
            "symptom" => Kind::Symptom,
            list => {
                dictionary.lists.insert(list, terms.split('|').map(stem).collect());
                continue;
            }
        };
        let severity = if severity == "high" { Severity::High } else { Severity::Medium };
        for term in terms.split('|') {
            let stems: Vec<String> = term.split(' ').map(stem).collect();
            let phrase =
                Phrase { kind, severity, needs_context: usage == "context", alternative, stems };
            dictionary.phrases.entry(phrase.stems[0].clone()).or_default().push(phrase);
        }
    }
    dictionary
        .phrases
        .values_mut()
        .for_each(|phrases| phrases.sort_by_key(|phrase| std::cmp::Reverse(phrase.stems.len())));
    dictionary
});
