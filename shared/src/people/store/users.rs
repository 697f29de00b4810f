//! SQL of users, as their tenant's administrators see and change them; and of the platform's people.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::api_keys;
use crate::contacts::email::EmailAddress;
use crate::contacts::name::PersonName;
use crate::crypto::{EqualityHashes, EqualityKind, TenantField, TenantKeys};
use crate::db::{EngineTx, Error, TenantTx};
use crate::ids::UserId;
use crate::paging::{Cursor, Page, Slice};
use crate::people::{Role, State, User};
use crate::tenants::KeyError;

/// The constraint that keeps an e-mail address to one user of the platform.
pub const EMAIL_IS_UNIQUE: &str = "users_email_is_unique";

/// The hashes under which an address may be known, under the platform's keys.
pub fn hashes(platform: &TenantKeys, email: &EmailAddress) -> EqualityHashes {
    platform.equality(EqualityKind::Email, email.normalised())
}

/// Somebody to be invited.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// Their id.
    pub id: UserId,
    /// What they are called.
    pub name: PersonName,
    /// By what they will sign in.
    pub email: EmailAddress,
}

/// Stores somebody of the transaction's tenant.
///
/// # Errors
/// [`Error::Refused`] by [`EMAIL_IS_UNIQUE`]; any other [`KeyError`].
pub async fn insert(
    tx: &mut TenantTx,
    (keys, platform): (&TenantKeys, &TenantKeys),
    user: &NewUser,
    role: api_keys::Role,
    now: DateTime<Utc>,
) -> Result<(), KeyError> {
    let name = keys.seal(TenantField::PersonName, user.id.0, user.name.as_str().as_bytes())?;
    let email = keys.seal(TenantField::PersonEmail, user.id.0, user.email.as_str().as_bytes())?;
    sqlx::query(
        "insert into users (id, tenant_id, role, email_eq, name, email, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $7)",
    )
    .bind(user.id)
    .bind(tx.tenant())
    .bind(role.as_str())
    .bind(hashes(platform, &user.email).current.as_bytes().to_vec())
    .bind(name.into_bytes())
    .bind(email.into_bytes())
    .bind(now)
    .execute(tx.conn())
    .await
    .map_err(Error::from)?;
    Ok(())
}

/// Stores somebody of the platform, a super-admin.
///
/// # Errors
/// [`Error::Refused`] by [`EMAIL_IS_UNIQUE`]; any other [`KeyError`].
pub async fn insert_of_platform(
    tx: &mut EngineTx,
    platform: &TenantKeys,
    user: &NewUser,
    now: DateTime<Utc>,
) -> Result<(), KeyError> {
    let name = platform.seal(TenantField::PersonName, user.id.0, user.name.as_str().as_bytes())?;
    let email =
        platform.seal(TenantField::PersonEmail, user.id.0, user.email.as_str().as_bytes())?;
    sqlx::query("insert into users (id, role, email_eq, created_at, updated_at) values ($1, $2, $3, $4, $4)")
        .bind(user.id)
        .bind(Role::SuperAdmin.as_str())
        .bind(hashes(platform, &user.email).current.as_bytes().to_vec())
        .bind(now)
        .execute(tx.conn())
        .await
        .map_err(Error::from)?;
    sqlx::query("insert into platform_people (user_id, name, email) values ($1, $2, $3)")
        .bind(user.id)
        .bind(name.into_bytes())
        .bind(email.into_bytes())
        .execute(tx.conn())
        .await
        .map_err(Error::from)?;
    Ok(())
}

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    name: Vec<u8>,
    email: Vec<u8>,
    role: String,
    state: String,
    second_factor: bool,
    signed_in_at: Option<DateTime<Utc>>,
    version: i32,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

fn open(keys: &TenantKeys, row: &Row) -> Result<User, KeyError> {
    let name = keys.open_text(TenantField::PersonName, row.id, &row.name)?;
    let email = keys.open_text(TenantField::PersonEmail, row.id, &row.email)?;
    Ok(User {
        id: UserId(row.id),
        name: name.parse().map_err(|_| Error::Unreadable("users.name"))?,
        email: email.parse().map_err(|_| Error::Unreadable("users.email"))?,
        role: row.role.parse().map_err(|_| Error::Unreadable("users.role"))?,
        state: row.state.parse().map_err(|_| Error::Unreadable("users.state"))?,
        second_factor: row.second_factor,
        signed_in_at: row.signed_in_at,
        version: row.version,
        created_at: row.created_at,
        updated_at: row.updated_at,
    })
}

/// The tenant's users, newest first.
///
/// # Errors
/// Any [`KeyError`].
pub async fn list(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    slice: Slice,
) -> Result<Page<User>, KeyError> {
    let (at, id) = slice.bounds();
    let rows: Vec<Row> = sqlx::query_as(
        "select id, name, email, role, state, totp_confirmed_at is not null as second_factor, signed_in_at, version,
             created_at, updated_at
         from users where $1::timestamptz is null or (created_at, id) < ($1, $2)
         order by created_at desc, id desc limit $3",
    )
    .bind(at)
    .bind(id)
    .bind(slice.ask())
    .fetch_all(tx.conn())
    .await
    .map_err(Error::from)?;
    let users = rows.into_iter().map(|row| open(keys, &row)).collect::<Result<_, _>>()?;
    Ok(Page::cut(users, slice, |user: &User| Cursor { at: user.created_at, id: user.id.0 }))
}

/// One user of the tenant.
///
/// # Errors
/// Any [`KeyError`].
pub async fn find(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    id: UserId,
) -> Result<Option<User>, KeyError> {
    let row: Option<Row> = sqlx::query_as(
        "select id, name, email, role, state, totp_confirmed_at is not null as second_factor, signed_in_at, version,
             created_at, updated_at
         from users where id = $1",
    )
    .bind(id)
    .fetch_optional(tx.conn())
    .await
    .map_err(Error::from)?;
    row.map(|row| open(keys, &row)).transpose()
}

/// Stores name, role and state, and the version that was counted up.
///
/// # Errors
/// [`Error::Refused`] by `users_who_are_active_have_a_password`; any other [`KeyError`].
pub async fn save(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    user: &User,
    now: DateTime<Utc>,
) -> Result<(), KeyError> {
    let name = keys.seal(TenantField::PersonName, user.id.0, user.name.as_str().as_bytes())?;
    sqlx::query("update users set name = $2, role = $3, state = $4, version = $5, updated_at = $6 where id = $1")
        .bind(user.id)
        .bind(name.into_bytes())
        .bind(user.role.as_str())
        .bind(user.state.as_str())
        .bind(user.version)
        .bind(now)
        .execute(tx.conn())
        .await
        .map_err(Error::from)?;
    Ok(())
}

/// How a deactivated user comes back: with the password that they had, or invited again if they never had one.
///
/// # Errors
/// Any [`Error`].
pub async fn had_signed_in(tx: &mut TenantTx, id: UserId) -> Result<bool, Error> {
    Ok(sqlx::query_scalar(
        "select exists (select from users where id = $1 and signed_in_at is not null)",
    )
    .bind(id)
    .fetch_one(tx.conn())
    .await?)
}

/// How many administrators the tenant has who may sign in. The tenant's lock must be held, so that two don't remove each other.
///
/// # Errors
/// Any [`Error`].
pub async fn administrators(tx: &mut TenantTx) -> Result<i64, Error> {
    Ok(sqlx::query_scalar("select count(*) from users where role = $1 and state = $2")
        .bind(Role::ClientAdmin.as_str())
        .bind(State::Active.as_str())
        .fetch_one(tx.conn())
        .await?)
}

/// Somebody of the platform, opened.
#[derive(Debug, Clone)]
pub struct OfPlatform {
    /// Who.
    pub id: UserId,
    /// What they are called.
    pub name: PersonName,
    /// By what they sign in.
    pub email: EmailAddress,
    /// How they stand.
    pub state: State,
    /// They have a second factor.
    pub second_factor: bool,
}

type PlatformRow = (Uuid, Vec<u8>, Vec<u8>, String, bool);

/// The platform's people.
///
/// # Errors
/// Any [`KeyError`].
pub async fn of_platform(
    tx: &mut EngineTx,
    platform: &TenantKeys,
) -> Result<Vec<OfPlatform>, KeyError> {
    let rows: Vec<PlatformRow> = sqlx::query_as(
        "select u.id, p.name, p.email, u.state, u.totp_confirmed_at is not null
         from users u join platform_people p on p.user_id = u.id order by u.created_at",
    )
    .fetch_all(tx.conn())
    .await
    .map_err(Error::from)?;
    rows.into_iter()
        .map(|(id, name, email, state, second_factor)| {
            let name = platform.open_text(TenantField::PersonName, id, &name)?;
            let email = platform.open_text(TenantField::PersonEmail, id, &email)?;
            Ok(OfPlatform {
                id: UserId(id),
                name: name.parse().map_err(|_| Error::Unreadable("platform_people.name"))?,
                email: email.parse().map_err(|_| Error::Unreadable("platform_people.email"))?,
                state: state.parse().map_err(|_| Error::Unreadable("users.state"))?,
                second_factor,
            })
        })
        .collect()
}

/// Whether there is somebody of the platform of this id.
///
/// # Errors
/// Any [`Error`].
pub async fn is_of_platform(tx: &mut EngineTx, id: UserId) -> Result<bool, Error> {
    Ok(sqlx::query_scalar("select exists (select from users where id = $1 and tenant_id is null)")
        .bind(id)
        .fetch_one(tx.conn())
        .await?)
}

/// Deactivates somebody of the platform, or lets them sign in again. False if there is nobody of this id.
///
/// # Errors
/// Any [`Error`].
pub async fn settle_of_platform(
    tx: &mut EngineTx,
    id: UserId,
    active: bool,
) -> Result<bool, Error> {
    let done = sqlx::query(
        "update users set version = version + 1, updated_at = app_clock(),
             state = case when not $2 then 'deactivated' when password_hash is null then 'invited' else 'active' end
         where id = $1 and tenant_id is null",
    )
    .bind(id)
    .bind(active)
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}
