//! SQL of sealing with a new key what a tenant's key seals: its contacts' keys, and its own values.

use uuid::Uuid;

use super::{Left, Place};
use crate::book;
use crate::crypto::{CryptoError, TenantField, TenantKeys};
use crate::db::{Error, TenantTx};
use crate::rotation::RotationError;

/// So many rows at a time; they are locked meanwhile.
const BATCH: i64 = 200;

/// A table with values that are sealed under the tenant's key itself, in one or two columns.
struct Table {
    name: &'static str,
    select: &'static str,
    update: &'static str,
    fields: [TenantField; 2],
    then: &'static str,
}

/// In this order. Not among them: `idempotency_keys` (gone after a day), `audit_entries` (never changed) and search blocks
/// (made anew). An old key opens them.
const TABLES: [Table; 8] = [
    Table {
        name: "do_not_call",
        select: "select id, number, reason_sealed from do_not_call where id > $1 order by id limit $2 for no key update",
        update: "update do_not_call set number = $2, reason_sealed = $3 where id = $1",
        fields: [TenantField::DoNotCallNumber, TenantField::DoNotCallReason],
        then: "users",
    },
    Table {
        name: "users",
        select: "select id, name, email from users where id > $1 order by id limit $2 for no key update",
        update: "update users set name = $2, email = $3 where id = $1",
        fields: [TenantField::PersonName, TenantField::PersonEmail],
        then: "visits",
    },
    Table {
        name: "visits",
        select: "select id, reason, null::bytea from visits where id > $1 order by id limit $2 for no key update",
        update: "update visits set reason = $2 where id = $1 and $3::bytea is null",
        fields: [TenantField::VisitReason, TenantField::VisitReason],
        then: "legal_holds",
    },
    Table {
        name: "legal_holds",
        select: "select id, reason, null::bytea from legal_holds where id > $1 order by id limit $2 for no key update",
        update: "update legal_holds set reason = $2 where id = $1 and $3::bytea is null",
        fields: [TenantField::HoldReason, TenantField::HoldReason],
        then: "contact_views",
    },
    Table {
        name: "contact_views",
        select: "select id, sealed, null::bytea from contact_views where id > $1 order by id limit $2 for no key update",
        update: "update contact_views set sealed = $2 where id = $1 and $3::bytea is null",
        fields: [TenantField::SavedView, TenantField::SavedView],
        then: "jobs",
    },
    Table {
        name: "jobs",
        select: "select id, params, null::bytea from jobs where id > $1 order by id limit $2 for no key update",
        update: "update jobs set params = $2 where id = $1 and $3::bytea is null",
        fields: [TenantField::JobParams, TenantField::JobParams],
        then: "imports",
    },
    Table {
        // The key of a file, and not the file, which may be large.
        name: "imports",
        select: "select id, key_wrapped, null::bytea from imports where id > $1 order by id limit $2 for no key update",
        update: "update imports set key_wrapped = $2 where id = $1 and $3::bytea is null",
        fields: [TenantField::ImportFile, TenantField::ImportFile],
        then: "import_templates",
    },
    Table {
        name: "import_templates",
        select: "select id, sealed, null::bytea from import_templates where id > $1 order by id limit $2 for no key update",
        update: "update import_templates set sealed = $2 where id = $1 and $3::bytea is null",
        fields: [TenantField::ImportTemplate, TenantField::ImportTemplate],
        then: "retire",
    },
];

/// A row's id, and its two columns.
type Two = (Uuid, Option<Vec<u8>>, Option<Vec<u8>>);

pub(super) async fn batch(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    place: &Place,
) -> Result<Left, RotationError> {
    if place.phase == "contacts" {
        return of_contacts(tx, keys, place.after).await;
    }
    match TABLES.iter().find(|table| table.name == place.phase) {
        Some(table) => of_table(tx, keys, table, place.after).await,
        None => retire(tx, place).await,
    }
}

async fn of_contacts(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    after: Uuid,
) -> Result<Left, RotationError> {
    let broken = RotationError::in_table("contacts");
    let rows: Vec<(Uuid, Vec<u8>)> = sqlx::query_as(
        "select id, key_wrapped from contacts where id > $1 and key_wrapped is not null order by id limit $2
         for no key update",
    )
    .bind(after)
    .bind(BATCH)
    .fetch_all(tx.conn())
    .await
    .map_err(Error::from)?;
    let Some(last) = rows.last().map(|row| row.0) else { return Ok(Left::Next("do_not_call")) };
    let (mut ids, mut wrapped) = (Vec::new(), Vec::new());
    for (id, old) in &rows {
        if !keys.is_current(old).map_err(&broken)? {
            let key = keys.unwrap_contact_key(*id, old).map_err(&broken)?;
            ids.push(*id);
            wrapped.push(keys.wrap_contact_key(&key).map_err(&broken)?.into_bytes());
        }
    }
    sqlx::query(
        "update contacts c set key_wrapped = n.wrapped from unnest($1::uuid[], $2::bytea[]) n (id, wrapped)
         where c.id = n.id and c.tenant_id = tid()",
    )
    .bind(ids)
    .bind(wrapped)
    .execute(tx.conn())
    .await
    .map_err(Error::from)?;
    Ok(Left::After(last, rows.len() as u64))
}

async fn of_table(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    table: &Table,
    after: Uuid,
) -> Result<Left, RotationError> {
    let broken = RotationError::in_table(table.name);
    let rows: Vec<Two> = sqlx::query_as(table.select)
        .bind(after)
        .bind(BATCH)
        .fetch_all(tx.conn())
        .await
        .map_err(Error::from)?;
    let Some(last) = rows.last().map(|row| row.0) else { return Ok(Left::Next(table.then)) };
    for (id, one, two) in &rows {
        let anew = |field, sealed: &Option<Vec<u8>>| anew(keys, field, *id, sealed.as_deref());
        sqlx::query(table.update)
            .bind(id)
            .bind(anew(table.fields[0], one).map_err(&broken)?)
            .bind(anew(table.fields[1], two).map_err(&broken)?)
            .execute(tx.conn())
            .await
            .map_err(Error::from)?;
    }
    Ok(Left::After(last, rows.len() as u64))
}

fn anew(
    keys: &TenantKeys,
    field: TenantField,
    id: Uuid,
    sealed: Option<&[u8]>,
) -> Result<Option<Vec<u8>>, CryptoError> {
    match sealed {
        Some(sealed) if !keys.is_current(sealed)? => {
            let plain = keys.open(field, id, sealed)?;
            Ok(Some(keys.seal(field, id, &plain)?.into_bytes()))
        }
        sealed => Ok(sealed.map(<[u8]>::to_vec)),
    }
}

/// The old key wraps nobody's key any more. It stays, to open entries of the audit chain; if a row slipped by, the pass is
/// made again.
async fn retire(tx: &mut TenantTx, place: &Place) -> Result<Left, RotationError> {
    let left: bool = sqlx::query_scalar(
        "select exists (select from contacts
             where key_wrapped is not null and substring(key_wrapped from 2 for 4) <> int4send($1))
         or exists (select from do_not_call where substring(number from 2 for 4) <> int4send($1))",
    )
    .bind(place.key_id)
    .fetch_one(tx.conn())
    .await
    .map_err(Error::from)?;
    if left {
        return Ok(Left::Next("contacts"));
    }
    sqlx::query(
        "update tenant_keys set retired_at = clock_timestamp()
         where purpose = 'field' and key_id <> $1 and retired_at is null",
    )
    .bind(place.key_id)
    .execute(tx.conn())
    .await
    .map_err(Error::from)?;
    // Made anew by whoever searches next, under the new key.
    book::store::forget(tx).await?;
    Ok(Left::Done)
}
