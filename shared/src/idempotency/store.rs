//! SQL of idempotency keys.

use chrono::{DateTime, Utc};
use sqlx::types::Json;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{KEEP, Kept, Request, Turn};
use crate::crypto::{TenantField, TenantKeys};
use crate::db::{Error, TenantTx};
use crate::tenants::KeyError;

/// Stands where releases before kept the hash of what was asked, in clear: that is sealed now, before the answer. They take
/// such a row for another request's, and refuse it rather than do it twice.
const SEALED_WITH_THE_ANSWER: [u8; 32] = [0; 32];

/// A place for the sealed body: the first half of the key's hash, since the row has no id.
fn entity(request: &Request) -> Uuid {
    let half = request.key_hash.first_chunk().expect("32 bytes have a first 16");
    Uuid::from_bytes(*half)
}

/// Takes the key for this transaction, or says who has it.
///
/// # Errors
/// Any [`KeyError`].
pub async fn begin(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    request: &Request,
    now: DateTime<Utc>,
) -> Result<Turn, KeyError> {
    // Tried, never waited for: so it stands outside the order of locks.
    let free: bool =
        sqlx::query_scalar("select pg_try_advisory_xact_lock(hashtextextended($1, 7))")
            .bind(format!("{}/{}", tx.tenant(), hex::encode(request.key_hash)))
            .fetch_one(tx.conn())
            .await
            .map_err(Error::from)?;
    if !free {
        return Ok(Turn::UnderWay);
    }
    type Row = (Vec<u8>, i32, Vec<u8>, Json<Vec<(String, String)>>, DateTime<Utc>);
    let row: Option<Row> = sqlx::query_as(
        "select request_hash, status, body, headers, created_at from idempotency_keys
         where key_hash = $1 and status is not null and body is not null",
    )
    .bind(request.key_hash.to_vec())
    .fetch_optional(tx.conn())
    .await
    .map_err(Error::from)?;
    let Some((request_hash, status, body, headers, at)) = row else { return Ok(Turn::First) };
    if at <= now - KEEP {
        return Ok(Turn::First);
    }
    let opened = keys.open(TenantField::IdempotentResponse, entity(request), &body)?;
    let (asked, body) = if request_hash == SEALED_WITH_THE_ANSWER {
        opened.split_at_checked(32).ok_or(Error::Unreadable("idempotency_keys.body"))?
    } else {
        (request_hash.as_slice(), opened.as_slice())
    };
    if asked != request.request_hash {
        return Ok(Turn::OtherRequest);
    }
    let status = status.try_into().map_err(|_| Error::Unreadable("idempotency_keys.status"))?;
    Ok(Turn::Done(Kept { status, headers: headers.0, body: body.to_vec() }))
}

/// Keeps the result of a request whose turn was [`Turn::First`], in the same transaction.
///
/// # Errors
/// Any [`KeyError`].
pub async fn keep(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    request: &Request,
    result: &Kept,
    now: DateTime<Utc>,
) -> Result<(), KeyError> {
    let answer = Zeroizing::new([&request.request_hash[..], &result.body].concat());
    let body = keys.seal(TenantField::IdempotentResponse, entity(request), &answer)?;
    sqlx::query(
        "insert into idempotency_keys (tenant_id, key_hash, request_hash, status, body, headers, created_at)
         values ($1, $2, $3, $4, $5, $6, $7)
         on conflict (tenant_id, key_hash) do update set request_hash = excluded.request_hash,
             status = excluded.status, body = excluded.body, headers = excluded.headers,
             created_at = excluded.created_at",
    )
    .bind(tx.tenant())
    .bind(request.key_hash.to_vec())
    .bind(SEALED_WITH_THE_ANSWER.to_vec())
    .bind(i32::from(result.status))
    .bind(body)
    .bind(Json(&result.headers))
    .bind(now)
    .execute(tx.conn())
    .await
    .map_err(Error::from)?;
    Ok(())
}
