//! SQL of the keys that sign access tokens.

use chrono::{DateTime, Duration, Utc};
use uuid::Uuid;

use crate::crypto::Sealed;
use crate::db::{Db, EngineTx, Error};
use crate::ids::SigningKeyId;
use crate::people::session::ACCESS_TOKEN;

/// Whoever makes a key holds this advisory lock.
const LOCK: i64 = 0x7669_6f5f_7369_676e;

/// A key as its row has it.
#[derive(Debug, Clone)]
pub struct Row {
    /// Its id, which tokens name.
    pub id: SigningKeyId,
    /// By what tokens are verified.
    pub public_key: Vec<u8>,
    /// By what they are signed, sealed.
    pub sealed: Vec<u8>,
    /// When it was made.
    pub made_at: DateTime<Utc>,
    /// Signs no more, since then.
    pub retired_at: Option<DateTime<Utc>>,
}

type Columns = (Uuid, Vec<u8>, Vec<u8>, DateTime<Utc>, Option<DateTime<Utc>>);

fn read((id, public_key, sealed, made_at, retired_at): Columns) -> Row {
    Row { id: SigningKeyId(id), public_key, sealed, made_at, retired_at }
}

/// All keys by which a token may be verified, the newest first.
///
/// # Errors
/// Any [`Error`].
pub async fn list(db: &Db) -> Result<Vec<Row>, Error> {
    let rows: Vec<Columns> = sqlx::query_as(
        "select id, public_key, sealed, made_at, retired_at from signing_keys order by made_at desc, id desc",
    )
    .fetch_all(db.engine_pool())
    .await?;
    Ok(rows.into_iter().map(read).collect())
}

/// Waits until nobody else makes a key, and gives the age of the one that signs; `None` if there is none.
///
/// # Errors
/// Any [`Error`].
pub async fn lock(tx: &mut EngineTx) -> Result<Option<Duration>, Error> {
    sqlx::query("select pg_advisory_xact_lock($1)").bind(LOCK).execute(tx.conn()).await?;
    let made: Option<(DateTime<Utc>, DateTime<Utc>)> = sqlx::query_as(
        "select made_at, app_clock() from signing_keys where retired_at is null order by made_at desc limit 1",
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(made.map(|(made, now)| now - made))
}

/// Stores a key, which signs from now on; those before it verify what they signed until it has expired.
///
/// # Errors
/// Any [`Error`].
pub async fn succeed(
    tx: &mut EngineTx,
    id: SigningKeyId,
    public_key: &[u8],
    sealed: &Sealed,
) -> Result<(), Error> {
    sqlx::query("update signing_keys set retired_at = app_clock() where retired_at is null")
        .execute(tx.conn())
        .await?;
    sqlx::query(
        "insert into signing_keys (id, public_key, sealed, made_at) values ($1, $2, $3, app_clock())",
    )
    .bind(id)
    .bind(public_key)
    .bind(sealed.as_bytes())
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Removes keys of which every token has expired; or, if they `leaked`, all that are retired.
///
/// # Errors
/// Any [`Error`].
pub async fn remove_retired(tx: &mut EngineTx, leaked: bool) -> Result<u64, Error> {
    // A process that has not heard of the successor yet may sign a moment longer.
    let after = if leaked { Duration::zero() } else { ACCESS_TOKEN * 2 };
    let done = sqlx::query(
        "delete from signing_keys where retired_at <= app_clock() - make_interval(secs => $1)",
    )
    .bind(after.as_seconds_f64())
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected())
}
