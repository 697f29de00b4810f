//! Making and changing locations.

use axum::extract::State;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use shared::appointment_types::{MOST_NAMES, key};
use shared::calls::rules::hours::Week;
use shared::ids::LocationId;
use shared::locations::{Location, MOST, MOST_ADDRESS, MOST_NAME, store};

use super::NOUN;
use super::view::LocationView;
use crate::app::{App, Begun};
use crate::appointments::name;
use crate::auth::{Allowed, EditTenant};
use crate::contacts::MOST_ZONE;
use crate::http::contract::Operation;
use crate::http::{
    Body, Created, Fields, IfMatch, Kind, Path, Post, Problem, Reply, Shown, Versioned, present,
};
use crate::tenant::tell_about;

/// A location as a client sends it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewLocation {
    /// What it is called; neither case nor accents tell two names apart.
    #[schemars(length(min = 1, max = MOST_NAME), example = "Main Office")]
    name: String,
    /// Where it is.
    #[schemars(length(min = 1, max = MOST_ADDRESS), example = "1 Elm Street")]
    address: Option<String>,
    /// Whose clock its hours go by; the tenant's unless given.
    #[schemars(length(max = MOST_ZONE))]
    zone: Option<String>,
    /// When it is open; not known unless given. A day that is null is closed, one that is absent is open from 08:00 to 20:00.
    hours: Option<Week>,
}

pub(super) const CREATE: Operation = Operation::new("createLocation", "Make a location")
    .says("Appointments name their location by its name: those that do so already are there from now on.")
    .fails(&[Kind::NameTaken, Kind::ListFull]);

/// Makes a location.
pub(super) async fn create(
    State(app): State<App>,
    by: Allowed<EditTenant>,
    Post { body, once }: Post<NewLocation>,
) -> Result<Reply<Versioned<Created<LocationView>>>, Problem> {
    let mut work = match app.change_once(&by, once).await? {
        Begun::Anew(work) => *work,
        Begun::Before(reply) => return Ok(reply),
    };
    work.lock_tenant().await?;
    let mut fields = Fields::default();
    let name = name(&mut fields, "name", &body.name, MOST_NAME);
    let zone = match body.zone.as_deref() {
        Some(raw) => crate::contacts::zone(&mut fields, raw),
        None => Some(work.tenant.zone),
    };
    let address = body.address.as_deref();
    let address = address.and_then(|raw| fields.text("address", raw, MOST_ADDRESS));
    check_hours(&mut fields, body.hours.as_ref());
    let made = name.zip(zone).map(|(name, zone)| {
        let new = Location::new(name, zone, work.now);
        Location { address, hours: body.hours, ..new }
    });
    let made = fields.finish(made)?;
    let all = store::list(&mut work.tx).await?;
    if all.len() >= MOST {
        return Err(crate::appointments::list_full(MOST));
    }
    refuse_taken_name(&all, &made)?;
    store::insert(&mut work.tx, &made).await?;
    let values = json!({ "after": audited(&made) });
    tell_about(&mut work, made.id.0, "location.created", "location.create", &values)?;
    let address = format!("/v1/locations/{}", made.id);
    let reply = Reply::created(address, &LocationView::new(&made))?.with_version(made.version);
    work.commit(&app, reply).await
}

/// What changes: a field that is absent stays, `null` clears one that may be empty.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "LocationPatch")]
pub(super) struct Patch {
    /// What it is called. Appointments that call it by a former name stay there.
    #[schemars(length(min = 1, max = MOST_NAME))]
    name: Option<String>,
    /// Where it is.
    #[serde(default, deserialize_with = "present")]
    #[schemars(length(min = 1, max = MOST_ADDRESS))]
    address: Option<Option<String>>,
    /// Whose clock its hours go by.
    #[schemars(length(max = MOST_ZONE))]
    zone: Option<String>,
    /// When it is open, the whole week anew.
    #[serde(default, deserialize_with = "present")]
    hours: Option<Option<Week>>,
    /// New appointments may be there.
    #[schemars(example = false)]
    active: Option<bool>,
}

impl Patch {
    fn apply(&self, to: &mut Location) -> Result<(), Problem> {
        let mut fields = Fields::default();
        if let Some(raw) = &self.name
            && let Some(name) = name(&mut fields, "name", raw, MOST_NAME)
        {
            to.rename(name);
            if to.names.len() > MOST_NAMES {
                fields.fault("name", "too_many_names", "it was called otherwise too often");
            }
        }
        if let Some(raw) = &self.address {
            let raw = raw.as_deref();
            to.address = raw.and_then(|raw| fields.text("address", raw, MOST_ADDRESS));
        }
        if let Some(raw) = &self.zone
            && let Some(zone) = crate::contacts::zone(&mut fields, raw)
        {
            to.zone = zone;
        }
        if let Some(hours) = &self.hours {
            check_hours(&mut fields, hours.as_ref());
            to.hours = *hours;
        }
        to.active = self.active.unwrap_or(to.active);
        fields.finish(Some(()))
    }
}

pub(super) const PATCH: Operation = Operation::new("changeLocation", "Change a location")
    .says("A field that is absent stays, `null` clears one that may be empty. Former names stay the location's own.")
    .fails(&[Kind::NameTaken]);

/// Changes a location.
pub(super) async fn patch(
    State(app): State<App>,
    by: Allowed<EditTenant>,
    Path(id): Path<LocationId>,
    version: IfMatch,
    Body(patch): Body<Patch>,
) -> Result<Reply<Versioned<Shown<LocationView>>>, Problem> {
    let mut work = app.change(&by).await?;
    work.lock_tenant().await?;
    let all = store::list(&mut work.tx).await?;
    let before = all.iter().find(|place| place.id == id).ok_or(Problem::NotFound(NOUN))?;
    version.check(before.version)?;
    let mut after = before.clone();
    patch.apply(&mut after)?;
    if after == *before {
        return Ok(Reply::ok(&LocationView::new(&after))?.with_version(after.version));
    }
    refuse_taken_name(&all, &after)?;
    after.version += 1;
    after.updated_at = work.now;
    store::update(&mut work.tx, &after).await?;
    let values = json!({ "before": audited(before), "after": audited(&after) });
    tell_about(&mut work, id.0, "location.changed", "location.change", &values)?;
    let reply = Reply::ok(&LocationView::new(&after))?.with_version(after.version);
    work.commit(&app, reply).await
}

/// Notes days that close before they open.
fn check_hours(fields: &mut Fields, hours: Option<&Week>) {
    let Some(week) = hours else { return };
    let days = [
        ("monday", week.monday),
        ("tuesday", week.tuesday),
        ("wednesday", week.wednesday),
        ("thursday", week.thursday),
        ("friday", week.friday),
        ("saturday", week.saturday),
        ("sunday", week.sunday),
    ];
    for (day, opening) in days {
        if opening.is_some_and(|opening| opening.closes <= opening.opens) {
            fields.fault(&format!("hours/{day}/closes"), "too_short", "must be after opening");
        }
    }
}

fn refuse_taken_name(all: &[Location], place: &Location) -> Result<(), Problem> {
    let name = key(&place.name);
    match all.iter().find(|other| other.id != place.id && other.names.contains(&name)) {
        None => Ok(()),
        Some(other) => Err(Problem::Conflict {
            kind: Kind::NameTaken,
            detail: "another location is called so, or was".to_owned(),
            more: Some(("id", other.id.to_string().into())),
        }),
    }
}

fn audited(of: &Location) -> Value {
    json!({
        "name": of.name.as_str(),
        "address": of.address,
        "zone": of.zone.name(),
        "hours": of.hours,
        "active": of.active,
    })
}
