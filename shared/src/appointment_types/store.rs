//! SQL of appointment types.

use chrono::{DateTime, Utc};

use super::AppointmentType;
use crate::appointments::Label;
use crate::db::{Error, TenantTx};
use crate::ids::AppointmentTypeId;

#[derive(sqlx::FromRow)]
struct Row {
    id: AppointmentTypeId,
    name: String,
    names: Vec<String>,
    spoken_name: Option<String>,
    sensitive: bool,
    duration_minutes: Option<i32>,
    active: bool,
    version: i32,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

/// All types, by name.
///
/// # Errors
/// Any [`Error`].
pub async fn list(tx: &mut TenantTx) -> Result<Vec<AppointmentType>, Error> {
    let rows: Vec<Row> = sqlx::query_as(
        "select id, name, names, spoken_name, sensitive, duration_minutes, active, version, created_at, updated_at
         from appointment_types order by names[1], id",
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter().map(read).collect()
}

/// One type. Whoever changes it holds the tenant's lock.
///
/// # Errors
/// Any [`Error`].
pub async fn find(
    tx: &mut TenantTx,
    id: AppointmentTypeId,
) -> Result<Option<AppointmentType>, Error> {
    Ok(list(tx).await?.into_iter().find(|kind| kind.id == id))
}

/// Stores a new type, under the tenant's lock.
///
/// # Errors
/// Any [`Error`].
pub async fn insert(tx: &mut TenantTx, kind: &AppointmentType) -> Result<(), Error> {
    sqlx::query(
        "insert into appointment_types (tenant_id, id, name, names, spoken_name, sensitive, duration_minutes, active, version,
             created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    )
    .bind(tx.tenant())
    .bind(kind.id)
    .bind(kind.name.as_str())
    .bind(&kind.names)
    .bind(kind.spoken_name.as_ref().map(Label::as_str))
    .bind(kind.sensitive)
    .bind(kind.duration_minutes.map(i32::from))
    .bind(kind.active)
    .bind(kind.version)
    .bind(kind.created_at)
    .bind(kind.updated_at)
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Stores a changed type, under the tenant's lock.
///
/// # Errors
/// Any [`Error`].
pub async fn update(tx: &mut TenantTx, kind: &AppointmentType) -> Result<(), Error> {
    sqlx::query(
        "update appointment_types set name = $2, names = $3, spoken_name = $4, sensitive = $5, duration_minutes = $6,
             active = $7, version = $8, updated_at = $9
         where id = $1",
    )
    .bind(kind.id)
    .bind(kind.name.as_str())
    .bind(&kind.names)
    .bind(kind.spoken_name.as_ref().map(Label::as_str))
    .bind(kind.sensitive)
    .bind(kind.duration_minutes.map(i32::from))
    .bind(kind.active)
    .bind(kind.version)
    .bind(kind.updated_at)
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// What the voice may say of an appointment of this type: nothing, unless the type is listed, not sensitive, and has a spoken
/// name.
///
/// # Errors
/// Any [`Error`].
pub async fn spoken_name(tx: &mut TenantTx, kind: &Label) -> Result<Option<String>, Error> {
    Ok(sqlx::query_scalar(
        "select spoken_name from appointment_types where names @> array[$1] and not sensitive and spoken_name is not null
         order by names[1] = $1 desc limit 1",
    )
    .bind(super::key(kind))
    .fetch_optional(tx.conn())
    .await?)
}

/// All names, folded, of the sensitive types.
///
/// # Errors
/// Any [`Error`].
pub async fn sensitive_names(tx: &mut TenantTx) -> Result<Vec<String>, Error> {
    Ok(sqlx::query_scalar("select distinct unnest(names) from appointment_types where sensitive")
        .fetch_all(tx.conn())
        .await?)
}

fn read(row: Row) -> Result<AppointmentType, Error> {
    let minutes = row.duration_minutes.map(u16::try_from).transpose();
    Ok(AppointmentType {
        id: row.id,
        name: Label::stored(row.name),
        names: row.names,
        spoken_name: row.spoken_name.map(Label::stored),
        sensitive: row.sensitive,
        duration_minutes: minutes
            .map_err(|_| Error::Unreadable("appointment_types.duration_minutes"))?,
        active: row.active,
        version: row.version,
        created_at: row.created_at,
        updated_at: row.updated_at,
    })
}
