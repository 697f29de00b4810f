//! Signing heads: only over entries that were computed anew, and only on top of the head before.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::check::Walk;
use super::{Head, store};
use crate::audit::chain::{Broken, Chain};
use crate::crypto::SigningKeys;
use crate::db::{Db, Error};
use crate::ids::TenantId;

/// A head is due after so many entries.
pub const EVERY_ENTRIES: i64 = 1_000;
/// And after so many seconds, if there are any.
pub const EVERY_SECONDS: f64 = 3_600.0;
/// One head covers no more: signing it has a bounded time, and who looks for a time of day skips by it.
const MOST_ENTRIES: i64 = 10_000;

/// Serial and digest of a head.
type Signed = (i64, Vec<u8>);

/// Signs heads. It remembers what it signed: a chain that lost a head meanwhile, or has another of its number, gets no new one
/// from it.
#[derive(Debug)]
pub struct Sealer {
    db: Db,
    keys: SigningKeys,
    signed: Mutex<HashMap<(TenantId, Chain), Signed>>,
}

impl Sealer {
    /// One that has signed nothing yet.
    pub fn new(db: Db, keys: SigningKeys) -> Self {
        Self { db, keys, signed: Mutex::default() }
    }

    /// The keys with which it signs and verifies.
    pub fn keys(&self) -> &SigningKeys {
        &self.keys
    }

    /// Chains whose heads are due, the longest overdue first.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn due(&self) -> Result<Vec<store::Due>, Error> {
        let key = self.keys.current().id();
        store::due(&self.db, EVERY_ENTRIES, EVERY_SECONDS, &key).await
    }

    /// Signs a head over everything that a chain has by now, and returns its last one; `None` for an empty chain. A long stretch
    /// gets several. Where the chain is broken nothing is signed.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn seal(
        &self,
        tenant: TenantId,
        chain: Chain,
    ) -> Result<Result<Option<Head>, Broken>, Error> {
        loop {
            match self.step(tenant, chain).await? {
                Ok((head, true)) => return Ok(Ok(head)),
                Ok((_, false)) => {}
                Err(broken) => return Ok(Err(broken)),
            }
        }
    }

    /// One more head, if there is anything to sign; and whether that was all.
    async fn step(
        &self,
        tenant: TenantId,
        chain: Chain,
    ) -> Result<Result<(Option<Head>, bool), Broken>, Error> {
        let last = {
            let mut tx = self.db.tenant_snapshot(tenant).await?;
            store::last(&mut tx, chain).await?
        };
        if let Err(broken) = self.remembers((tenant, chain), last.as_ref()) {
            return Ok(Err(broken));
        }
        let (mut walk, anew) = match last.clone() {
            None => (Walk::new(tenant, chain, &self.keys), false),
            Some(head) => {
                let anew = head.key != self.keys.current().id();
                match Walk::from(head, &self.keys) {
                    Ok(walk) => (walk, anew),
                    Err(broken) => return Ok(Err(broken)),
                }
            }
        };
        let from = walk.reached.n;
        let mut all = false;
        while !all && walk.reached.n - from < MOST_ENTRIES {
            match walk.on(&self.db, MOST_ENTRIES - (walk.reached.n - from)).await? {
                Ok(end) => all = end,
                Err(broken) => return Ok(Err(broken)),
            }
        }
        if walk.head != last {
            // Another process signed meanwhile: on top of that one.
            return Ok(Ok((walk.head, false)));
        }
        if walk.reached.n == from && !anew {
            return Ok(Ok((last, all)));
        }
        let mut tx = self.db.tenant(tenant).await?;
        let at = store::now(&mut tx).await?;
        let mut head = Head {
            tenant,
            chain,
            serial: last.as_ref().map_or(0, |head| head.serial) + 1,
            n: walk.reached.n,
            hash: walk.reached.hash.clone(),
            at,
            previous: last.as_ref().map(Head::digest).unwrap_or_default(),
            covers: walk.covers.unwrap_or((at, at)),
            key: self.keys.current().id(),
            signature: Vec::new(),
        };
        head.signature = self.keys.sign(head.text().as_bytes());
        if !store::append(&mut tx, &head).await? {
            return Ok(Ok((None, false)));
        }
        tx.commit().await?;
        let line = head.public();
        // Whoever keeps logs elsewhere keeps heads elsewhere.
        tracing::info!(tenant.id = %tenant, head = %line, "audit head");
        let mut signed = self.signed.lock().unwrap_or_else(PoisonError::into_inner);
        signed.insert((tenant, chain), (head.serial, head.digest()));
        Ok(Ok((Some(head), all)))
    }

    /// Whether the last head is the one that this process signed last, or comes after it.
    fn remembers(&self, of: (TenantId, Chain), last: Option<&Head>) -> Result<(), Broken> {
        let signed = self.signed.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((serial, digest)) = signed.get(&of) else { return Ok(()) };
        let intact = last.is_some_and(|head| {
            head.serial > *serial || head.serial == *serial && head.digest() == *digest
        });
        if intact { Ok(()) } else { Err(Broken::Published(*serial)) }
    }
}
