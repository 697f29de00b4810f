//! Views: searches that people keep, for themselves or for everybody of the tenant.

use axum::extract::State;
use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use shared::appointment_types::store::sensitive_names;
use shared::crypto::{Phi, TenantField};
use shared::ids::ViewId;
use shared::screening::Place;
use shared::views::{MOST_NAME, MOST_OWN, MOST_SHARED, View, store};

use super::MOST_ROWS;
use super::ask::{Parsed, Sought};
use crate::app::{App, Begun, Work};
use crate::auth::{Allowed, EditContacts, EditViews, ReadContacts};
use crate::http::contract::Operation;
use crate::http::{
    Body, Created, Empty, Fields, IfMatch, Kind, PageView, Path, Post, Problem, Reply, Shown,
    Versioned,
};
use crate::phi::Asked;

/// What a view is called in problems.
const NOUN: &str = "view";

/// A view as it is shown.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ContactView")]
pub(crate) struct ViewView {
    id: ViewId,
    /// What it is called.
    #[schemars(example = "Unconfirmed, this week")]
    name: String,
    /// Everybody of the tenant sees it; otherwise whoever made it.
    shared: bool,
    /// What `searchContacts` is asked by it: as it was kept, a `KeptSearch`.
    #[schemars(with = "serde_json::Map<String, serde_json::Value>")]
    search: serde_json::Value,
    /// How often it was searched by, by everybody who sees it.
    used: i64,
    used_at: Option<DateTime<Utc>>,
    version: i32,
    created_by: String,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl ViewView {
    fn new(view: View) -> Self {
        Self {
            id: view.id,
            name: view.name,
            shared: view.owner.is_none(),
            search: view.search,
            used: view.used,
            used_at: view.used_at,
            version: view.version,
            created_by: view.created_by,
            created_at: view.created_at,
            updated_at: view.updated_at,
        }
    }
}

/// Whether the caller may search so. Whoever may not see some types or notes isn't shown what others look for in them either.
struct Sight<'a> {
    work: &'a Work,
    eyes: crate::auth::Eyes,
    unseen_types: Vec<String>,
}

impl<'a> Sight<'a> {
    async fn of<P>(work: &'a mut Work, by: &Allowed<P>) -> Result<Self, Problem> {
        let eyes = by.eyes(&work.tenant);
        let unseen_types = match eyes.sensitive_types {
            true => Vec::new(),
            false => sensitive_names(&mut work.tx).await?,
        };
        Ok(Self { work, eyes, unseen_types })
    }

    fn may_ask(&self, asked: Parsed) -> Result<(), Problem> {
        let Work { keys, tenant, now, .. } = self.work;
        asked.complete(keys, tenant, *now, self.eyes, &self.unseen_types).map(drop)
    }

    fn sees(&self, view: &View) -> bool {
        let sought = sought(view).and_then(|sought| sought.ask().parse(MOST_ROWS));
        // What this release can't read is shown, and says so when it is searched by.
        sought.map_or(true, |asked| self.may_ask(asked).is_ok())
    }
}

fn sought(view: &View) -> Result<Sought, Problem> {
    serde_json::from_value(view.search.clone()).map_err(|_| {
        Problem::field("/view", "not_understood", "it was kept by another release: keep it anew")
    })
}

/// The search of a view, which is counted.
pub(super) async fn take(
    app: &App,
    by: &Allowed<ReadContacts>,
    id: ViewId,
) -> Result<Sought, Problem> {
    let mut work = app.read(by).await?;
    let asker = by.actor().to_string();
    let view = store::find(&mut work.tx, &work.keys, id, &asker).await?;
    let unknown = || Problem::field("/view", "unknown", "there is no such view");
    let view = view.ok_or_else(unknown)?;
    if !Sight::of(&mut work, by).await?.sees(&view) {
        return Err(unknown());
    }
    let sought = sought(&view)?;
    store::used(&mut work.tx, id).await?;
    work.tx.commit().await?;
    Ok(sought)
}

pub(crate) const LIST: Operation = Operation::new("listViews", "List kept searches").says(
    "The caller's own, and those that are everybody's; what is used most comes first. All on one page. Who may not see notes or \
     sensitive types is not shown what others look for in them.",
);

/// Lists views, the most used first.
pub(crate) async fn list(
    State(app): State<App>,
    by: Allowed<ReadContacts>,
) -> Result<Reply<Shown<PageView<ViewView>>>, Problem> {
    let mut work = app.read(&by).await?;
    let asker = by.actor().to_string();
    let mut views = store::list(&mut work.tx, &work.keys, &asker).await?;
    let sight = Sight::of(&mut work, &by).await?;
    views.retain(|view| sight.sees(view));
    let shown: Vec<_> = views.iter().map(|view| view.id.0).collect();
    let items = views.into_iter().map(ViewView::new).collect();
    Ok(Reply::ok(&PageView { items, next: None })?.showing(shown))
}

pub(crate) const FIND: Operation = Operation::new("readView", "Show a kept search");

/// Shows one view.
pub(crate) async fn find(
    State(app): State<App>,
    by: Allowed<ReadContacts>,
    Path(id): Path<ViewId>,
) -> Result<Reply<Versioned<Shown<ViewView>>>, Problem> {
    let mut work = app.read(&by).await?;
    let view = store::find(&mut work.tx, &work.keys, id, &by.actor().to_string()).await?;
    let view = view.ok_or(Problem::NotFound(NOUN))?;
    if !Sight::of(&mut work, &by).await?.sees(&view) {
        return Err(Problem::NotFound(NOUN));
    }
    let version = view.version;
    Ok(Reply::ok(&ViewView::new(view))?.with_version(version))
}

/// A search to be kept.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "NewContactView")]
pub(crate) struct Wish {
    /// What it is called.
    #[schemars(length(min = 1, max = MOST_NAME), example = "Unconfirmed, this week")]
    name: Phi<String>,
    /// What was found in `name` stands there knowingly.
    #[serde(default)]
    acknowledge_phi: bool,
    /// For everybody of the tenant: that needs `contacts.edit`.
    #[serde(default)]
    shared: bool,
    /// What is searched for.
    search: Sought,
}

/// The search as it is kept, and as it is asked; or its faults noted.
fn read(fields: &mut Fields, search: &Sought) -> Option<Parsed> {
    fields.below("/search", |fields| search.clone().ask().read(MOST_ROWS, fields))
}

/// The search as it was given: without the parts of a filter that say nothing.
fn kept(search: &Sought) -> Result<serde_json::Value, Problem> {
    let mut kept = serde_json::to_value(search).map_err(|error| Problem::Internal(error.into()))?;
    if let Some(filter) = kept.get_mut("filter") {
        leave_out_nothing(filter);
    }
    Ok(kept)
}

fn leave_out_nothing(value: &mut serde_json::Value) {
    use serde_json::Value::{Array, Bool, Null, Object};
    if let Object(members) = value {
        members.values_mut().for_each(leave_out_nothing);
        members.retain(|_, member| match member {
            Null | Bool(false) => false,
            Array(values) => !values.is_empty(),
            Object(members) => !members.is_empty(),
            _ => true,
        });
    }
}

/// What may not be asked, where it stands in a body that keeps it.
fn below_search(problem: Problem) -> Problem {
    match problem {
        Problem::Invalid(mut errors) => {
            errors.iter_mut().for_each(|error| error.field.insert_str(0, "/search"));
            Problem::Invalid(errors)
        }
        other => other,
    }
}

/// Refuses a name in which something was found, unless that is `acknowledged`.
fn screen(work: &mut Work, raw: &str, acknowledged: bool) -> Result<(), Problem> {
    let mut fields = Fields::default();
    let asked = Asked { place: Place::ViewName, field: "name", raw };
    let may_stand = asked.may_stand(&mut fields, false, acknowledged);
    fields.finish_in(work, may_stand.then_some(()))
}

fn may_share(by: &Allowed<EditViews>) -> Result<(), Problem> {
    match by.may::<EditContacts>() {
        true => Ok(()),
        false => Err(Problem::Forbidden { need: "contacts.edit, for a view that is everybody's" }),
    }
}

pub(crate) const CREATE: Operation = Operation::new("createView", "Keep a search")
    .says("For whoever asks, or for everybody of the tenant. At most 100 of one's own and 200 of everybody's. What is kept is sealed.")
    .fails(&[Kind::Forbidden, Kind::ListFull]);

/// Keeps a search.
pub(crate) async fn create(
    State(app): State<App>,
    by: Allowed<EditViews>,
    Post { body, once }: Post<Wish>,
) -> Result<Reply<Versioned<Created<ViewView>>>, Problem> {
    if body.shared {
        may_share(&by)?;
    }
    let mut fields = Fields::default();
    let name = fields.text("name", body.name.expose(), MOST_NAME);
    let asked = read(&mut fields, &body.search);
    let (name, asked) = fields.finish(name.zip(asked))?;
    let mut work = match app.change_once(&by, once).await? {
        Begun::Anew(work) => *work,
        Begun::Before(reply) => return Ok(reply),
    };
    screen(&mut work, body.name.expose(), body.acknowledge_phi)?;
    Sight::of(&mut work, &by).await?.may_ask(asked).map_err(below_search)?;
    let maker = by.actor().to_string();
    let view = View {
        id: ViewId::new(),
        owner: (!body.shared).then(|| maker.clone()),
        name,
        search: kept(&body.search)?,
        version: 1,
        used: 0,
        used_at: None,
        created_by: maker,
        created_at: work.now,
        updated_at: work.now,
    };
    let most = if body.shared { MOST_SHARED } else { MOST_OWN };
    if !store::insert(&mut work.tx, &work.keys, &view, most).await? {
        return Err(Problem::Conflict {
            kind: Kind::ListFull,
            detail: format!("there are {most} already: delete one first"),
            more: None,
        });
    }
    tell(&mut work, ("view.created", "view.create"), view.id, &json!({ "after": audited(&view) }))?;
    let address = format!("/v1/contact-views/{}", view.id);
    let reply = Reply::created(address, &ViewView::new(view))?.with_version(1);
    work.commit(&app, reply).await
}

/// What changes; what is absent stays.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ContactViewPatch")]
pub(crate) struct Patch {
    /// What it is called.
    #[schemars(length(min = 1, max = MOST_NAME), example = "Unconfirmed, this week")]
    name: Option<Phi<String>>,
    /// What was found in `name` stands there knowingly.
    #[serde(default)]
    acknowledge_phi: bool,
    /// What is searched for, in place of what was.
    search: Option<Sought>,
}

pub(crate) const PATCH: Operation = Operation::new("changeView", "Change a kept search")
    .says("One's own; one that is everybody's needs `contacts.edit`.");

/// Changes a view.
pub(crate) async fn patch(
    State(app): State<App>,
    by: Allowed<EditViews>,
    Path(id): Path<ViewId>,
    version: IfMatch,
    Body(patch): Body<Patch>,
) -> Result<Reply<Versioned<Shown<ViewView>>>, Problem> {
    let mut fields = Fields::default();
    let raw = patch.name.as_ref().map(Phi::expose);
    let name = raw.map(|raw| fields.text("name", raw, MOST_NAME));
    let asked = patch.search.as_ref().map(|search| read(&mut fields, search));
    fields.finish(Some(()))?;
    let mut work = app.change(&by).await?;
    let mut view = lock(&mut work, &by, id, version).await?;
    if let Some(asked) = asked.flatten() {
        Sight::of(&mut work, &by).await?.may_ask(asked).map_err(below_search)?;
    }
    let before = audited(&view);
    if let Some((name, raw)) = name.flatten().zip(raw)
        && name != view.name
    {
        screen(&mut work, raw, patch.acknowledge_phi)?;
        view.name = name;
    }
    if let Some(search) = &patch.search {
        view.search = kept(search)?;
    }
    view.version += 1;
    view.updated_at = work.now;
    store::update(&mut work.tx, &work.keys, &view).await?;
    let values = json!({ "before": before, "after": audited(&view) });
    tell(&mut work, ("view.changed", "view.change"), id, &values)?;
    let reply = Reply::ok(&ViewView::new(view.clone()))?.with_version(view.version);
    work.commit(&app, reply).await
}

pub(crate) const DELETE: Operation = Operation::new("deleteView", "Forget a kept search")
    .says("One's own; one that is everybody's needs `contacts.edit`.");

/// Deletes a view.
pub(crate) async fn delete(
    State(app): State<App>,
    by: Allowed<EditViews>,
    Path(id): Path<ViewId>,
    version: IfMatch,
) -> Result<Reply<Empty>, Problem> {
    let mut work = app.change(&by).await?;
    let view = lock(&mut work, &by, id, version).await?;
    store::delete(&mut work.tx, id).await?;
    let values = json!({ "before": audited(&view) });
    tell(&mut work, ("view.deleted", "view.delete"), id, &values)?;
    work.commit(&app, Reply::empty()).await
}

/// The view, locked, if it is the caller's to change.
async fn lock(
    work: &mut Work,
    by: &Allowed<EditViews>,
    id: ViewId,
    version: IfMatch,
) -> Result<View, Problem> {
    let view = store::lock(&mut work.tx, &work.keys, id, &by.actor().to_string()).await?;
    let view = view.ok_or(Problem::NotFound(NOUN))?;
    if !Sight::of(work, by).await?.sees(&view) {
        return Err(Problem::NotFound(NOUN));
    }
    if view.owner.is_none() {
        may_share(by)?;
    }
    version.check(view.version)?;
    Ok(view)
}

fn audited(view: &View) -> serde_json::Value {
    json!({ "name": view.name, "shared": view.owner.is_none(), "search": view.search })
}

/// Tells clients, and writes an entry sealed under the tenant's key.
fn tell(
    work: &mut Work,
    (kind, action): (&'static str, &'static str),
    view: ViewId,
    values: &serde_json::Value,
) -> Result<(), Problem> {
    let values = values.to_string();
    let sealed = work.keys.seal(TenantField::AuditDetails, view.0, values.as_bytes())?;
    work.changes.event(kind, view.0, None).entry(action, view.0, Some(sealed));
    Ok(())
}
