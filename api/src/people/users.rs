//! People of the tenant, as its administrators see and invite them.

use axum::extract::State;
use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use shared::api_keys::Role;
use shared::contacts::name::PersonName;
use shared::crypto::Phi;
use shared::ids::UserId;
use shared::people::store::links::{self, Kind as LinkKind};
use shared::people::store::users as store;
use shared::people::{State as Standing, User};

use super::details::email_taken;
use super::links::{LinkView, make};
use super::{Details, NOUN, tell};
use crate::app::{App, Work};
use crate::auth::{Allowed, EditUsers, ReadUsers};
use crate::http::contract::Operation;
use crate::http::{
    Body, Created, Fields, IfMatch, Kind, NotKept, PageQuery, PageView, Path, Problem, Query,
    Reply, Shown, Versioned,
};

/// A user as administrators see them.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "User")]
pub(super) struct UserView {
    id: UserId,
    #[schemars(example = "Grace Example")]
    name: String,
    #[schemars(example = "grace@example.com")]
    email: String,
    /// What they may do.
    #[schemars(with = "Role")]
    role: &'static str,
    /// Whether they may sign in.
    #[schemars(with = "Standing")]
    state: &'static str,
    /// They sign in with a second factor.
    second_factor: bool,
    signed_in_at: Option<DateTime<Utc>>,
    version: i32,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl UserView {
    pub(super) fn new(user: &User) -> Self {
        Self {
            id: user.id,
            name: user.name.as_str().to_owned(),
            email: user.email.as_str().to_owned(),
            role: user.role.as_str(),
            state: user.state.as_str(),
            second_factor: user.second_factor,
            signed_in_at: user.signed_in_at,
            version: user.version,
            created_at: user.created_at,
            updated_at: user.updated_at,
        }
    }
}

/// A role from the body, or its fault.
pub(super) fn role(fields: &mut Fields, word: &str) -> Option<Role> {
    let role = word.parse();
    if role.is_err() {
        fields.fault("role", "unknown_role", "client_admin or client_user");
    }
    role.ok()
}

pub(super) const LIST: Operation =
    Operation::new("listUsers", "List the tenant's people").says("Newest first.");

/// Lists the tenant's people, newest first.
pub(super) async fn list(
    State(app): State<App>,
    by: Allowed<ReadUsers>,
    Query(query): Query<PageQuery>,
) -> Result<Reply<Shown<PageView<UserView>>>, Problem> {
    let slice = query.slice()?;
    let mut work = app.read(&by).await?;
    let page = store::list(&mut work.tx, &work.keys, slice).await?;
    let shown: Vec<_> = page.items.iter().map(|user| user.id.0).collect();
    Ok(Reply::ok(&PageView::of(page, |user| UserView::new(&user)))?.showing(shown))
}

pub(super) const FIND: Operation = Operation::new("readUser", "Show one of the tenant's people");

/// Shows one of them.
pub(super) async fn find(
    State(app): State<App>,
    by: Allowed<ReadUsers>,
    Path(id): Path<UserId>,
) -> Result<Reply<Versioned<Shown<UserView>>>, Problem> {
    let mut work = app.read(&by).await?;
    let user = found(&mut work, id).await?;
    Ok(Reply::ok(&UserView::new(&user))?.with_version(user.version))
}

/// A key with scopes makes nobody who may more than it may: it could sign in as them.
fn no_more_than_own(by: &Allowed<EditUsers>, role: Role) -> Result<(), Problem> {
    if by.covers(role) {
        return Ok(());
    }
    let why = "a key with scopes makes nobody who may more than itself";
    Err(Problem::field("/role", "more_than_own", why))
}

/// The user, if the caller may all that they may: whoever hands out their password, or takes their second factor off, can be them.
pub(super) async fn found_to_let_in(
    work: &mut Work,
    by: &Allowed<EditUsers>,
    id: UserId,
) -> Result<User, Problem> {
    let user = found(work, id).await?;
    if by.covers(user.role) {
        return Ok(user);
    }
    Err(Problem::Forbidden { need: "to all that this user may do" })
}

/// The user, or the problem that there is none.
pub(super) async fn found(work: &mut Work, id: UserId) -> Result<User, Problem> {
    store::find(&mut work.tx, &work.keys, id).await?.ok_or(Problem::NotFound(NOUN))
}

/// Somebody to be invited.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "UserInvitation")]
pub(super) struct Invitation {
    /// What they are called.
    #[schemars(length(min = 2, max = 200), example = "Grace Example")]
    name: Phi<String>,
    /// What they sign in with.
    #[schemars(length(max = 254), example = "grace@example.com")]
    email: Phi<String>,
    /// What they may do; `client_user` unless given.
    #[schemars(with = "Option<Role>")]
    role: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "InvitedUser")]
pub(super) struct InvitedView {
    #[serde(flatten)]
    user: UserView,
    link: LinkView,
}

pub(super) const INVITE: Operation = Operation::new("inviteUser", "Invite somebody").says("Makes a user, and the link by which they set their first password: shown once, to be passed on by whoever invites.").fails(&[Kind::EmailTaken]);

/// Makes a user, and the link by which they set their first password: shown once, to be passed on by whoever invites.
pub(super) async fn invite(
    State(app): State<App>,
    by: Allowed<EditUsers>,
    NotKept(invitation): NotKept<Invitation>,
) -> Result<Reply<Versioned<Created<InvitedView>>>, Problem> {
    let mut fields = Fields::default();
    let role = match &invitation.role {
        Some(word) => role(&mut fields, word),
        None => Some(Role::ClientUser),
    };
    let role = fields.finish(role)?;
    no_more_than_own(&by, role)?;
    let new = Details { name: invitation.name, email: invitation.email }.read()?;
    let platform = app.keys.platform(&app.db).await?;
    let mut work = app.change(&by).await?;
    let keys = (&*work.keys, &*platform);
    store::insert(&mut work.tx, keys, &new, role, work.now).await.map_err(email_taken)?;
    let link = make(&mut work, new.id, LinkKind::Invitation).await?;
    let values = json!({ "role": role.as_str() });
    tell(&mut work, ("user.invited", "user.invite"), new.id.0, &values)?;
    let user = UserView::new(&found(&mut work, new.id).await?);
    let address = format!("/v1/users/{}", new.id);
    let reply = Reply::created(address, &InvitedView { user, link })?.with_version(1);
    work.commit(&app, reply).await
}

/// What changes; what is absent stays.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "UserPatch")]
pub(super) struct Patch {
    /// What they are called.
    #[schemars(length(min = 2, max = 200), example = "Grace Example")]
    name: Option<Phi<String>>,
    /// What they may do.
    #[schemars(with = "Option<Role>")]
    role: Option<String>,
}

pub(super) const PATCH: Operation = Operation::new("changeUser", "Change name or role")
    .says(
        "A new role holds from the next request on. Who is no administrator any more: links to set a password that they made and \
         that nobody has used yet end. A key with scopes gives none that may more than itself.",
    )
    .fails(&[Kind::LastAdministrator]);

/// Changes name or role. A new role holds from the next request on.
pub(super) async fn patch(
    State(app): State<App>,
    by: Allowed<EditUsers>,
    Path(id): Path<UserId>,
    version: IfMatch,
    Body(patch): Body<Patch>,
) -> Result<Reply<Versioned<Shown<UserView>>>, Problem> {
    let mut work = app.change(&by).await?;
    work.lock_tenant().await?;
    let mut user = found(&mut work, id).await?;
    version.check(user.version)?;
    let before = json!({ "name": user.name.as_str(), "role": user.role.as_str() });
    let was = user.role;
    patch.apply(&mut work, &by, &mut user).await?;
    if was == Role::ClientAdmin && user.role != was {
        // Each lets its bearer in as an administrator, or as whoever it was made for.
        links::void_made_by(&mut work.tx, id, work.now).await?;
    }
    user.version += 1;
    store::save(&mut work.tx, &work.keys, &user, work.now).await?;
    let after = json!({ "name": user.name.as_str(), "role": user.role.as_str() });
    let values = json!({ "before": before, "after": after });
    tell(&mut work, ("user.changed", "user.change"), id.0, &values)?;
    let reply = Reply::ok(&UserView::new(&user))?.with_version(user.version);
    work.commit(&app, reply).await
}

impl Patch {
    async fn apply(
        &self,
        work: &mut Work,
        by: &Allowed<EditUsers>,
        user: &mut User,
    ) -> Result<(), Problem> {
        let mut fields = Fields::default();
        if let Some(raw) = &self.name
            && let Some(name) = fields.take("name", raw.expose().parse::<PersonName>())
        {
            user.name = name;
        }
        let new = self.role.as_deref().map(|word| role(&mut fields, word));
        fields.finish(Some(()))?;
        if let Some(new) = new.flatten() {
            no_more_than_own(by, new)?;
            if new != Role::ClientAdmin {
                spare_the_last(work, user).await?;
            }
            user.role = new;
        }
        Ok(())
    }
}

/// A tenant keeps one administrator who may sign in: nobody could invite the next. The tenant's lock must be held.
pub(super) async fn spare_the_last(work: &mut Work, user: &User) -> Result<(), Problem> {
    let counts = user.role == Role::ClientAdmin && user.state == Standing::Active;
    if counts && store::administrators(&mut work.tx).await? <= 1 {
        return Err(Problem::Conflict {
            kind: Kind::LastAdministrator,
            detail: "the tenant's last administrator stays; invite another first".to_owned(),
            more: None,
        });
    }
    Ok(())
}
