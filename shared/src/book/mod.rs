//! A tenant's contacts in memory, ready to be searched, and always as PostgreSQL has them.
//!
//! [`Books::read`] answers with a [`Table`] that holds exactly what the returned transaction sees: the blocks that are stored,
//! or kept in this process, and whatever changed since, read in that transaction. So a reader sees every change that was
//! committed before it asked, on any process, and none that wasn't. See docs/search.md.

mod kept;
pub mod store;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedMutexGuard, Semaphore};

use crate::crypto::TenantKeys;
use crate::db::{self, Db, TenantTx};
use crate::ids::{ContactId, TenantId};
use crate::search::{Block, BlockError, Blocks, Table};
use crate::telemetry::metrics;
use crate::tenants::{KeyError, KeyRing};
use kept::{Book, Kept};
use store::{LoadError, StoreError};

/// Blocks are put together anew after so many changes, or after a twentieth of the contacts if that is more.
const CHANGES: usize = 2_000;
/// Contacts that are read at a time when blocks are built.
const PAGE: i64 = 2_000;
/// How often a reader begins again: blocks were taken away or replaced while it looked.
const TRIES: usize = 50;
/// How long a reader waits while another process builds, between two looks.
const WAIT: Duration = Duration::from_millis(100);
/// How many looks of [`WAIT`]: longer than anybody may build.
const LOOKS: usize = 6_000;
/// How often is looked for books that nobody reads any more.
const SWEEP: Duration = Duration::from_secs(30);
/// More changes than this, and nobody reads the blocks: the readers would have put them together.
const UNREAD: i32 = 50_000;

/// How much of the books is kept in memory.
#[derive(Debug, Clone, Copy)]
pub struct BookLimits {
    /// Most bytes of all tenants together; 0 keeps nothing: each request reads and opens the blocks, and drops them.
    pub bytes: usize,
    /// What nobody reads for so long is dropped.
    pub idle: Duration,
}

impl Default for BookLimits {
    fn default() -> Self {
        Self { bytes: 512 << 20, idle: Duration::from_secs(15 * 60) }
    }
}

/// The books of all tenants. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Books(Arc<Shelf>);

#[derive(Debug)]
struct Shelf {
    db: Db,
    ring: Arc<KeyRing>,
    kept: Kept,
    /// One at a time opens, builds or puts together the blocks of a tenant.
    turns: Mutex<HashMap<TenantId, Arc<tokio::sync::Mutex<()>>>>,
    /// Who searches computes: no more at a time than there are cores.
    cores: Arc<Semaphore>,
}

/// A book, and the transaction whose moment it shows.
#[derive(Debug)]
pub struct Reading {
    /// Sees one snapshot, and changes nothing.
    pub tx: TenantTx,
    /// The tenant's keys.
    pub keys: Arc<TenantKeys>,
    /// All contacts, as the transaction sees them.
    pub table: Arc<Table>,
}

/// A book could not be read.
#[derive(Debug, thiserror::Error)]
pub enum BookError {
    /// The database did not answer.
    #[error(transparent)]
    Db(#[from] db::Error),
    /// The tenant's keys are not to be had.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// Blocks could not be made of the contacts.
    #[error("a book can't be made: {0}")]
    Made(#[from] BlockError),
    /// Blocks could not be stored.
    #[error(transparent)]
    Stored(#[from] StoreError),
    /// Others changed them again and again. Asking again will help.
    #[error("the book was not ready in time")]
    NotReady,
}

/// What one look came to.
enum Look {
    Read(Reading),
    /// Blocks must be read, by one at a time.
    Load,
    /// There are none.
    Build,
}

impl Books {
    /// Nothing is kept yet.
    pub fn new(db: Db, ring: Arc<KeyRing>, limits: BookLimits) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self(Arc::new(Shelf {
            db,
            ring,
            kept: Kept::new(limits),
            turns: Mutex::default(),
            cores: Arc::new(Semaphore::new(cores)),
        }))
    }

    /// The tenant's contacts, as they are now.
    ///
    /// # Errors
    /// [`BookError`].
    pub async fn read(&self, tenant: TenantId) -> Result<Reading, BookError> {
        let shelf = &self.0;
        for _ in 0..TRIES {
            match shelf.look(tenant, false).await? {
                Look::Read(reading) => {
                    self.tidy(tenant, &reading.table);
                    return Ok(reading);
                }
                Look::Load => {
                    let _turn = shelf.turn(tenant).await;
                    if let Look::Read(reading) = shelf.look(tenant, true).await? {
                        return Ok(reading);
                    }
                }
                Look::Build => shelf.build_for_all(tenant).await?,
            }
        }
        Err(BookError::NotReady)
    }

    /// Runs what only computes, on a thread of its own: a search takes milliseconds, in which this one would serve nobody.
    ///
    /// # Errors
    /// [`BookError::NotReady`], should the computation have died.
    pub async fn compute<T: Send + 'static>(
        &self,
        computation: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, BookError> {
        // The semaphore is never closed.
        let _core = self.0.cores.clone().acquire_owned().await;
        tokio::task::spawn_blocking(computation).await.map_err(|_| BookError::NotReady)
    }

    /// Drops what this process keeps of a tenant.
    pub fn drop_book(&self, tenant: TenantId) {
        self.0.kept.drop_book(tenant);
    }

    /// Bytes that are kept, and of how many tenants.
    pub fn kept(&self) -> (usize, usize) {
        self.0.kept.sizes()
    }

    /// Drops books that nobody reads, and prunes changes that nobody will ask for. Never returns.
    pub async fn look_after(&self) {
        loop {
            tokio::time::sleep(SWEEP).await;
            self.0.kept.drop_idle();
            let (bytes, tenants) = self.0.kept.sizes();
            metrics::search_kept(bytes, tenants);
            if let Err(error) = store::prune(&self.0.db, UNREAD).await {
                tracing::warn!(error = error.cause(), "changes of the search could not be pruned");
            }
        }
    }

    /// Puts the blocks together anew in the background, if there are many changes.
    fn tidy(&self, tenant: TenantId, table: &Table) {
        if table.changes() <= CHANGES.max(table.contacts() / 20) {
            return;
        }
        let Ok(turn) = self.0.lock_of(tenant).try_lock_owned() else { return };
        let shelf = Arc::clone(&self.0);
        tokio::spawn(async move {
            if let Err(error) = shelf.put_together(tenant, turn).await {
                tracing::warn!(tenant = %tenant, %error, "blocks of the search could not be put together");
            }
        });
    }

    /// Puts the blocks of a tenant together anew, now. False if somebody else is at it, or there are none.
    ///
    /// # Errors
    /// [`BookError`].
    pub async fn put_together(&self, tenant: TenantId) -> Result<bool, BookError> {
        let turn = self.0.lock_of(tenant).lock_owned().await;
        self.0.put_together(tenant, turn).await
    }
}

impl Shelf {
    fn lock_of(&self, tenant: TenantId) -> Arc<tokio::sync::Mutex<()>> {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        // Those that nobody holds are as good as new ones.
        turns.retain(|other, turn| *other == tenant || Arc::strong_count(turn) > 1);
        Arc::clone(turns.entry(tenant).or_default())
    }

    async fn turn(&self, tenant: TenantId) -> OwnedMutexGuard<()> {
        self.lock_of(tenant).lock_owned().await
    }

    /// Looks once. Reads blocks only if it `may_load`.
    async fn look(&self, tenant: TenantId, may_load: bool) -> Result<Look, BookError> {
        // Before the transaction: what is kept can't know more than it then.
        let held = self.kept.of(tenant);
        let mut tx = self.db.tenant_snapshot(tenant).await?;
        let keys = match self.ring.of(&mut tx).await {
            Ok(keys) => keys,
            Err(error) => {
                self.kept.drop_book(tenant);
                return Err(error.into());
            }
        };
        let question = held.as_ref().map(|book| (book.generation, &book.seen));
        let state = store::state(&mut tx, question).await?;
        let Some(generation) = state.generation else {
            self.kept.drop_book(tenant);
            return Ok(Look::Build);
        };
        let table = match held.filter(|book| book.generation == generation.id) {
            Some(book) => book.table,
            None if !may_load => return Ok(Look::Load),
            None => match store::blocks(&mut tx, &keys, generation).await {
                Ok(blocks) => Arc::new(Table::new(blocks)),
                Err(LoadError::Db(error)) => return Err(error.into()),
                Err(LoadError::Corrupt(what)) => {
                    tracing::error!(tenant = %tenant, what, "blocks of the search are corrupt: they are built anew");
                    metrics::search_block_refused();
                    self.forget(tenant).await?;
                    return Ok(Look::Build);
                }
            },
        };
        let table = match changes(&mut tx, &keys, &state.changed).await? {
            changes if changes.is_empty() => table,
            changes => Arc::new(table.with(changes)?),
        };
        let book = Book { generation: generation.id, seen: state.seen, table: Arc::clone(&table) };
        self.kept.keep(tenant, book);
        Ok(Look::Read(Reading { tx, keys, table }))
    }

    async fn forget(&self, tenant: TenantId) -> Result<(), BookError> {
        let mut tx = self.db.tenant(tenant).await?;
        store::forget(&mut tx).await?;
        Ok(tx.commit().await?)
    }

    /// Builds the blocks on a task of its own. Of a million contacts that takes longer than a request may: who asked goes away
    /// then, and finds them when it asks again.
    async fn build_for_all(self: &Arc<Self>, tenant: TenantId) -> Result<(), BookError> {
        let shelf = Arc::clone(self);
        let built = tokio::spawn(async move { shelf.build(tenant).await }).await;
        built.map_err(|_| BookError::NotReady)?
    }

    /// Builds the blocks from the contacts, or waits until another process has.
    async fn build(&self, tenant: TenantId) -> Result<(), BookError> {
        let _turn = self.turn(tenant).await;
        for _ in 0..LOOKS {
            let mut tx = self.db.tenant_snapshot_to_write(tenant).await?;
            if store::state(&mut tx, None).await?.generation.is_some() {
                return Ok(());
            }
            if !store::try_lock(&mut tx).await? {
                tx.rollback().await?;
                tokio::time::sleep(WAIT).await;
                continue;
            }
            let keys = self.ring.of(&mut tx).await?;
            let blocks = read_all(&mut tx, &keys).await?;
            // Where somebody was faster, who asked looks again all the same.
            return self.store(tx, &keys, &blocks).await.map(|_| ());
        }
        Err(BookError::NotReady)
    }

    async fn put_together(
        &self,
        tenant: TenantId,
        _turn: OwnedMutexGuard<()>,
    ) -> Result<bool, BookError> {
        let held = self.kept.of(tenant);
        let mut tx = self.db.tenant_snapshot_to_write(tenant).await?;
        if !store::try_lock(&mut tx).await? {
            return Ok(false);
        }
        let keys = self.ring.of(&mut tx).await?;
        let question = held.as_ref().map(|book| (book.generation, &book.seen));
        let state = store::state(&mut tx, question).await?;
        let Some(generation) = state.generation else { return Ok(false) };
        let table = match held.filter(|book| book.generation == generation.id) {
            Some(book) => book.table,
            None => match store::blocks(&mut tx, &keys, generation).await {
                Ok(blocks) => Arc::new(Table::new(blocks)),
                Err(LoadError::Db(error)) => return Err(error.into()),
                // The next reader says so, and builds.
                Err(LoadError::Corrupt(_)) => return Ok(false),
            },
        };
        let table = table.with(changes(&mut tx, &keys, &state.changed).await?)?;
        let put_together = tokio::task::spawn_blocking(move || table.compact()).await;
        let blocks = put_together.map_err(|_| BookError::NotReady)??;
        let Some(generation) = self.store(tx, &keys, &blocks).await? else { return Ok(false) };
        let table = Arc::new(Table::new(blocks.into_iter().map(Arc::new)));
        let book = Book { generation, seen: state.seen, table };
        self.kept.keep(tenant, book);
        Ok(true)
    }

    /// Stores the blocks. None if somebody else stored some since the transaction's moment, which know more.
    async fn store(
        &self,
        mut tx: TenantTx,
        keys: &TenantKeys,
        blocks: &[Block],
    ) -> Result<Option<i64>, BookError> {
        let generation = match store::replace(&mut tx, keys, blocks).await {
            Err(StoreError::Beaten) => return Ok(None),
            other => other?,
        };
        tx.commit().await?;
        metrics::search_blocks_written();
        Ok(Some(generation))
    }
}

/// The contacts of `ids` as they are now; those that are gone are `None`.
async fn changes(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    ids: &[ContactId],
) -> Result<Vec<(ContactId, Option<crate::search::ContactRow>)>, BookError> {
    let rows = store::rows(tx, keys, ids).await?;
    let mut changes: Vec<_> = ids.iter().map(|id| (*id, None)).collect();
    changes.extend(rows.into_iter().map(|row| (row.id, Some(row))));
    Ok(changes)
}

async fn read_all(tx: &mut TenantTx, keys: &TenantKeys) -> Result<Vec<Block>, BookError> {
    let mut blocks = Blocks::default();
    let mut after = store::FIRST;
    loop {
        let (rows, last) = store::page(tx, keys, after, PAGE).await?;
        let Some(last) = last else { return Ok(blocks.finish()) };
        after = last;
        for row in &rows {
            blocks.push(row)?;
        }
    }
}
