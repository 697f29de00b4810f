//! Heads: how far a chain went and with which hash, signed by a key that the database never has. Whoever rewrites a chain,
//! consistently and with every right in the database, can't sign the head that it would need.
//!
//! Each head names the one before it, so that none can be taken out; it is signed only when every entry since then has been
//! computed anew. `docs/audit.md` has the format, which the stand-alone verifier reads too.

pub mod check;
pub mod seal;
pub mod store;

use chrono::{DateTime, Utc};
use ring::digest::{SHA256, digest};

use super::chain::Chain;
use crate::crypto::{KeyId, SigningKeys};
use crate::ids::TenantId;

/// A head as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Whose chain.
    pub tenant: TenantId,
    /// Which of the two.
    pub chain: Chain,
    /// Its number among the chain's heads, from 1 on.
    pub serial: i64,
    /// The last entry that it covers.
    pub n: i64,
    /// That entry's hash in the chain.
    pub hash: Vec<u8>,
    /// When it was signed, by PostgreSQL's clock.
    pub at: DateTime<Utc>,
    /// The digest of the head before; empty before the first.
    pub previous: Vec<u8>,
    /// The first and the last time of the entries since the head before. Not signed, since it can be computed: where to look
    /// for a time.
    pub covers: (DateTime<Utc>, DateTime<Utc>),
    /// Whose signature it bears.
    pub key: KeyId,
    /// The signature.
    pub signature: Vec<u8>,
}

impl Head {
    /// What is signed.
    pub fn text(&self) -> String {
        let Self { tenant, serial, n, key, .. } = self;
        let (chain, at) = (self.chain.word(), self.at.timestamp_micros());
        let (hash, previous) = (hex::encode(&self.hash), hex::encode(&self.previous));
        format!(
            "vioconcierge-audit-head-1|{tenant}|{chain}|{serial}|{n}|{hash}|{at}|{previous}|{key}"
        )
    }

    /// What the next head calls this one.
    pub fn digest(&self) -> Vec<u8> {
        digest(&SHA256, self.text().as_bytes()).as_ref().to_vec()
    }

    /// Whether the signature holds; `None` if its key isn't at hand.
    pub fn holds(&self, keys: &SigningKeys) -> Option<bool> {
        Some(keys.find(&self.key)?.verifies(self.text().as_bytes(), &self.signature))
    }

    /// Reads what [`Head::public`] gives; `None` if it is none of those.
    pub fn parse(value: &serde_json::Value) -> Option<Self> {
        let text = |name: &str| value.get(name)?.as_str();
        let number = |name: &str| value.get(name)?.as_i64();
        let bytes = |name: &str| hex::decode(text(name)?).ok();
        let at = DateTime::parse_from_rfc3339(text("at")?).ok()?.to_utc();
        Some(Self {
            tenant: TenantId(text("tenant")?.parse().ok()?),
            chain: Chain::BOTH.into_iter().find(|chain| Some(chain.word()) == text("chain"))?,
            serial: number("serial")?,
            n: number("n")?,
            hash: bytes("hash")?,
            at,
            previous: bytes("previous")?,
            covers: (at, at),
            key: KeyId::from_text(text("key")?),
            signature: bytes("signature")?,
        })
    }

    /// As it is published and exported.
    pub fn public(&self) -> serde_json::Value {
        serde_json::json!({
            "tenant": self.tenant,
            "chain": self.chain.word(),
            "serial": self.serial,
            "n": self.n,
            "hash": hex::encode(&self.hash),
            "at": instant(self.at),
            "previous": hex::encode(&self.previous),
            "key": self.key.as_str(),
            "signature": hex::encode(&self.signature),
        })
    }
}

/// A time to the microsecond, as exports have it.
pub fn instant(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::Micros, true)
}
