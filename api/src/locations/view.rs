//! Reading locations.

use axum::extract::State;
use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;
use shared::calls::rules::hours::Week;
use shared::ids::LocationId;
use shared::locations::{Location, store};

use super::NOUN;
use crate::app::App;
use crate::auth::{Allowed, ReadTenant};
use crate::http::contract::Operation;
use crate::http::{PageView, Path, Problem, Reply, Shown, Versioned};

/// A location as the tenant's people see it.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Location")]
pub(super) struct LocationView {
    id: LocationId,
    #[schemars(example = "Main Office")]
    name: String,
    /// Where it is.
    #[schemars(example = "1 Elm Street")]
    address: Option<String>,
    /// Whose clock its hours go by: a name of the tz database.
    #[schemars(example = "Europe/London")]
    zone: &'static str,
    /// When it is open; null: not known. A day that is null is closed.
    hours: Option<Week>,
    /// New appointments may be there.
    active: bool,
    /// The version, as in `ETag`.
    version: i32,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl LocationView {
    pub(super) fn new(of: &Location) -> Self {
        Self {
            id: of.id,
            name: of.name.as_str().to_owned(),
            address: of.address.clone(),
            zone: of.zone.name(),
            hours: of.hours,
            active: of.active,
            version: of.version,
            created_at: of.created_at,
            updated_at: of.updated_at,
        }
    }
}

pub(super) const LIST: Operation = Operation::new("listLocations", "List locations")
    .says("All of them on one page, by name; those that are not active too.");

/// Lists the locations, by name.
pub(super) async fn list(
    State(app): State<App>,
    by: Allowed<ReadTenant>,
) -> Result<Reply<Shown<PageView<LocationView>>>, Problem> {
    let mut tx = app.look(&by).await?;
    let items = store::list(&mut tx).await?.iter().map(LocationView::new).collect();
    Reply::ok(&PageView { items, next: None })
}

pub(super) const FIND: Operation = Operation::new("readLocation", "Show a location");

/// Shows one location.
pub(super) async fn find(
    State(app): State<App>,
    by: Allowed<ReadTenant>,
    Path(id): Path<LocationId>,
) -> Result<Reply<Versioned<Shown<LocationView>>>, Problem> {
    let mut tx = app.look(&by).await?;
    let found = store::find(&mut tx, id).await?.ok_or(Problem::NotFound(NOUN))?;
    Ok(Reply::ok(&LocationView::new(&found))?.with_version(found.version))
}
