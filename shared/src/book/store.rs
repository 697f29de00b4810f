//! SQL of books: sealed blocks, and who changed since they were made. docs/search.md tells why nothing is missed.

mod rows;

use std::sync::Arc;

use futures::{StreamExt, TryStreamExt};
use uuid::Uuid;

use crate::crypto::{CryptoError, SearchBlock, TenantKeys};
use crate::db::{Db, Error, TenantTx};
use crate::ids::ContactId;
use crate::search::{Block, BlockError};

pub use rows::{FIRST, page, rows};

/// Serialises those who write the blocks of a tenant; the second key is a hash of the tenant.
const LOCK: i32 = 0x5EA6;
/// Whoever builds for longer than this has seen a moment that pruning no longer spares (`prune_search`).
const MOST_BUILDING: &str = "10 minutes";

/// Blocks that count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Generation {
    /// Random.
    pub id: i64,
    /// Under the seal of its blocks.
    watermark: i64,
    blocks: i32,
    /// How many contacts the blocks have.
    pub contacts: i32,
}

/// How a tenant's blocks stand, at the moment that the transaction sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// The blocks to read; none if they must be built.
    pub generation: Option<Generation>,
    /// What this moment saw: to ask with later.
    pub seen: Seen,
    /// Who changed since: since `seen` of the question if its generation is this one, else since the blocks were made.
    pub changed: Vec<ContactId>,
}

/// A moment of the database, as PostgreSQL writes a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen(String);

#[cfg(test)]
impl Seen {
    pub(super) fn testing(text: &str) -> Self {
        Self(text.to_owned())
    }
}

/// Blocks could not be read.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The database did not answer.
    #[error(transparent)]
    Db(#[from] Error),
    /// One was not what was written; they must be built anew.
    #[error("a block of the search is corrupt: {0}")]
    Corrupt(&'static str),
}

#[derive(sqlx::FromRow)]
struct StateRow {
    generation: Option<i64>,
    watermark: Option<i64>,
    blocks: Option<i32>,
    contacts: Option<i32>,
    seen: String,
    changed: Option<Vec<Uuid>>,
}

/// How the tenant's blocks stand for a reader that holds `held`. The transaction must see one snapshot
/// ([`Db::tenant_snapshot`]), and the changed contacts be read in it.
///
/// # Errors
/// Any [`Error`].
pub async fn state(tx: &mut TenantTx, held: Option<(i64, &Seen)>) -> Result<State, Error> {
    let row: StateRow = sqlx::query_as(
        "select generation, watermark, blocks, contacts, seen, changed from search_state($1, $2)",
    )
    .bind(held.map(|(id, _)| id))
    .bind(held.map(|(_, seen)| seen.0.as_str()))
    .fetch_one(tx.conn())
    .await?;
    let generation = match (row.generation, row.watermark, row.blocks, row.contacts) {
        (Some(id), Some(watermark), Some(blocks), Some(contacts)) => {
            Some(Generation { id, watermark, blocks, contacts })
        }
        _ => None,
    };
    let changed = row.changed.unwrap_or_default().into_iter().map(ContactId).collect();
    Ok(State { generation, seen: Seen(row.seen), changed })
}

/// Reads and opens the blocks of `generation`.
///
/// # Errors
/// [`LoadError`].
pub async fn blocks(
    tx: &mut TenantTx,
    keys: &Arc<TenantKeys>,
    generation: Generation,
) -> Result<Vec<Arc<Block>>, LoadError> {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    // The next are fetched while some are opened, which takes milliseconds each.
    let blocks: Vec<(i32, Arc<Block>)> = sqlx::query_as(
        "select number, contacts, sealed from search_blocks where generation = $1 order by number",
    )
    .bind(generation.id)
    .fetch(tx.conn())
    .map_err(|error| LoadError::Db(error.into()))
    .map(|row| async {
        let (number, contacts, sealed): (i32, i32, Vec<u8>) = row?;
        let keys = Arc::clone(keys);
        let place = place(generation.id, generation.watermark, number, contacts);
        let opened = tokio::task::spawn_blocking(move || open(&keys, place, contacts, &sealed));
        let block = opened.await.map_err(|_| LoadError::Corrupt("nobody could open it"))??;
        Ok::<_, LoadError>((number, Arc::new(block)))
    })
    .buffered(cores)
    .try_collect()
    .await?;
    let numbers = (0..generation.blocks).eq(blocks.iter().map(|(number, _)| *number));
    if !numbers {
        return Err(LoadError::Corrupt("a block is missing"));
    }
    Ok(blocks.into_iter().map(|(_, block)| block).collect())
}

fn open(
    keys: &TenantKeys,
    place: SearchBlock,
    contacts: i32,
    sealed: &[u8],
) -> Result<Block, LoadError> {
    let bytes = keys.open_search_block(place, sealed).map_err(|_| LoadError::Corrupt("seal"))?;
    let block = Block::decode(&bytes).map_err(|_| LoadError::Corrupt("content"))?;
    if i32::try_from(block.rows()) != Ok(contacts) {
        return Err(LoadError::Corrupt("number of contacts"));
    }
    Ok(block)
}

fn place(generation: i64, watermark: i64, number: i32, contacts: i32) -> SearchBlock {
    SearchBlock {
        generation: generation as u64,
        number: number as u32,
        rows: contacts as u32,
        watermark: watermark as u64,
    }
}

/// Takes the lock of whoever writes the tenant's blocks, until the transaction ends. False if somebody has it.
///
/// # Errors
/// Any [`Error`].
pub async fn try_lock(tx: &mut TenantTx) -> Result<bool, Error> {
    // Putting a million contacts together takes longer than sessions may idle; this one holds nothing that others wait for.
    let locked = sqlx::query_scalar(
        "select set_config('idle_in_transaction_session_timeout', '60s', true) is not null
             and pg_try_advisory_xact_lock($1, hashtext($2::text))",
    )
    .bind(LOCK)
    .bind(tx.tenant())
    .fetch_one(tx.conn())
    .await?;
    Ok(locked)
}

/// Blocks could not be stored.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database did not take them.
    #[error(transparent)]
    Db(#[from] Error),
    /// They could not be sealed.
    #[error("a block can't be sealed: {0}")]
    Crypto(#[from] CryptoError),
    /// Contacts make no block.
    #[error("contacts make no block: {0}")]
    Block(#[from] BlockError),
    /// Somebody else wrote or took away blocks since the transaction's moment.
    #[error("somebody else was faster")]
    Beaten,
    /// What they know is so old that changes since may have been pruned.
    #[error("building took too long")]
    TookTooLong,
}

/// Stores `new` as the tenant's blocks, which hold all that the transaction's one snapshot saw, and takes away the old ones
/// with the changes that these know. Returns the generation. To be called under [`try_lock`]; the caller commits.
///
/// # Errors
/// [`StoreError`].
pub async fn replace(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    new: &[Block],
) -> Result<i64, StoreError> {
    let contacts: usize = new.iter().map(Block::rows).sum();
    // The changes that the snapshot sees are those that the blocks know.
    for statement in ["select forget_search()", "delete from search_changes"] {
        sqlx::query(statement).execute(tx.conn()).await.map_err(beaten)?;
    }
    let id = Uuid::new_v4().as_u64_pair().0 as i64;
    let watermark: Option<i64> = sqlx::query_scalar(
        "insert into search_generations (tenant_id, id, cluster, as_of, watermark, blocks, contacts)
         select $1, $2, (select system_identifier from pg_control_system()), s, pg_snapshot_xmin(s)::text::bigint, $3, $4
         from pg_current_snapshot() s where clock_timestamp() - now() < $5::interval
         returning watermark",
    )
    .bind(tx.tenant())
    .bind(id)
    .bind(new.len() as i32)
    .bind(contacts as i32)
    .bind(MOST_BUILDING)
    .fetch_optional(tx.conn())
    .await
    .map_err(beaten)?;
    let watermark = watermark.ok_or(StoreError::TookTooLong)?;
    for (number, block) in new.iter().enumerate() {
        let (number, rows) = (number as i32, block.rows() as i32);
        let bytes = block.encode()?;
        let sealed = keys.seal_search_block(place(id, watermark, number, rows), &bytes)?;
        sqlx::query(
            "insert into search_blocks (tenant_id, generation, number, contacts, sealed) values ($1, $2, $3, $4, $5)",
        )
        .bind(tx.tenant())
        .bind(id)
        .bind(number)
        .bind(rows)
        .bind(sealed)
        .execute(tx.conn())
        .await
        .map_err(Error::from)?;
    }
    Ok(id)
}

/// The lock was free, but this moment is of before it was: what somebody committed in between is in the way.
fn beaten(error: sqlx::Error) -> StoreError {
    const SERIALIZATION_FAILURE: &str = "40001";
    match Error::from(error) {
        error if error.is_refused_by("search_generations_pkey") => StoreError::Beaten,
        Error::Busy(sqlx::Error::Database(cause))
            if cause.code().as_deref() == Some(SERIALIZATION_FAILURE) =>
        {
            StoreError::Beaten
        }
        error => error.into(),
    }
}

/// Takes the tenant's blocks away: they are built anew by the next search. For what must not stay in them: contacts that were
/// erased, a key that was changed or destroyed.
///
/// # Errors
/// Any [`Error`].
pub async fn forget(tx: &mut TenantTx) -> Result<(), Error> {
    sqlx::query("select forget_search()").execute(tx.conn()).await?;
    Ok(())
}

/// Takes the tenant's blocks away if they may hold a contact that was erased: one that changed since they were made. Whether it was
/// this process that erased, or one that was stopped before it came here, it is seen.
///
/// # Errors
/// Any [`Error`].
pub async fn forget_erased(tx: &mut TenantTx) -> Result<(), Error> {
    sqlx::query(
        "select forget_search() where exists (select from search_changes s join contacts c on c.id = s.contact_id
             where s.tenant_id = tid() and c.erased_at is not null)",
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Takes away, of all tenants, what nobody will ask for: changes of tenants whose blocks nobody made, and blocks of those with
/// more than `most` changes since. Does something every half hour at most, whoever calls. Returns how many changes went.
///
/// # Errors
/// Any [`Error`].
pub async fn prune(db: &Db, most: i32) -> Result<i32, Error> {
    Ok(sqlx::query_scalar("select prune_search($1)").bind(most).fetch_one(db.engine_pool()).await?)
}
