//! Computing a chain anew from the database, beside its heads, in constant memory.

use chrono::{DateTime, Utc};

use super::{Head, store};
use crate::audit::chain::{Broken, Chain, Reached};
use crate::audit::store::entries;
use crate::crypto::SigningKeys;
use crate::db::{Db, Error, TenantTx};
use crate::ids::TenantId;

/// Entries, or heads, that are read at a time: each time in a transaction of its own, so that a long chain holds nothing up.
const AT_A_TIME: i64 = 1_000;

/// How far a chain is whole.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Whole {
    /// The last entry, and the chain's hash there.
    pub reached: Reached,
    /// How many heads it has.
    pub heads: i64,
    /// The last entry that a signed head covers; 0 if none does.
    pub sealed: i64,
}

/// Somebody who walks along a chain and its heads.
pub(super) struct Walk<'a> {
    tenant: TenantId,
    chain: Chain,
    keys: &'a SigningKeys,
    pub(super) reached: Reached,
    /// The last head that was passed.
    pub(super) head: Option<Head>,
    /// No head so far, since one that holds, bears a signature by a key that is at hand.
    unproven: bool,
    /// The first and the last time of the entries since that head.
    pub(super) covers: Option<(DateTime<Utc>, DateTime<Utc>)>,
}

impl<'a> Walk<'a> {
    /// From the beginning.
    pub(super) fn new(tenant: TenantId, chain: Chain, keys: &'a SigningKeys) -> Self {
        let reached = Reached::default();
        Self { tenant, chain, keys, reached, head: None, unproven: false, covers: None }
    }

    /// From a head on, if its signature holds.
    pub(super) fn from(head: Head, keys: &'a SigningKeys) -> Result<Self, Broken> {
        match head.holds(keys) {
            Some(true) => {}
            Some(false) => return Err(Broken::Signature(head.serial)),
            None => return Err(Broken::Unproven(head.serial)),
        }
        let reached = Reached { n: head.n, hash: head.hash.clone() };
        let walk = Self::new(head.tenant, head.chain, keys);
        Ok(Self { reached, head: Some(head), ..walk })
    }

    /// Goes past the entries and heads that follow, at most some of them. Returns whether that was the end, as the tenant's own
    /// row has it at the same moment.
    pub(super) async fn on(&mut self, db: &Db, most: i64) -> Result<Result<bool, Broken>, Error> {
        let mut tx = db.tenant_snapshot(self.tenant).await?;
        let most = most.min(AT_A_TIME);
        let some = entries(&mut tx, self.chain, self.reached.n + 1, most).await?;
        let last = some.len() < usize::try_from(most).unwrap_or(usize::MAX);
        let heads = self.more_heads(&mut tx).await?;
        let some_heads = heads.len() == usize::try_from(AT_A_TIME).unwrap_or(usize::MAX);
        let mut heads = heads.into_iter().peekable();
        if let Err(broken) = self.pass(&mut heads) {
            return Ok(Err(broken));
        }
        for entry in &some {
            if let Err(broken) =
                self.reached.go_on(self.tenant, self.chain, std::slice::from_ref(entry))
            {
                return Ok(Err(broken));
            }
            let (first, until) = self.covers.unwrap_or((entry.at, entry.at));
            self.covers = Some((first.min(entry.at), until.max(entry.at)));
            if let Err(broken) = self.pass(&mut heads) {
                return Ok(Err(broken));
            }
            if some_heads && heads.peek().is_none() {
                return Ok(Ok(false));
            }
        }
        if !last {
            return Ok(Ok(false));
        }
        let end = store::end(&mut tx, self.chain).await?;
        Ok(match () {
            () if heads.peek().is_some() || end.n > self.reached.n => {
                Err(Broken::Cut(self.reached.n))
            }
            () if end.n < self.reached.n => Err(Broken::Added(end.n + 1)),
            () if end.hash != self.reached.hash => Err(Broken::Link(end.n)),
            () => Ok(true),
        })
    }

    async fn more_heads(&self, tx: &mut TenantTx) -> Result<Vec<Head>, Error> {
        let after = self.head.as_ref().map_or(0, |head| head.serial);
        store::list(tx, self.chain, after, AT_A_TIME).await
    }

    /// Passes the heads that stand here.
    fn pass(
        &mut self,
        heads: &mut std::iter::Peekable<impl Iterator<Item = Head>>,
    ) -> Result<(), Broken> {
        while let Some(head) = heads.next_if(|head| head.n <= self.reached.n) {
            let (before, previous) = match &self.head {
                Some(before) => (before.serial, before.digest()),
                None => (0, Vec::new()),
            };
            let here = head.n == self.reached.n && head.hash == self.reached.hash;
            if head.serial != before + 1 || head.previous != previous || !here {
                return Err(Broken::Head(head.serial));
            }
            // One that holds answers for those before it, which it names.
            match head.holds(self.keys) {
                Some(false) => return Err(Broken::Signature(head.serial)),
                holds => self.unproven = holds.is_none(),
            }
            if self.covers.is_some_and(|covers| covers != head.covers) {
                return Err(Broken::Head(head.serial));
            }
            self.covers = None;
            self.head = Some(head);
        }
        Ok(())
    }

    fn whole(&self) -> Result<Whole, Broken> {
        let (heads, sealed) = self.head.as_ref().map_or((0, 0), |head| (head.serial, head.n));
        if self.unproven {
            return Err(Broken::Unproven(heads));
        }
        Ok(Whole { reached: self.reached.clone(), heads, sealed })
    }
}

/// Checks one of a tenant's chains from its first entry to its last, with all its heads, and that every head in `known`, which
/// were kept outside of the database, is among them. Returns how far it goes, or where it is broken.
///
/// # Errors
/// Any [`Error`].
pub async fn check(
    db: &Db,
    keys: &SigningKeys,
    (tenant, chain): (TenantId, Chain),
    known: &[Head],
) -> Result<Result<Whole, Broken>, Error> {
    let mut walk = Walk::new(tenant, chain, keys);
    loop {
        match walk.on(db, AT_A_TIME).await? {
            Ok(true) => break,
            Ok(false) => {}
            Err(broken) => return Ok(Err(broken)),
        }
    }
    for head in known.iter().filter(|head| (head.tenant, head.chain) == (tenant, chain)) {
        let mut tx = db.tenant_snapshot(tenant).await?;
        let found = store::list(&mut tx, chain, head.serial - 1, 1).await?;
        let same = found.first().is_some_and(|found| found.digest() == head.digest());
        if !same {
            return Ok(Err(Broken::Published(head.serial)));
        }
    }
    Ok(walk.whole())
}
