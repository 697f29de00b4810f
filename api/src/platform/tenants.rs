//! Tenants as such: their list, and what only the platform decides. What lies in them is not to be seen here.

use axum::extract::State;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use shared::api_keys::Role;
use shared::audit::Actor;
use shared::calls::rules::policy::{Allowance, Policy};
use shared::ids::{AccountId, TenantId};
use shared::people::Ended;
use shared::people::store::links::Kind;
use shared::people::store::{self, Chain, users};
use shared::tenants::Tenant;
use shared::tenants::create::{self, NewTenant};
use shared::tenants::store::directory::{self, Listed};

use crate::app::App;
use crate::auth::SuperAdmin;
use crate::contacts::zone;
use crate::http::{Body, Fields, IfMatch, PageQuery, PageView, Path, Problem, Query, Reply};
use crate::people::{Details, NotKept, email_taken, make, tell};

const MOST_NAME: usize = 200;
const NOUN: &str = "tenant";

#[derive(Debug, Serialize)]
struct LineView {
    id: TenantId,
    name: String,
    active: bool,
    zone: String,
    account_id: Option<AccountId>,
    second_factor_required: bool,
    created_at: DateTime<Utc>,
}

impl From<Listed> for LineView {
    fn from(listed: Listed) -> Self {
        Self {
            id: listed.id,
            name: listed.name,
            active: listed.active,
            zone: listed.zone,
            account_id: listed.account,
            second_factor_required: listed.second_factor_required,
            created_at: listed.created_at,
        }
    }
}

/// Lists all tenants, newest first.
pub(super) async fn list(
    State(app): State<App>,
    _by: SuperAdmin,
    Query(query): Query<PageQuery>,
) -> Result<Reply, Problem> {
    let page = directory::list(&app.db, query.slice()?).await?;
    Reply::ok(&PageView::of(page, LineView::from))
}

/// A tenant to be.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wish {
    name: String,
    zone: Option<String>,
}

/// Makes a tenant. Nobody can sign in to it before an administrator is invited.
pub(super) async fn create(
    State(app): State<App>,
    by: SuperAdmin,
    NotKept(wish): NotKept<Wish>,
) -> Result<Reply, Problem> {
    let mut fields = Fields::default();
    let name = fields.text("name", &wish.name, MOST_NAME);
    let zone = zone(&mut fields, wish.zone.as_deref().unwrap_or("Europe/London"));
    let (name, zone) = fields.finish(name.zip(zone))?;
    let new = NewTenant {
        id: TenantId::new(),
        name,
        zone,
        account: None,
        agent_id: None,
        caller_number: None,
        policy: Policy::default(),
        allowance: Allowance::default(),
    };
    let mut tx = app.db.engine().await?;
    create::create(&mut tx, app.keys.master(), &new).await?;
    let (actor, entry) = (Actor::User(by.user), ("tenant.create", new.id.0));
    store::append(&mut tx, None, Chain::Changes, actor, entry).await?;
    tx.commit().await?;
    let made = directory::find(&app.db, new.id).await?.ok_or(Problem::NotFound(NOUN))?;
    Reply::created(format!("/v1/platform/tenants/{}", new.id), &LineView::from(made))
}

#[derive(Debug, Serialize)]
struct WholeView<'a> {
    id: TenantId,
    name: &'a str,
    active: bool,
    zone: &'static str,
    account_id: Option<AccountId>,
    allowance: &'a Allowance,
    version: i32,
}

fn show(tenant: &Tenant) -> Result<Reply, Problem> {
    let view = WholeView {
        id: tenant.id,
        name: &tenant.name,
        active: tenant.active,
        zone: tenant.zone.name(),
        account_id: tenant.account,
        allowance: &tenant.allowance,
        version: tenant.version,
    };
    Ok(Reply::ok(&view)?.with_version(tenant.version))
}

/// Shows one, with what only the platform decides.
pub(super) async fn find(
    State(app): State<App>,
    by: SuperAdmin,
    Path(id): Path<TenantId>,
) -> Result<Reply, Problem> {
    let work = app.manage(id, Actor::User(by.user)).await?;
    show(&work.tenant)
}

/// What changes; what is absent stays. The allowance is replaced as a whole.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Patch {
    active: Option<bool>,
    allowance: Option<Allowance>,
}

/// Suspends or resumes a tenant, changes how loose its policy may be. Which account it dials through is an operator's matter
/// (`api admin tenant`): calls that are under way have to be waited for.
pub(super) async fn patch(
    State(app): State<App>,
    by: SuperAdmin,
    Path(id): Path<TenantId>,
    version: IfMatch,
    Body(patch): Body<Patch>,
) -> Result<Reply, Problem> {
    let mut work = app.manage(id, Actor::User(by.user)).await?;
    work.lock_tenant().await?;
    version.check(work.tenant.version)?;
    let values =
        |tenant: &Tenant| json!({ "active": tenant.active, "allowance": tenant.allowance });
    let before = values(&work.tenant);
    if let Some(active) = patch.active {
        work.tenant.active = active;
    }
    if let Some(allowance) = patch.allowance {
        if work.tenant.policy.check(&allowance).is_err() {
            let why = "the tenant's present policy is looser; it has to be tightened first";
            return Err(Problem::field("/allowance", "policy_is_looser", why));
        }
        work.tenant.allowance = allowance;
    }
    work.tenant.version += 1;
    directory::settle(&mut work.tx, &work.tenant, work.now).await?;
    let told = json!({ "before": before, "after": values(&work.tenant) });
    tell(&mut work, ("tenant.changed", "tenant.settle"), id.0, &told)?;
    let (active, reply) = (work.tenant.active, show(&work.tenant)?);
    let reply = work.commit(&app, reply).await?;
    if !active {
        app.people.endings().tell(Ended::Tenant(id));
    }
    Ok(reply)
}

/// Invites an administrator: a new tenant's first, or another after the last one left.
pub(super) async fn invite(
    State(app): State<App>,
    by: SuperAdmin,
    Path(id): Path<TenantId>,
    NotKept(details): NotKept<Details>,
) -> Result<Reply, Problem> {
    let new = details.read()?;
    let platform = app.keys.platform(&app.db).await?;
    let mut work = app.manage(id, Actor::User(by.user)).await?;
    let keys = (&*work.keys, &*platform);
    let role = Role::ClientAdmin;
    users::insert(&mut work.tx, keys, &new, role, work.now).await.map_err(email_taken)?;
    let link = make(&mut work, new.id, Kind::Invitation).await?;
    let values = json!({ "role": role.as_str() });
    tell(&mut work, ("user.invited", "user.invite"), new.id.0, &values)?;
    let view = json!({ "id": new.id, "role": role.as_str(), "state": "invited", "link": link });
    let reply = Reply::created(format!("/v1/users/{}", new.id), &view)?;
    work.commit(&app, reply).await
}
