//! Searching contacts: what is asked, who is found, how they are shown. docs/search.md follows one search through.

mod answer;
mod ask;
mod cursor;
mod filter;
mod select;
pub(super) mod views;

use axum::extract::State;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use shared::appointment_types::store::sensitive_names;
use shared::ids::{AppointmentId, ContactId};
use shared::search::{Facets, Request, Selection, Start, Window};

use self::answer::FoundView;
pub(crate) use self::ask::Sought;
use self::ask::{Ask, Asked};
pub(crate) use self::select::selection;
use super::view::Viewer;
use crate::app::{App, Work};
use crate::auth::{Allowed, ReadContacts};
use crate::http::contract::Operation;
use crate::http::{Kind, NotKept, Problem, Reply, Shown};

/// Most contacts of a window.
const MOST_ROWS: u16 = 1_000;
/// Contacts of a window, unless the request says otherwise.
const USUAL_ROWS: u16 = 50;
/// Most ids of a range: what bulk acts may touch at most.
const MOST_IDS: u16 = 10_000;

pub(super) const SEARCH: Operation = Operation::new("searchContacts", "Search contacts").says(
    "Finds contacts by what is typed and by a filter, counts them exactly, and shows a window of them in any order. \
     \n\nTyped: `smith boiler` finds who has both, in any field; quoted, whole words next to each other; `john*` a word that begins so; \
     `-cancelled` who hasn't; `email:smith` in one field of `name`, `phone`, `email`, `notes`, `type`, `owner`, `company`, \
     `instructions`; numbers in any way people write them. Case and accents don't matter. \
     \n\nWhat is searched for is personal data: it is read from the body alone, and neither logged nor kept. \
     \n\nA grid asks for windows by `offset`. A program that reads everything passes on `next` as `after`: it then sees nobody \
     twice who doesn't change meanwhile.",
).fails(&[Kind::Invalid]);

/// Finds contacts.
pub(super) async fn search(
    State(app): State<App>,
    by: Allowed<ReadContacts>,
    NotKept(ask): NotKept<Ask>,
) -> Result<Reply<Shown<FoundView>>, Problem> {
    let (mut work, found) = find(&app, &by, ask, MOST_ROWS).await?;
    let viewer = Viewer::of(&by, &work.tenant);
    let view = answer::show(&mut work, &found, viewer).await?;
    let shown: Vec<_> = found.window.rows.iter().map(|row| row.contact.0).collect();
    Ok(Reply::ok(&view)?.showing(shown))
}

pub(super) const IDS: Operation =
    Operation::new("searchContactIds", "List the ids of found contacts").says(
        "As `searchContacts`, but ids only, and up to 10,000: what a bulk act is given for a range of a grid. With each comes the \
         appointment that its row shows.",
    );

/// Which contacts a range has.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "FoundIds")]
pub(super) struct IdsView {
    /// How many contacts were found in all.
    total: usize,
    /// Those of the range, in order.
    ids: Vec<FoundId>,
    /// The `after` of what follows; null at the end.
    next: Option<String>,
}

/// A found contact.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
struct FoundId {
    contact_id: ContactId,
    /// The appointment that its row shows.
    appointment_id: Option<AppointmentId>,
}

/// Finds ids of contacts.
pub(super) async fn ids(
    State(app): State<App>,
    by: Allowed<ReadContacts>,
    NotKept(ask): NotKept<Ask>,
) -> Result<Reply<Shown<IdsView>>, Problem> {
    let (work, found) = find(&app, &by, ask, MOST_IDS).await?;
    let rows = &found.window.rows;
    let ids = rows
        .iter()
        .map(|row| FoundId { contact_id: row.contact, appointment_id: row.appointment })
        .collect();
    let next = found.next(&work.keys)?;
    let view = IdsView { total: found.window.total, ids, next };
    let shown: Vec<_> = rows.iter().map(|row| row.contact.0).collect();
    Ok(Reply::ok(&view)?.showing(shown))
}

/// What was asked, and what came of it.
struct Found {
    asked: Asked,
    window: Window,
    facets: Option<Facets>,
    /// Folded names of types that the caller doesn't see.
    unseen_types: Vec<String>,
}

impl Found {
    /// The cursor of what follows.
    fn next(&self, keys: &shared::crypto::TenantKeys) -> Result<Option<String>, Problem> {
        let last = self.window.last.as_ref();
        last.map(|last| cursor::seal(keys, &self.asked.sorts, last)).transpose()
    }
}

async fn find(
    app: &App,
    by: &Allowed<ReadContacts>,
    ask: Ask,
    most: u16,
) -> Result<(Work, Found), Problem> {
    let ask = match ask.view {
        Some(view) => ask.by_view(views::take(app, by, view).await?)?,
        None => ask,
    };
    // What can't be asked costs nobody a search.
    let ask = ask.parse(most)?;
    let (mut work, table) = app.browse(by).await?;
    let eyes = by.eyes(&work.tenant);
    let unseen_types = match eyes.sensitive_types {
        true => Vec::new(),
        false => sensitive_names(&mut work.tx).await?,
    };
    let asked = ask.complete(&work.keys, &work.tenant, work.now, eyes, &unseen_types)?;
    let found = app.books.compute(move || {
        let request = Request {
            query: &asked.query,
            filter: &asked.filter,
            calendar: asked.calendar,
            hidden: &asked.hidden,
        };
        let selection = Selection::new(&table, &request);
        let start = match &asked.after {
            Some(position) => Start::After(position),
            None => Start::Offset(asked.offset),
        };
        let window = selection.window(&asked.sorts, start, asked.limit);
        let facets = asked.facets.then(|| selection.facets(&asked.calendar));
        drop(selection);
        Found { window, facets, asked, unseen_types }
    });
    Ok((work, found.await?))
}
