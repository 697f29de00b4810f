//! SQL of templates: name, mapping and choices are sealed together.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::crypto::{CryptoError, Sealed, TenantField, TenantKeys};
use crate::db::{Error, TenantTx};
use crate::ids::ImportTemplateId;
use crate::imports::{MOST_TEMPLATES, Options, Template};
use crate::tenants::KeyError;

/// What is sealed of a template.
#[derive(Serialize, Deserialize)]
struct Words {
    name: String,
    options: Options,
}

type Row = (ImportTemplateId, Vec<u8>, i64, Option<DateTime<Utc>>, String, DateTime<Utc>);

fn open(keys: &TenantKeys, row: Row) -> Result<Template, KeyError> {
    let (id, sealed, used, used_at, created_by, created_at) = row;
    let words = keys.open(TenantField::ImportTemplate, id.0, &sealed)?;
    let Words { name, options } =
        serde_json::from_slice(&words).map_err(|_| Error::Unreadable("import_templates.sealed"))?;
    let used = used.unsigned_abs();
    Ok(Template { id, name, options, used, used_at, created_by, created_at })
}

fn seal(keys: &TenantKeys, of: &Template) -> Result<Sealed, CryptoError> {
    let words = serde_json::json!({ "name": of.name, "options": of.options });
    let words = Zeroizing::new(words.to_string());
    keys.seal(TenantField::ImportTemplate, of.id.0, words.as_bytes())
}

/// Stores a new template. False, and nothing stored, if the tenant has [`MOST_TEMPLATES`].
///
/// # Errors
/// Any [`KeyError`].
pub async fn insert(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    template: &Template,
) -> Result<bool, KeyError> {
    // Two at once would each see room for one.
    sqlx::query("select pg_advisory_xact_lock(hashtextextended(tid() || '/import_templates', 11))")
        .execute(tx.conn())
        .await
        .map_err(Error::from)?;
    let done = sqlx::query(
        "insert into import_templates (tenant_id, id, sealed, created_by, created_at)
         select tid(), $1, $2, $3, $4 where (select count(*) from import_templates) < $5",
    )
    .bind(template.id)
    .bind(seal(keys, template)?)
    .bind(&template.created_by)
    .bind(template.created_at)
    .bind(MOST_TEMPLATES)
    .execute(tx.conn())
    .await
    .map_err(Error::from)?;
    Ok(done.rows_affected() == 1)
}

/// The tenant's templates: what is used most comes first, then what was used last, then what is newest.
///
/// # Errors
/// Any [`KeyError`].
pub async fn list(tx: &mut TenantTx, keys: &TenantKeys) -> Result<Vec<Template>, KeyError> {
    let rows: Vec<Row> = sqlx::query_as(
        "select id, sealed, used, used_at, created_by, created_at from import_templates
         order by used desc, used_at desc nulls last, created_at desc, id desc",
    )
    .fetch_all(tx.conn())
    .await
    .map_err(Error::from)?;
    rows.into_iter().map(|row| open(keys, row)).collect()
}

/// Counts that a file was read by a template. False if there is none.
///
/// # Errors
/// Any [`Error`].
pub async fn used(tx: &mut TenantTx, id: ImportTemplateId) -> Result<bool, Error> {
    let done = sqlx::query(
        "update import_templates set used = used + 1, used_at = app_clock() where id = $1",
    )
    .bind(id)
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Deletes a template. False if there is none.
///
/// # Errors
/// Any [`Error`].
pub async fn delete(tx: &mut TenantTx, id: ImportTemplateId) -> Result<bool, Error> {
    let done = sqlx::query("delete from import_templates where id = $1")
        .bind(id)
        .execute(tx.conn())
        .await?;
    Ok(done.rows_affected() == 1)
}
