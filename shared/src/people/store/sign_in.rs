//! SQL of what a sign-in is judged by.

use uuid::Uuid;

use crate::crypto::EqualityHashes;
use crate::db::{Db, EngineTx, Error};
use crate::ids::{TenantId, UserId};
use crate::people::{Role, State};

/// What is known of somebody before they have proved to be it.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// Who.
    pub user: UserId,
    /// Of which tenant; none for the platform's people.
    pub tenant: Option<TenantId>,
    /// What they are.
    pub role: Role,
    /// How they stand.
    pub state: State,
    /// That tenant is not suspended; true for the platform's people.
    pub tenant_active: bool,
    /// The hash of their password, in PHC form; none before they set one.
    pub password_hash: Option<String>,
    /// The sealed secret of their second factor, confirmed or not.
    pub totp: Option<Vec<u8>>,
    /// The second factor is asked for.
    pub totp_confirmed: bool,
    /// The time step of the last code that was used.
    pub totp_step: i64,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    tenant_id: Option<Uuid>,
    role: String,
    state: String,
    tenant_active: bool,
    password_hash: Option<String>,
    totp: Option<Vec<u8>>,
    totp_confirmed: bool,
    totp_step: i64,
}

impl TryFrom<Row> for Credentials {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self, Error> {
        Ok(Self {
            user: UserId(row.id),
            tenant: row.tenant_id.map(TenantId),
            role: row.role.parse().map_err(|_| Error::Unreadable("users.role"))?,
            state: row.state.parse().map_err(|_| Error::Unreadable("users.state"))?,
            tenant_active: row.tenant_active,
            password_hash: row.password_hash,
            totp: row.totp,
            totp_confirmed: row.totp_confirmed,
            totp_step: row.totp_step,
        })
    }
}

/// Of whom the address is that `email` are hashes of; `None` if of nobody, by the same statement.
///
/// # Errors
/// Any [`Error`].
pub async fn by_email(db: &Db, email: &EqualityHashes) -> Result<Option<Credentials>, Error> {
    let hashes: Vec<Vec<u8>> = email.iter().map(|hash| hash.as_bytes().to_vec()).collect();
    let row: Option<Row> = sqlx::query_as(
        "select u.id, u.tenant_id, u.role, u.state, coalesce(t.active, true) as tenant_active, u.password_hash, u.totp,
             u.totp_confirmed_at is not null as totp_confirmed, u.totp_step
         from users u left join tenants t on t.id = u.tenant_id
         where u.email_eq = any ($1)",
    )
    .bind(hashes)
    .fetch_optional(db.engine_pool())
    .await?;
    row.map(Credentials::try_from).transpose()
}

/// What a change of somebody's own password or second factor is judged by.
///
/// # Errors
/// Any [`Error`].
pub async fn of_user(tx: &mut EngineTx, user: UserId) -> Result<Option<Credentials>, Error> {
    let row: Option<Row> = sqlx::query_as(
        "select u.id, u.tenant_id, u.role, u.state, coalesce(t.active, true) as tenant_active, u.password_hash, u.totp,
             u.totp_confirmed_at is not null as totp_confirmed, u.totp_step
         from users u left join tenants t on t.id = u.tenant_id
         where u.id = $1",
    )
    .bind(user)
    .fetch_optional(tx.conn())
    .await?;
    row.map(Credentials::try_from).transpose()
}

/// Notes that the user signed in, if they still are what they were when their password was looked at. False if the password,
/// the second factor or their state was changed meanwhile, which takes as long as a hash: whoever changed it has ended the
/// sessions that there were, and this one would outlive that. Called before the session begins: it waits for a change that is
/// under way, and a change that comes later finds the session.
///
/// # Errors
/// Any [`Error`].
pub async fn note(tx: &mut EngineTx, known: &Credentials) -> Result<bool, Error> {
    let done = sqlx::query(
        "update users set signed_in_at = app_clock()
         where id = $1 and state = 'active' and password_hash is not distinct from $2
           and (totp_confirmed_at is not null) = $3",
    )
    .bind(known.user)
    .bind(&known.password_hash)
    .bind(known.totp_confirmed)
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Stores the hash of a password, if the one before is still `before`: of two changes at a time one wins. Whoever was invited
/// is active from now on. False if it isn't, or the user is deactivated.
///
/// # Errors
/// Any [`Error`].
pub async fn set_password(
    tx: &mut EngineTx,
    user: UserId,
    before: Option<&str>,
    hash: &str,
) -> Result<bool, Error> {
    let done = sqlx::query(
        "update users set password_hash = $2, state = 'active', version = version + 1, updated_at = app_clock()
         where id = $1 and state <> 'deactivated' and password_hash is not distinct from $3",
    )
    .bind(user)
    .bind(hash)
    .bind(before)
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}
