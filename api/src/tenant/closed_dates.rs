//! Dates on which nobody is called.

use axum::extract::State;
use chrono::{Datelike, NaiveDate};
use serde::{Deserialize, Serialize};
use serde_json::json;
use shared::tenants::closed_dates::{self, ClosedDate, YEARS};

use super::tell;
use crate::app::{App, Begun};
use crate::auth::{Allowed, EditTenant, ReadTenant};
use crate::http::{Body, Fields, PageView, Path, Post, Problem, Reply};
use crate::planning::{self, Planned};

const MOST_NAME: usize = 120;
const NOUN: &str = "closed date";

/// A closed date as it is shown.
#[derive(Debug, Serialize)]
struct DateView {
    date: NaiveDate,
    name: String,
}

fn view(closed: ClosedDate) -> DateView {
    DateView { date: closed.date, name: closed.name }
}

/// Lists the closed dates, in order.
pub(super) async fn list(
    State(app): State<App>,
    by: Allowed<ReadTenant>,
) -> Result<Reply, Problem> {
    let mut work = app.read(&by).await?;
    let items = closed_dates::list(&mut work.tx).await?.into_iter().map(view).collect();
    Reply::ok(&PageView { items, next: None })
}

/// What a closed date is called.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Named {
    name: String,
}

/// Closes a date, or renames one that is closed.
pub(super) async fn put(
    State(app): State<App>,
    by: Allowed<EditTenant>,
    Path(date): Path<NaiveDate>,
    Body(body): Body<Named>,
) -> Result<Reply, Problem> {
    let mut work = app.change(&by).await?;
    work.lock_tenant().await?;
    let mut fields = Fields::default();
    if !YEARS.contains(&date.year()) {
        let (first, last) = (YEARS.start(), YEARS.end());
        fields.fault("date", "out_of_range", format!("must be of a year from {first} to {last}"));
    }
    let name = fields.text("name", &body.name, MOST_NAME);
    let closed = ClosedDate { date, name: fields.finish(name)? };
    closed_dates::put(&mut work.tx, &closed).await?;
    let values = json!({ "date": closed.date, "name": closed.name });
    tell(&mut work, "tenant.changed", "closed_date.put", &values)?;
    let reply = Reply::ok(&view(closed))?;
    work.commit(&app, reply).await
}

/// Opens a date again.
pub(super) async fn remove(
    State(app): State<App>,
    by: Allowed<EditTenant>,
    Path(date): Path<NaiveDate>,
) -> Result<Reply, Problem> {
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
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Year {
    year: i64,
}

/// Closes the bank holidays of England and Wales in a year. Dates that are closed already keep their names.
pub(super) async fn bank_holidays(
    State(app): State<App>,
    by: Allowed<EditTenant>,
    Post { body, once }: Post<Year>,
) -> Result<Reply, Problem> {
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
