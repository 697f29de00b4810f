//! SQL of locations.

use chrono::{DateTime, Utc};
use sqlx::types::Json;

use super::Location;
use crate::appointments::Label;
use crate::calls::rules::hours::Week;
use crate::db::{Error, TenantTx};
use crate::ids::LocationId;

#[derive(sqlx::FromRow)]
struct Row {
    id: LocationId,
    name: String,
    names: Vec<String>,
    address: Option<String>,
    zone: String,
    hours: Option<Json<Week>>,
    active: bool,
    version: i32,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

/// All locations, by name.
///
/// # Errors
/// Any [`Error`].
pub async fn list(tx: &mut TenantTx) -> Result<Vec<Location>, Error> {
    let rows: Vec<Row> = sqlx::query_as(
        "select id, name, names, address, zone, hours, active, version, created_at, updated_at
         from locations order by names[1], id",
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter().map(read).collect()
}

/// One location. Whoever changes it holds the tenant's lock.
///
/// # Errors
/// Any [`Error`].
pub async fn find(tx: &mut TenantTx, id: LocationId) -> Result<Option<Location>, Error> {
    Ok(list(tx).await?.into_iter().find(|place| place.id == id))
}

/// Stores a new location, under the tenant's lock.
///
/// # Errors
/// Any [`Error`].
pub async fn insert(tx: &mut TenantTx, place: &Location) -> Result<(), Error> {
    sqlx::query(
        "insert into locations (tenant_id, id, name, names, address, zone, hours, active, version, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    )
    .bind(tx.tenant())
    .bind(place.id)
    .bind(place.name.as_str())
    .bind(&place.names)
    .bind(&place.address)
    .bind(place.zone.name())
    .bind(place.hours.map(Json))
    .bind(place.active)
    .bind(place.version)
    .bind(place.created_at)
    .bind(place.updated_at)
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Stores a changed location, under the tenant's lock.
///
/// # Errors
/// Any [`Error`].
pub async fn update(tx: &mut TenantTx, place: &Location) -> Result<(), Error> {
    sqlx::query(
        "update locations set name = $2, names = $3, address = $4, zone = $5, hours = $6, active = $7, version = $8,
             updated_at = $9
         where id = $1",
    )
    .bind(place.id)
    .bind(place.name.as_str())
    .bind(&place.names)
    .bind(&place.address)
    .bind(place.zone.name())
    .bind(place.hours.map(Json))
    .bind(place.active)
    .bind(place.version)
    .bind(place.updated_at)
    .execute(tx.conn())
    .await?;
    Ok(())
}

fn read(row: Row) -> Result<Location, Error> {
    Ok(Location {
        id: row.id,
        name: Label::stored(row.name),
        names: row.names,
        address: row.address,
        zone: row.zone.parse().map_err(|_| Error::Unreadable("locations.zone"))?,
        hours: row.hours.map(|hours| hours.0),
        active: row.active,
        version: row.version,
        created_at: row.created_at,
        updated_at: row.updated_at,
    })
}
