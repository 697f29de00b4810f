//! Dates on which nobody is called.

use axum::extract::State;
use chrono::{Datelike, NaiveDate};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use shared::screening::Place;
use shared::tenants::closed_dates::{self, ClosedDate, YEARS};

use super::tell;
use crate::app::{App, Begun};
use crate::auth::{Allowed, EditTenant, ReadTenant};
use crate::http::contract::Operation;
use crate::http::{Body, Empty, Fields, PageView, Path, Post, Problem, Reply, Shown};
use crate::phi::Asked;
use crate::planning::{self, Planned};

const MOST_NAME: usize = 120;
const NOUN: &str = "closed date";

/// A closed date as it is shown.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ClosedDate")]
pub(super) struct DateView {
    /// The date, by the tenant's calendar.
    date: NaiveDate,
    /// What it is called.
    #[schemars(example = "Christmas Day")]
    name: String,
}

fn view(closed: ClosedDate) -> DateView {
    DateView { date: closed.date, name: closed.name }
}

pub(super) const LIST: Operation = Operation::new("listClosedDates", "List closed dates")
    .says("All of them on one page, in order.");

/// Lists the closed dates, in order.
pub(super) async fn list(
    State(app): State<App>,
    by: Allowed<ReadTenant>,
) -> Result<Reply<Shown<PageView<DateView>>>, Problem> {
    let mut tx = app.look(&by).await?;
    let items = closed_dates::list(&mut tx).await?.into_iter().map(view).collect();
    Reply::ok(&PageView { items, next: None })
}

/// What a closed date is called.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ClosedDateName")]
pub(super) struct Named {
    /// For people.
    #[schemars(length(min = 1, max = MOST_NAME), example = "Christmas Day")]
    name: String,
    /// What was found in `name` stands there knowingly.
    #[serde(default)]
    acknowledge_phi: bool,
}

pub(super) const PUT: Operation = Operation::new("putClosedDate", "Close a date")
    .says("Nobody is called on it. A date that is closed already is renamed.");

/// Closes a date, or renames one that is closed.
pub(super) async fn put(
    State(app): State<App>,
    by: Allowed<EditTenant>,
    Path(date): Path<NaiveDate>,
    Body(body): Body<Named>,
) -> Result<Reply<Shown<DateView>>, Problem> {
    let mut work = app.change(&by).await?;
    work.lock_tenant().await?;
    let mut fields = Fields::default();
    if !YEARS.contains(&date.year()) {
        let (first, last) = (YEARS.start(), YEARS.end());
        fields.fault("date", "out_of_range", format!("must be of a year from {first} to {last}"));
    }
    let asked = Asked { place: Place::ClosedDateName, field: "name", raw: &body.name };
    let named = closed_dates::list(&mut work.tx).await?;
    let name = fields.text(asked.field, asked.raw, MOST_NAME).filter(|name| {
        let kept = named.iter().any(|closed| closed.date == date && closed.name == *name);
        asked.may_stand(&mut fields, kept, body.acknowledge_phi)
    });
    let closed = ClosedDate { date, name: fields.finish_in(&mut work, name)? };
    closed_dates::put(&mut work.tx, &closed).await?;
    let values = json!({ "date": closed.date, "name": closed.name });
    tell(&mut work, "tenant.changed", "closed_date.put", &values)?;
    let reply = Reply::ok(&view(closed))?;
    work.commit(&app, reply).await
}

pub(super) const REMOVE: Operation = Operation::new("removeClosedDate", "Open a date again");

/// Opens a date again.
pub(super) async fn remove(
    State(app): State<App>,
    by: Allowed<EditTenant>,
    Path(date): Path<NaiveDate>,
) -> Result<Reply<Empty>, Problem> {
    let mut work = app.change(&by).await?;
    work.lock_tenant().await?;
    if !closed_dates::remove(&mut work.tx, date).await? {
        return Err(Problem::NotFound(NOUN));
    }
    tell(&mut work, "tenant.changed", "closed_date.remove", &json!({ "date": date }))?;
    planning::tell(&mut work, Planned::TenantChanged).await?;
    work.commit(&app, Reply::empty()).await
}

/// Of which year.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PresetYear")]
pub(super) struct Year {
    /// The year.
    #[schemars(range(min = 2000, max = 2199), example = 2027)]
    year: i64,
}

pub(super) const PRESET: Operation =
    Operation::new("closeBankHolidays", "Close the UK bank holidays of a year").says(
        "Those of England and Wales, substitute days included. Dates that are closed already keep their names; the \
         answer has those that were added.",
    );

/// Closes the bank holidays of England and Wales in a year. Dates that are closed already keep their names.
pub(super) async fn bank_holidays(
    State(app): State<App>,
    by: Allowed<EditTenant>,
    Post { body, once }: Post<Year>,
) -> Result<Reply<Shown<PageView<DateView>>>, Problem> {
    let mut work = match app.change_once(&by, once).await? {
        Begun::Anew(work) => *work,
        Begun::Before(reply) => return Ok(reply),
    };
    work.lock_tenant().await?;
    let year = i32::try_from(body.year).ok().filter(|year| YEARS.contains(year));
    let year = year.ok_or_else(|| {
        let detail = format!("must be from {} to {}", YEARS.start(), YEARS.end());
        Problem::field("/year", "out_of_range", detail)
    })?;
    let closed = closed_dates::list(&mut work.tx).await?;
    let is_open = |holiday: &ClosedDate| closed.iter().all(|c| c.date != holiday.date);
    let added: Vec<ClosedDate> =
        closed_dates::bank_holidays(year).into_iter().filter(is_open).collect();
    for holiday in &added {
        closed_dates::put(&mut work.tx, holiday).await?;
    }
    let items: Vec<DateView> = added.into_iter().map(view).collect();
    if !items.is_empty() {
        let dates: Vec<_> = items.iter().map(|item| item.date).collect();
        let values = json!({ "preset": "uk-bank-holidays", "added": dates });
        tell(&mut work, "tenant.changed", "closed_date.preset", &values)?;
    }
    work.commit(&app, Reply::ok(&PageView { items, next: None })?).await
}
