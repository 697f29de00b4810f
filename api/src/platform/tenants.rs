//! Tenants as such: their list, and what only the platform decides. What lies in them is not to be seen here.

use axum::extract::State;
use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use shared::api_keys::Role;
use shared::audit::Actor;
use shared::calls::rules::policy::Allowance;
use shared::ids::{AccountId, TenantId, UserId};
use shared::people::Ended;
use shared::people::State as Standing;
use shared::people::store::links::Kind as LinkKind;
use shared::people::store::{self, Chain, users};
use shared::tenants::create::{self, NewTenant};
use shared::tenants::store::directory::{self, Listed};
use shared::tenants::{KeyError, Tenant};

use crate::app::App;
use crate::auth::SuperAdmin;
use crate::contacts::{MOST_ZONE, zone};
use crate::http::contract::{Operation, in_one_piece};
use crate::http::{
    Body, Created, Fields, IfMatch, Kind, NotKept, PageQuery, PageView, Path, Problem, Query,
    Reply, Shown, Versioned,
};
use crate::people::{Details, LinkView, email_taken, make, tell};
use crate::tenant::unknown_zone;

const MOST_NAME: usize = 200;
const NOUN: &str = "tenant";

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "TenantOfPlatform")]
pub(super) struct LineView {
    id: TenantId,
    #[schemars(example = "Elm Street Dental")]
    name: String,
    /// It is not suspended.
    active: bool,
    #[schemars(example = "Europe/London")]
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

pub(super) const LIST: Operation =
    Operation::new("listTenants", "List all tenants").says("Newest first.");

/// Lists all tenants, newest first.
pub(super) async fn list(
    State(app): State<App>,
    _by: SuperAdmin,
    Query(query): Query<PageQuery>,
) -> Result<Reply<Shown<PageView<LineView>>>, Problem> {
    let page = directory::list(&app.db, query.slice()?).await?;
    Reply::ok(&PageView::of(page, LineView::from))
}

/// A tenant to be.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "NewTenant")]
pub(super) struct Wish {
    /// What the business is called.
    #[schemars(length(min = 1, max = MOST_NAME), example = "Elm Street Dental")]
    name: String,
    /// Its zone; `Europe/London` unless given.
    #[schemars(length(max = MOST_ZONE))]
    zone: Option<String>,
}

pub(super) const CREATE: Operation = Operation::new("createTenant", "Make a tenant")
    .says("Nobody can sign in to it before an administrator is invited.");

/// Makes a tenant. Nobody can sign in to it before an administrator is invited.
pub(super) async fn create(
    State(app): State<App>,
    by: SuperAdmin,
    NotKept(wish): NotKept<Wish>,
) -> Result<Reply<Created<LineView>>, Problem> {
    let mut fields = Fields::default();
    let name = fields.text("name", &wish.name, MOST_NAME);
    let zone = zone(&mut fields, wish.zone.as_deref().unwrap_or("Europe/London"));
    let (name, zone) = fields.finish(name.zip(zone))?;
    let new = NewTenant::new(name, zone);
    let mut tx = app.db.engine().await?;
    create::create(&mut tx, app.keys.master(), &new).await.map_err(|error| match error {
        KeyError::Db(error) => unknown_zone(error),
        other => other.into(),
    })?;
    let (actor, entry) = (Actor::User(by.user), ("tenant.create", new.id.0));
    store::append(&mut tx, None, Chain::Changes, actor, entry).await?;
    tx.commit().await?;
    let made = directory::find(&app.db, new.id).await?.ok_or(Problem::NotFound(NOUN))?;
    Reply::created(format!("/v1/platform/tenants/{}", new.id), &LineView::from(made))
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "TenantOutside")]
pub(super) struct WholeView {
    id: TenantId,
    #[schemars(example = "Elm Street Dental")]
    name: String,
    /// It is not suspended.
    active: bool,
    #[schemars(example = "Europe/London")]
    zone: &'static str,
    account_id: Option<AccountId>,
    /// How loose its policy may be.
    allowance: Allowance,
    version: i32,
}

fn show(tenant: &Tenant) -> Result<Reply<Versioned<Shown<WholeView>>>, Problem> {
    let view = WholeView {
        id: tenant.id,
        name: tenant.name.clone(),
        active: tenant.active,
        zone: tenant.zone.name(),
        account_id: tenant.account,
        allowance: tenant.allowance.clone(),
        version: tenant.version,
    };
    Ok(Reply::ok(&view)?.with_version(tenant.version))
}

pub(super) const FIND: Operation =
    Operation::new("readTenantOutside", "Show a tenant from outside")
        .says("With what only the platform decides.");

/// Shows one, with what only the platform decides.
pub(super) async fn find(
    State(app): State<App>,
    by: SuperAdmin,
    Path(id): Path<TenantId>,
) -> Result<Reply<Versioned<Shown<WholeView>>>, Problem> {
    let work = app.manage(id, Actor::User(by.user)).await?;
    show(&work.tenant)
}

/// What changes; what is absent stays. The allowance is replaced as a whole.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "TenantOutsidePatch")]
pub(super) struct Patch {
    /// Whether it may do anything.
    active: Option<bool>,
    /// How loose its policy may be; what is left out goes back to the default.
    #[serde(default)]
    #[schemars(schema_with = "in_one_piece::<Option<Allowance>>")]
    allowance: Option<Allowance>,
}

pub(super) const PATCH: Operation =
    Operation::new("changeTenantOutside", "Change what only the platform decides").says(
        "Suspends or resumes the tenant, changes how loose its policy may be. The allowance is replaced as a whole.",
    );

/// Suspends or resumes a tenant, changes how loose its policy may be. Which account it dials through is an operator's matter
/// (`api admin tenant`): calls that are under way have to be waited for.
pub(super) async fn patch(
    State(app): State<App>,
    by: SuperAdmin,
    Path(id): Path<TenantId>,
    version: IfMatch,
    Body(patch): Body<Patch>,
) -> Result<Reply<Versioned<Shown<WholeView>>>, Problem> {
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

pub(super) const INVITE: Operation =
    Operation::new("inviteAdministrator", "Invite an administrator")
        .says("A new tenant's first. One that has an administrator invites others itself: who could make another would read and change everything there without a declared access. The link is shown once.")
        .fails(&[Kind::EmailTaken, Kind::AdministratorThere]);

/// Somebody who was invited.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "InvitedAdministrator")]
pub(super) struct InvitedView {
    id: UserId,
    #[schemars(with = "Role")]
    role: &'static str,
    #[schemars(with = "Standing")]
    state: &'static str,
    /// By which they set their password; shown once.
    link: LinkView,
}

/// Invites an administrator: a new tenant's first, or another as long as none has set a password. Breaking the glass takes two
/// persons of the platform; inviting oneself must be no way round that.
pub(super) async fn invite(
    State(app): State<App>,
    by: SuperAdmin,
    Path(id): Path<TenantId>,
    NotKept(details): NotKept<Details>,
) -> Result<Reply<Created<InvitedView>>, Problem> {
    let new = details.read()?;
    let platform = app.keys.platform(&app.db).await?;
    let mut work = app.manage(id, Actor::User(by.user)).await?;
    work.lock_tenant().await?;
    if users::administrators(&mut work.tx).await? > 0 {
        return Err(Problem::Conflict {
            kind: Kind::AdministratorThere,
            detail: "the tenant has an administrator; have them invite others".to_owned(),
            more: None,
        });
    }
    let keys = (&*work.keys, &*platform);
    let role = Role::ClientAdmin;
    users::insert(&mut work.tx, keys, &new, role, work.now).await.map_err(email_taken)?;
    let link = make(&mut work, new.id, LinkKind::Invitation).await?;
    let values = json!({ "role": role.as_str() });
    tell(&mut work, ("user.invited", "user.invite"), new.id.0, &values)?;
    let (role, state) = (role.as_str(), Standing::Invited.as_str());
    let view = InvitedView { id: new.id, role, state, link };
    let reply = Reply::created(format!("/v1/users/{}", new.id), &view)?;
    work.commit(&app, reply).await
}
