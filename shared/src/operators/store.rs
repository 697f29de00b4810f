//! SQL of the operators' record.

pub(super) mod accounts;
pub(super) mod keys;
pub(super) mod tenants;

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::types::Json;
use uuid::Uuid;

use super::Act;
use crate::db::{Db, EngineTx, Error};

/// Adds an act to the record, in the transaction that does it. Call it last: others wait until it ends.
///
/// # Errors
/// Any [`Error`].
pub async fn note(
    tx: &mut EngineTx,
    operator: &str,
    action: &str,
    entity: Option<Uuid>,
    detail: &Value,
) -> Result<(), Error> {
    sqlx::query("select append_operator_act($1, $2, $3, $4)")
        .bind(operator)
        .bind(action)
        .bind(entity)
        .bind(Json(detail))
        .execute(tx.conn())
        .await?;
    Ok(())
}

type Row = (i64, DateTime<Utc>, String, String, Option<Uuid>, Json<Value>, bool);

/// The last acts, newest first, each with whether the chain agrees with it.
///
/// # Errors
/// Any [`Error`].
pub async fn last(db: &Db, most: i64) -> Result<Vec<Act>, Error> {
    let rows: Vec<Row> = sqlx::query_as(
        "select n, at, operator, action, entity, detail, \
             row_hash = sha256(convert_to(concat_ws('|', 'operator', n, (extract(epoch from at) * 1000000)::bigint, operator, \
                 action, entity, detail::text), 'UTF8')) \
             and chain_hash = sha256(coalesce((select b.chain_hash from operator_acts b where b.n = o.n - 1), ''::bytea) || row_hash) \
         from operator_acts o order by n desc limit $1",
    )
    .bind(most)
    .fetch_all(db.engine_pool())
    .await?;
    let act = |(n, at, operator, action, entity, detail, intact): Row| Act {
        n,
        at,
        operator,
        action,
        entity,
        detail: detail.0,
        intact,
    };
    Ok(rows.into_iter().map(act).collect())
}
