//! The lines of an export: JSON objects, none with a field too many or too few.

use serde::Deserialize;

use crate::{PublicKey, time};

/// A head as it is exported and published.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "docs/audit.md says what each is")]
pub struct Head {
    pub tenant: String,
    pub chain: String,
    pub serial: u64,
    pub n: u64,
    pub hash: String,
    pub at: String,
    pub previous: String,
    pub key: String,
    pub signature: String,
}

impl Head {
    /// Reads a line that `api admin audit heads` printed; `None` for a line about something else.
    pub fn parse(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// What was signed; `None` if its time is none.
    pub(crate) fn text(&self) -> Option<String> {
        let Self { tenant, chain, serial, n, hash, previous, key, .. } = self;
        let at = time::micros(&self.at)?;
        Some(format!(
            "vioconcierge-audit-head-1|{tenant}|{chain}|{serial}|{n}|{hash}|{at}|{previous}|{key}"
        ))
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Entry {
    pub(crate) n: u64,
    pub(crate) at: String,
    pub(crate) actor: String,
    pub(crate) action: String,
    pub(crate) entity: String,
    pub(crate) detail: String,
    pub(crate) row_hash: String,
    pub(crate) chain_hash: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    audit: String,
    version: u64,
    tenant: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Key {
    id: String,
    public_key: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Begin {
    chain: String,
    head: Option<Head>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct End {
    chain: String,
    n: u64,
    hash: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Named {
    Key(Key),
    Begin(Begin),
    Entry(Entry),
    Head(Head),
    End(End),
}

/// One line.
pub(crate) enum Line {
    File { tenant: String },
    Key { id: String, public_key: PublicKey },
    Begin { chain: String, head: Option<Head> },
    Entry(Entry),
    Head(Head),
    End { chain: String, n: u64, hash: String },
}

impl Line {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let read = |error: serde_json::Error| format!("is no line of an export: {error}");
        if let Ok(file) = serde_json::from_str::<File>(text) {
            return match (file.audit.as_str(), file.version) {
                ("vioconcierge", 1) => Ok(Self::File { tenant: file.tenant }),
                _ => Err("this verifier reads version 1 of vioconcierge's exports".to_owned()),
            };
        }
        Ok(match serde_json::from_str(text).map_err(read)? {
            Named::Key(Key { id, public_key }) => {
                let mut bytes = [0; 32];
                hex::decode_to_slice(&public_key, &mut bytes)
                    .map_err(|_| "the public key is not 64 hexadecimal digits".to_owned())?;
                Self::Key { id, public_key: bytes }
            }
            Named::Begin(Begin { chain, head }) => Self::Begin { chain, head },
            Named::Entry(entry) => Self::Entry(entry),
            Named::Head(head) => Self::Head(head),
            Named::End(End { chain, n, hash }) => Self::End { chain, n, hash },
        })
    }
}
