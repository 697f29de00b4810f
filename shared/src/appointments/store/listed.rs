//! Finding the types and locations that texts mean.

use uuid::Uuid;

use crate::appointments::Appointment;
use crate::appointments::listed::{Listed, texts};
use crate::db::{Error, TenantTx};
use crate::ids::{AppointmentTypeId, LocationId};

/// What the texts of these appointments mean. One statement, and none if they have no texts.
///
/// # Errors
/// Any [`Error`].
pub async fn listed<'a>(
    tx: &mut TenantTx,
    of: impl Iterator<Item = &'a Appointment>,
) -> Result<Listed, Error> {
    let (types, locations) = texts(of);
    let mut listed = Listed::default();
    if types.is_empty() && locations.is_empty() {
        return Ok(listed);
    }
    let rows: Vec<(bool, Uuid, Vec<String>, bool)> = sqlx::query_as(
        "select true, id, names, sensitive from appointment_types where names && $1
         union all select false, id, names, false from locations where names && $2",
    )
    .bind(&types)
    .bind(&locations)
    .fetch_all(tx.conn())
    .await?;
    for (is_type, id, names, sensitive) in rows {
        for name in names {
            if is_type {
                listed.add_type(name, AppointmentTypeId(id), sensitive);
            } else {
                listed.add_location(name, LocationId(id));
            }
        }
    }
    Ok(listed)
}
