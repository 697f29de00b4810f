//! Endings that only medical names have, for the many that no list holds.

use super::Kind;
use super::folding::Token;

/// Endings that only names of conditions have, but for the words of `SPELT`.
const CONDITIONS: [&str; 13] = [
    "iti", "emia", "aemia", "opathy", "algia", "oma", "osi", "uria", "penia", "plegia", "aemic",
    "trophy", "rrhoea",
];
/// Endings of examinations and operations.
const PROCEDURES: [&str; 8] =
    ["ectomy", "oscopy", "ostomy", "otomy", "plasty", "centesi", "pexy", "scopie"];
/// Stems of the international names of drugs, as the World Health Organization gives them out.
const DRUGS: [&str; 35] = [
    "pril",
    "sartan",
    "statin",
    "cillin",
    "mycin",
    "oxetine",
    "azepam",
    "olol",
    "prazole",
    "triptan",
    "gliptin",
    "floxacin",
    "cycline",
    "azole",
    "mab",
    "tinib",
    "ciclovir",
    "dipine",
    "zosin",
    "gliflozin",
    "glutide",
    "xaban",
    "parin",
    "barbital",
    "codone",
    "terol",
    "isone",
    "solone",
    "lukast",
    "setron",
    "tidine",
    "thiazide",
    "zolam",
    "triptyline",
    "dronate",
];
/// Words that an ending catches and that tell nothing of health.
const SPELT: [&str; 19] = [
    "graffiti",
    "microscopy",
    "nostalgia",
    "academia",
    "bohemia",
    "bohemian",
    "oklahoma",
    "diploma",
    "dichotomy",
    "metamorphosi",
    "hypnosi",
    "photosynthesi",
    "osmosi",
    "horoscopy",
    "trophy",
    "homeopathy",
    "sympathy",
    "telepathy",
    "symbiosi",
];

/// What the ending of a long word tells of its meaning, for the many names that no list holds.
pub(super) fn by_ending(token: &Token) -> Option<Kind> {
    let word = token.word.trim_end_matches('s');
    if word.len() < 7 || SPELT.contains(&word) {
        return None;
    }
    let ends = |endings: &[&str]| endings.iter().any(|ending| word.ends_with(ending));
    [(&CONDITIONS[..], Kind::Diagnosis), (&PROCEDURES, Kind::Procedure), (&DRUGS, Kind::Medication)]
        .into_iter()
        .find_map(|(endings, kind)| ends(endings).then_some(kind))
}
