//! Writes exports, honest ones and others, from docs/audit.md: shares nothing with what is tested.

use ring::digest::{SHA256, digest};
use ring::signature::{Ed25519KeyPair, KeyPair};
use serde_json::{Value, json};

pub(crate) const TENANT: &str = "0198c0de-0000-7000-8000-000000000001";

pub(crate) fn sha256(parts: &[&[u8]]) -> Vec<u8> {
    digest(&SHA256, &parts.concat()).as_ref().to_vec()
}

/// Whoever signs.
pub(crate) struct Signer(Ed25519KeyPair);

impl Signer {
    pub(crate) fn new(seed: u8) -> Self {
        Self(Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap())
    }

    pub(crate) fn public(&self) -> [u8; 32] {
        self.0.public_key().as_ref().try_into().unwrap()
    }

    pub(crate) fn id(&self) -> String {
        hex::encode(&sha256(&[&self.public()])[..8])
    }
}

/// One chain under way.
pub(crate) struct Chain<'a> {
    tenant: &'a str,
    name: &'a str,
    n: u64,
    hash: Vec<u8>,
    serial: u64,
    previous: String,
}

impl<'a> Chain<'a> {
    pub(crate) fn new(tenant: &'a str, name: &'a str) -> Self {
        Self { tenant, name, n: 0, hash: Vec::new(), serial: 0, previous: String::new() }
    }

    pub(crate) fn entry(&mut self, actor: &str, action: &str, detail: &[u8]) -> Value {
        self.n += 1;
        let entity = format!("0198c0de-0000-7000-8000-{:012x}", self.n % 3);
        let micros = 1_795_424_400_000_000 + self.n;
        let words =
            format!("{}|{}|{}|{micros}|{actor}|{action}|{entity}", self.tenant, self.name, self.n);
        let row = sha256(&[words.as_bytes(), detail]);
        self.hash = sha256(&[&self.hash, &row]);
        json!({ "entry": {
            "n": self.n, "at": format!("2026-11-23T09:00:00.{:06}Z", self.n), "actor": actor, "action": action,
            "entity": entity, "detail": hex::encode(detail), "row_hash": hex::encode(row),
            "chain_hash": hex::encode(&self.hash),
        }})
    }

    pub(crate) fn head(&mut self, signer: &Signer) -> Value {
        self.serial += 1;
        let (n, hash) = (self.n, hex::encode(&self.hash));
        let (at, micros) = ("2026-11-23T10:00:00.000000Z", 1_795_428_000_000_000_u64);
        let text = format!(
            "vioconcierge-audit-head-1|{}|{}|{}|{n}|{hash}|{micros}|{}|{}",
            self.tenant,
            self.name,
            self.serial,
            self.previous,
            signer.id()
        );
        let head = json!({ "head": {
            "tenant": self.tenant, "chain": self.name, "serial": self.serial, "n": n, "hash": hash, "at": at,
            "previous": self.previous, "key": signer.id(), "signature": hex::encode(signer.0.sign(text.as_bytes())),
        }});
        self.previous = hex::encode(sha256(&[text.as_bytes()]));
        head
    }

    pub(crate) fn end(&self) -> Value {
        json!({ "end": { "chain": self.name, "n": self.n, "hash": hex::encode(&self.hash) } })
    }
}

/// How a file is made: which entries each chain has, where its heads are, and after how many heads it begins.
pub(crate) struct Recipe<'a> {
    pub(crate) tenant: &'a str,
    /// Entries between heads.
    pub(crate) stretches: &'a [usize],
    /// So many stretches are left out at the beginning.
    pub(crate) skipped: usize,
    /// Who signs each stretch.
    pub(crate) signers: &'a [&'a Signer],
}

pub(crate) fn export(recipe: &Recipe<'_>) -> Vec<Value> {
    let mut lines = vec![json!({ "audit": "vioconcierge", "version": 1, "tenant": recipe.tenant })];
    for signer in recipe.signers {
        let public_key = hex::encode(signer.public());
        let line = json!({ "key": { "id": signer.id(), "public_key": public_key } });
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    for name in ["changes", "accesses"] {
        let mut chain = Chain::new(recipe.tenant, name);
        let mut begin = Value::Null;
        let mut body = Vec::new();
        for (index, entries) in recipe.stretches.iter().enumerate() {
            let signer = recipe.signers[index.min(recipe.signers.len() - 1)];
            for _ in 0..*entries {
                let n = chain.n;
                let detail = vec![u8::try_from(n % 251).unwrap(); usize::try_from(n % 40).unwrap()];
                body.push(chain.entry("worker", "contact.change", &detail));
            }
            let mut head = chain.head(signer);
            if index < recipe.skipped {
                body.clear();
                begin = head["head"].take();
            } else {
                body.push(head);
            }
        }
        lines.push(json!({ "begin": { "chain": name, "head": begin } }));
        lines.append(&mut body);
        lines.push(chain.end());
    }
    lines
}

pub(crate) fn text(lines: &[Value]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}
