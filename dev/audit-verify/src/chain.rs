//! Walking along one chain of a file.

use std::collections::{BTreeMap, BTreeSet};

use ring::digest::{SHA256, digest};
use ring::signature::{ED25519, UnparsedPublicKey};

use crate::lines::{Entry, Head};
use crate::{PublicKey, time};

/// What a file covers of a chain, all of it proved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Covered {
    /// Of which chain.
    pub chain: String,
    /// The first entry.
    pub from: u64,
    /// The last; less than the first if there is none.
    pub to: u64,
    /// The head with which it begins; none at the chain's own beginning.
    pub after: Option<(u64, String)>,
    /// Number and time of the last head; none if the chain is empty.
    pub until: Option<(u64, String)>,
    /// The chain's hash at its end.
    pub hash: String,
    /// Who signed.
    pub signed_by: BTreeSet<String>,
}

pub(crate) struct Walk {
    tenant: String,
    chain: String,
    first: u64,
    n: u64,
    hash: Vec<u8>,
    after: Option<(u64, String)>,
    head: Option<Head>,
    /// The last head bears a signature of a key that isn't at hand: one after it must answer for it.
    unproven: bool,
    signed_by: BTreeSet<String>,
    /// Digests of the heads that were passed, to compare with published ones.
    digests: BTreeMap<u64, Vec<u8>>,
}

fn hash(parts: &[&[u8]]) -> Vec<u8> {
    digest(&SHA256, &parts.concat()).as_ref().to_vec()
}

/// Lower-case hexadecimal digits only: there is one way to write each value.
fn bytes(text: &str) -> Option<Vec<u8>> {
    hex::decode(text).ok().filter(|bytes| hex::encode(bytes) == text)
}

impl Walk {
    pub(crate) fn begin(
        tenant: &str,
        chain: &str,
        head: Option<Head>,
        keys: &BTreeMap<String, PublicKey>,
    ) -> Result<Self, String> {
        let mut walk = Self {
            tenant: tenant.to_owned(),
            chain: chain.to_owned(),
            first: 1,
            n: 0,
            hash: Vec::new(),
            after: None,
            head: None,
            unproven: false,
            signed_by: BTreeSet::new(),
            digests: BTreeMap::new(),
        };
        if let Some(head) = head {
            walk.n = head.n;
            walk.first = head.n.checked_add(1).ok_or("the head is beyond all numbers")?;
            walk.hash = bytes(&head.hash).ok_or("the head's hash is none")?;
            walk.after = Some((head.serial, head.at.clone()));
            walk.sign(&head, keys)?;
            walk.head = Some(head);
        }
        Ok(walk)
    }

    pub(crate) fn entry(&mut self, entry: &Entry) -> Result<(), String> {
        let n = entry.n;
        if Some(n) != self.n.checked_add(1) {
            return Err(format!(
                "entry {n} follows entry {}: one is missing, or stands twice",
                self.n
            ));
        }
        let changed = || format!("entry {n} is not what was written");
        let plain = !entry.actor.contains('|') && !entry.action.contains('|');
        let detail = bytes(&entry.detail).ok_or_else(changed)?;
        let at = time::micros(&entry.at).ok_or_else(changed)?;
        let Entry { actor, action, entity, .. } = entry;
        let (tenant, chain) = (&self.tenant, &self.chain);
        let words = format!("{tenant}|{chain}|{n}|{at}|{actor}|{action}|{entity}");
        let row = hash(&[words.as_bytes(), &detail]);
        // An id has 36 characters: where it ends and the detail begins is no matter of opinion.
        if !plain || entity.len() != 36 || hex::encode(&row) != entry.row_hash {
            return Err(changed());
        }
        let next = hash(&[&self.hash, &row]);
        if hex::encode(&next) != entry.chain_hash {
            return Err(format!("entry {n} does not continue the one before it"));
        }
        (self.n, self.hash) = (n, next);
        Ok(())
    }

    pub(crate) fn head(
        &mut self,
        head: Head,
        keys: &BTreeMap<String, PublicKey>,
    ) -> Result<(), String> {
        let serial = head.serial;
        let (before, previous) = match &self.head {
            Some(before) => (before.serial, self.digests.get(&before.serial).map(hex::encode)),
            None => (0, Some(String::new())),
        };
        if Some(serial) != before.checked_add(1) || Some(&head.previous) != previous.as_ref() {
            return Err(format!("head {serial} does not continue head {before}"));
        }
        if head.n != self.n || head.hash != hex::encode(&self.hash) {
            return Err(format!("head {serial} is of another chain than the entries before it"));
        }
        self.sign(&head, keys)?;
        self.head = Some(head);
        Ok(())
    }

    /// Verifies what a head says of itself.
    fn sign(&mut self, head: &Head, keys: &BTreeMap<String, PublicKey>) -> Result<(), String> {
        let serial = head.serial;
        if head.tenant != self.tenant || head.chain != self.chain {
            return Err(format!("head {serial} is of another tenant or chain"));
        }
        let text = head.text().ok_or_else(|| format!("head {serial} has no time"))?;
        match keys.get(&head.key) {
            Some(key) => {
                let signature = bytes(&head.signature).unwrap_or_default();
                let key = UnparsedPublicKey::new(&ED25519, key);
                key.verify(text.as_bytes(), &signature)
                    .map_err(|_| format!("head {serial} was not signed as it stands"))?;
                self.unproven = false;
                self.signed_by.insert(head.key.clone());
            }
            None => self.unproven = true,
        }
        self.digests.insert(serial, hash(&[text.as_bytes()]));
        Ok(())
    }

    pub(crate) fn end(
        &mut self,
        chain: &str,
        n: u64,
        hash: &str,
        known: &[Head],
    ) -> Result<Covered, String> {
        if chain != self.chain || n != self.n || hash != hex::encode(&self.hash) {
            return Err(format!("the chain of {} ends elsewhere than it says", self.chain));
        }
        let sealed = self.head.as_ref().map_or(0, |head| head.n);
        if sealed != n {
            return Err(format!("no head covers what follows entry {sealed}"));
        }
        let last = self.head.as_ref().map_or(0, |head| head.serial);
        if self.unproven {
            return Err(format!("head {last} is signed by a key that you don't trust"));
        }
        let first = self.after.as_ref().map_or(1, |(serial, _)| *serial);
        let mine = |head: &&Head| head.tenant == self.tenant && head.chain == self.chain;
        for head in known.iter().filter(mine) {
            if head.serial > last {
                return Err(format!(
                    "head {} was published, and the file ends before it",
                    head.serial
                ));
            }
            let digest = head.text().map(|text| crate::chain::hash(&[text.as_bytes()]));
            if head.serial >= first && self.digests.get(&head.serial) != digest.as_ref() {
                return Err(format!("head {} was published otherwise", head.serial));
            }
        }
        Ok(Covered {
            chain: self.chain.clone(),
            from: self.first,
            to: self.n,
            after: self.after.take(),
            until: self.head.take().map(|head| (head.serial, head.at)),
            hash: hash.to_owned(),
            signed_by: std::mem::take(&mut self.signed_by),
        })
    }
}
