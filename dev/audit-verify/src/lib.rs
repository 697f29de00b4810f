//! Verifies an exported audit trail with no database and no secret: that no entry was added, changed, removed or reordered
//! between the first and the last head, and that each head was signed by whom the reader trusts.
//!
//! It shares no code with what writes the file: `docs/audit.md` is all that both stand on. `verify.py` beside it is the same once
//! more, in another language.

mod chain;
mod lines;
mod time;

use std::collections::BTreeMap;
use std::fmt;
use std::io::BufRead;

use ring::digest::{SHA256, digest};

pub use chain::Covered;
pub use lines::Head;
use lines::Line;

/// A public key by which heads are verified.
pub type PublicKey = [u8; 32];

/// What is wrong, and in which line of the file; 0 if the file as a whole is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Counted from 1.
    pub line: usize,
    /// What, in words.
    pub what: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.what)
    }
}

impl std::error::Error for Fault {}

/// What a file proves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// Whose trail it is.
    pub tenant: String,
    /// What it covers of each chain.
    pub chains: Vec<Covered>,
    /// The keys that answered for it. If the reader gave none, they are the file's own, and prove that it is of one piece, not
    /// where it comes from.
    pub keys: Vec<String>,
    /// Whether the reader gave the keys.
    pub trusted: bool,
}

/// The name of a public key: 16 hexadecimal digits.
pub fn key_id(key: &PublicKey) -> String {
    hex::encode(&digest(&SHA256, key).as_ref()[..8])
}

/// Verifies the file that `input` reads, line by line: what is kept is a hundred bytes for each head. `trusted` are keys that the reader has from elsewhere; `known` are
/// heads that were published: those of the tenant must be in the file wherever it covers their number, and the file must not
/// end before them.
///
/// # Errors
/// The first [`Fault`].
pub fn verify(input: impl BufRead, trusted: &[PublicKey], known: &[Head]) -> Result<Proof, Fault> {
    let mut number = 0;
    let fault = |line, what: &str| Fault { line, what: what.to_owned() };
    let mut lines = input.lines().map(|text| {
        number += 1;
        let text = text.map_err(|error| fault(number, &format!("can't be read: {error}")))?;
        Line::parse(&text).map(|line| (number, line)).map_err(|what| Fault { line: number, what })
    });
    let Some((_, Line::File { tenant })) = lines.next().transpose()? else {
        return Err(fault(1, "this is no export of version 1"));
    };
    let mut keys: BTreeMap<String, PublicKey> =
        trusted.iter().map(|key| (key_id(key), *key)).collect();
    let (mut current, mut done): (Option<chain::Walk>, Vec<Covered>) = (None, Vec::new());
    let mut used = std::collections::BTreeSet::new();
    let mut last = 1;
    for line in &mut lines {
        let (at, line) = line?;
        last = at;
        let on = |what: String| Fault { line: at, what };
        match (line, &mut current) {
            (Line::Key { id, public_key }, None) if done.is_empty() => {
                if key_id(&public_key) != id {
                    return Err(fault(at, "the key has another name than its own"));
                }
                if trusted.is_empty() {
                    keys.insert(id, public_key);
                }
            }
            (Line::Begin { chain, head }, None) => {
                let expected = ["changes", "accesses"].get(done.len()).copied();
                if Some(chain.as_str()) != expected {
                    return Err(fault(at, "this chain does not belong here"));
                }
                let walk = chain::Walk::begin(&tenant, &chain, head, &keys).map_err(on)?;
                current = Some(walk);
            }
            (Line::Entry(entry), Some(walk)) => walk.entry(&entry).map_err(on)?,
            (Line::Head(head), Some(walk)) => walk.head(head, &keys).map_err(on)?,
            (Line::End { chain, n, hash }, Some(walk)) => {
                let covered = walk.end(&chain, n, &hash, known).map_err(on)?;
                used.extend(covered.signed_by.clone());
                done.push(covered);
                current = None;
            }
            _ => return Err(fault(at, "this line does not belong here")),
        }
    }
    if current.is_some() || done.len() != 2 {
        return Err(fault(last + 1, "the file ends before its time"));
    }
    let keys = used.into_iter().collect();
    Ok(Proof { tenant, chains: done, keys, trusted: !trusted.is_empty() })
}
