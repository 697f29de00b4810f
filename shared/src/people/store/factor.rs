//! SQL of second factors.

use crate::crypto::Sealed;
use crate::db::{EngineTx, Error, TenantTx};
use crate::ids::UserId;
use crate::people::secret::{RecoveryCode, SecretHash};

/// Stores a secret that is not asked for before it is confirmed. False if one is confirmed already.
///
/// # Errors
/// Any [`Error`].
pub async fn propose(tx: &mut EngineTx, user: UserId, sealed: &Sealed) -> Result<bool, Error> {
    let done =
        sqlx::query("update users set totp = $2 where id = $1 and totp_confirmed_at is null")
            .bind(user)
            .bind(sealed.as_bytes())
            .execute(tx.conn())
            .await?;
    Ok(done.rows_affected() == 1)
}

/// Asks for the proposed second factor from now on, a code of it having been shown. False if there is none to confirm.
///
/// # Errors
/// Any [`Error`].
pub async fn confirm(tx: &mut EngineTx, user: UserId, step: i64) -> Result<bool, Error> {
    let done = sqlx::query(
        "update users set totp_confirmed_at = app_clock(), totp_step = $2, version = version + 1, updated_at = app_clock()
         where id = $1 and totp is not null and totp_confirmed_at is null",
    )
    .bind(user)
    .bind(step)
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Notes that the code of a time step was used. False if it, or a later one, was used before: by the same statement, so that
/// of two requests with one code only one succeeds.
///
/// # Errors
/// Any [`Error`].
pub async fn use_step(tx: &mut EngineTx, user: UserId, step: i64) -> Result<bool, Error> {
    let done = sqlx::query(
        "update users set totp_step = $2 where id = $1 and totp_step < $2 and totp_confirmed_at is not null",
    )
    .bind(user)
    .bind(step)
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Replaces the recovery codes.
///
/// # Errors
/// Any [`Error`].
pub async fn set_recovery_codes(
    tx: &mut EngineTx,
    user: UserId,
    codes: &[RecoveryCode],
) -> Result<(), Error> {
    sqlx::query("delete from recovery_codes where user_id = $1")
        .bind(user)
        .execute(tx.conn())
        .await?;
    let hashes: Vec<Vec<u8>> = codes.iter().map(|code| code.hash().to_vec()).collect();
    sqlx::query("insert into recovery_codes (user_id, hash) select $1, unnest($2::bytea[])")
        .bind(user)
        .bind(hashes)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Uses a recovery code up. False if it is none of the user's, or was used before.
///
/// # Errors
/// Any [`Error`].
pub async fn use_recovery_code(
    tx: &mut EngineTx,
    user: UserId,
    hash: &SecretHash,
) -> Result<bool, Error> {
    let done = sqlx::query(
        "update recovery_codes set used_at = app_clock() where user_id = $1 and hash = $2 and used_at is null",
    )
    .bind(user)
    .bind(hash.to_vec())
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// How many recovery codes are left.
///
/// # Errors
/// Any [`Error`].
pub async fn recovery_codes_left(tx: &mut EngineTx, user: UserId) -> Result<i64, Error> {
    Ok(sqlx::query_scalar(
        "select count(*) from recovery_codes where user_id = $1 and used_at is null",
    )
    .bind(user)
    .fetch_one(tx.conn())
    .await?)
}

/// Takes the second factor off, at its user's wish. The step stays, so that an old code never works again.
///
/// # Errors
/// Any [`Error`].
pub async fn remove(tx: &mut EngineTx, user: UserId) -> Result<(), Error> {
    sqlx::query(
        "update users set totp = null, totp_confirmed_at = null, version = version + 1, updated_at = app_clock()
         where id = $1",
    )
    .bind(user)
    .execute(tx.conn())
    .await?;
    sqlx::query("delete from recovery_codes where user_id = $1")
        .bind(user)
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Takes the second factor off somebody of the tenant who lost it. False if there was none.
///
/// # Errors
/// Any [`Error`].
pub async fn remove_lost(tx: &mut TenantTx, user: UserId) -> Result<bool, Error> {
    let done = sqlx::query(
        "update users set totp = null, totp_confirmed_at = null, version = version + 1, updated_at = app_clock()
         where id = $1 and totp_confirmed_at is not null",
    )
    .bind(user)
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}
