//! SQL of links by which a password is set.

use chrono::{DateTime, Duration, Utc};

use crate::db::{Db, EngineTx, Error, TenantTx};
use crate::ids::{TenantId, UserId};
use crate::people::secret::SecretHash;

/// What a link is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, schemars::JsonSchema)]
#[schemars(rename = "LinkKind", rename_all = "snake_case")]
pub enum Kind {
    /// The first password.
    Invitation,
    /// A new one in place of one that was forgotten.
    Reset,
}

impl Kind {
    /// The word in the database and in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Invitation => "invitation",
            Self::Reset => "reset",
        }
    }

    /// How long the link holds.
    pub fn holds(self) -> Duration {
        match self {
            Self::Invitation => Duration::days(7),
            Self::Reset => Duration::hours(24),
        }
    }
}

const INSERT: &str = "insert into password_links (hash, user_id, tenant_id, kind, made_at, expires_at, made_by) values ($1, $2, $3, $4, $5, $6, $7)";
const VOID: &str = "update password_links set expires_at = $2 where user_id = $1 and used_at is null and expires_at > $2";
const VOID_MADE_BY: &str = "update password_links set expires_at = $2 where made_by = $1 and used_at is null and expires_at > $2";

/// Stores a link for somebody of the tenant; those that were made for them before hold no more. Gives when it expires.
/// `by` is the person who made it, if a person did: it holds no longer than they may sign in.
///
/// # Errors
/// Any [`Error`].
pub async fn make(
    tx: &mut TenantTx,
    (user, by): (UserId, Option<UserId>),
    kind: Kind,
    hash: &SecretHash,
    now: DateTime<Utc>,
) -> Result<DateTime<Utc>, Error> {
    void(tx, user, now).await?;
    let expires = now + kind.holds();
    sqlx::query(INSERT)
        .bind(hash.to_vec())
        .bind(user)
        .bind(tx.tenant())
        .bind(kind.as_str())
        .bind(now)
        .bind(expires)
        .bind(by)
        .execute(tx.conn())
        .await?;
    Ok(expires)
}

/// Lets no link that somebody made for others of the tenant hold any longer: they may sign in no more.
///
/// # Errors
/// Any [`Error`].
pub async fn void_made_by(tx: &mut TenantTx, by: UserId, now: DateTime<Utc>) -> Result<u64, Error> {
    let done = sqlx::query(VOID_MADE_BY).bind(by).bind(now).execute(tx.conn()).await?;
    Ok(done.rows_affected())
}

/// As [`void_made_by`], of what somebody of the platform made, in whichever tenant.
///
/// # Errors
/// Any [`Error`].
pub async fn void_made_by_platform(tx: &mut EngineTx, by: UserId) -> Result<u64, Error> {
    let now = tx.now().await?;
    let done = sqlx::query(VOID_MADE_BY).bind(by).bind(now).execute(tx.conn()).await?;
    Ok(done.rows_affected())
}

/// Lets no link of somebody of the tenant hold any longer.
///
/// # Errors
/// Any [`Error`].
pub async fn void(tx: &mut TenantTx, user: UserId, now: DateTime<Utc>) -> Result<(), Error> {
    sqlx::query(VOID).bind(user).bind(now).execute(tx.conn()).await?;
    Ok(())
}

/// Lets no link of somebody hold any longer: they chose another password themselves.
///
/// # Errors
/// Any [`Error`].
pub async fn void_own(tx: &mut EngineTx, user: UserId) -> Result<(), Error> {
    let now = tx.now().await?;
    sqlx::query(VOID).bind(user).bind(now).execute(tx.conn()).await?;
    Ok(())
}

/// As [`make`], for somebody of the platform.
///
/// # Errors
/// Any [`Error`].
pub async fn make_for_platform(
    tx: &mut EngineTx,
    user: UserId,
    kind: Kind,
    hash: &SecretHash,
    now: DateTime<Utc>,
) -> Result<DateTime<Utc>, Error> {
    sqlx::query(VOID).bind(user).bind(now).execute(tx.conn()).await?;
    let expires = now + kind.holds();
    sqlx::query(INSERT)
        .bind(hash.to_vec())
        .bind(user)
        .bind(None::<TenantId>)
        .bind(kind.as_str())
        .bind(now)
        .bind(expires)
        .bind(None::<UserId>)
        .execute(tx.conn())
        .await?;
    Ok(expires)
}

/// Whether the link holds at present: asked before a password is hashed, since hashing is dear.
///
/// # Errors
/// Any [`Error`].
pub async fn holds(db: &Db, hash: &SecretHash) -> Result<bool, Error> {
    Ok(sqlx::query_scalar(
        "select exists (select from password_links l join users u on u.id = l.user_id
             where l.hash = $1 and l.used_at is null and l.expires_at > app_clock() and u.state <> 'deactivated')",
    )
    .bind(hash.to_vec())
    .fetch_one(db.engine_pool())
    .await?)
}

/// Uses a link up. `None` if it is unknown, used or expired, or its user is deactivated.
///
/// # Errors
/// Any [`Error`].
pub async fn take(tx: &mut EngineTx, hash: &SecretHash) -> Result<Option<UserId>, Error> {
    let user: Option<UserId> = sqlx::query_scalar(
        "update password_links l set used_at = app_clock() from users u
         where l.hash = $1 and l.used_at is null and l.expires_at > app_clock() and u.id = l.user_id
           and u.state <> 'deactivated'
         returning l.user_id",
    )
    .bind(hash.to_vec())
    .fetch_optional(tx.conn())
    .await?;
    Ok(user)
}
