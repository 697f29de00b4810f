//! Who asks: a key or an access token in `Authorization: Bearer`, proved with one statement for each request.

use axum::extract::FromRequestParts;
use axum::http::header;
use axum::http::request::Parts;
use shared::api_keys::{self, ApiKey};
use shared::ids::{TenantId, UserId};
use shared::people::Role;
use shared::people::session::Standing;
use shared::people::store::{self, sessions};
use shared::people::{self, Caller};

use crate::accesses::Witness;
use crate::app::App;
use crate::http::contract::{Draft, Takes};
use crate::http::{Kind, LoggedCaller, Problem, only};
use crate::limit::Asker;

/// Who asks, whatever they may do.
#[derive(Debug, Clone)]
pub(crate) enum Who {
    /// A program with an API key.
    Key(api_keys::store::Holder),
    /// A person in a session that holds.
    Person(Standing),
}

/// Longer than any key or token of ours.
const LONGEST: usize = 4_096;

impl Takes for Who {
    fn describe(draft: &mut Draft<'_>) {
        draft.opened_by("apiKey");
        draft.opened_by("person");
        draft.fails(&[Kind::Unauthenticated, Kind::RateLimited]);
    }
}

impl FromRequestParts<App> for Who {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let who = Self::identify(parts, app).await?;
        who.count(parts, app).await?;
        Ok(who)
    }
}

/// In whose count a person's requests are.
pub(super) fn counted_in(standing: &Standing) -> TenantId {
    standing.tenant.unwrap_or(TenantId(standing.user.0))
}

impl Who {
    /// Counts the request, and refuses it if it is one too many.
    pub(super) async fn count(&self, parts: &Parts, app: &App) -> Result<(), Problem> {
        let (tenant, asker) = match self {
            Self::Key(holder) => (holder.tenant, Asker::Key),
            // The platform's people belong to no tenant, and have a limit of their own each.
            Self::Person(standing) => (counted_in(standing), Asker::Person),
        };
        app.limits.admit(parts, tenant, asker).await
    }

    /// Puts down, for the record of accesses, in which tenant somebody of the platform looks around. Only where they do: the
    /// rest of what they ask is no matter of that tenant.
    pub(super) fn visits(&self, parts: &Parts) {
        if let Self::Person(Standing { user, session, visit: Some(visit), .. }) = *self {
            let caller = Caller::Visitor { user, session, visit: visit.id };
            Witness::note(parts, visit.tenant, caller.actor());
        }
    }

    /// Who asks, without counting that they did. From here on it is known whose record of accesses the request belongs in.
    pub(super) async fn identify(parts: &Parts, app: &App) -> Result<Self, Problem> {
        let text = bearer(parts).ok_or(Problem::Unauthenticated)?;
        if let Some(key) = ApiKey::parse(text) {
            let holder = api_keys::store::find(&app.db, &key).await?;
            let holder = holder.ok_or(Problem::Unauthenticated)?;
            LoggedCaller::note(parts, holder.tenant, "key");
            Witness::note(parts, holder.tenant, Caller::Key(holder.key).actor());
            return Ok(Self::Key(holder));
        }
        let claims = app.people.tokens().verify((&app.db, &app.keys), text).await?;
        let claims = claims.ok_or(Problem::Unauthenticated)?;
        let standing = sessions::standing(&app.db, claims.sid).await?;
        let standing = standing.ok_or(Problem::Unauthenticated)?;
        if !claims.holds(standing.user, standing.now) {
            return Err(Problem::Unauthenticated);
        }
        if let Some(tenant) = standing.tenant {
            LoggedCaller::note(parts, tenant, "person");
            let caller = Caller::User { user: standing.user, session: standing.session };
            Witness::note(parts, tenant, caller.actor());
        }
        Ok(Self::Person(standing))
    }
}

fn bearer(parts: &Parts) -> Option<&str> {
    let value = only(&parts.headers, &header::AUTHORIZATION)?;
    let (scheme, text) = value.to_str().ok()?.split_once(' ')?;
    let text = text.trim();
    (scheme.eq_ignore_ascii_case("bearer") && text.len() <= LONGEST).then_some(text)
}

/// A person who is signed in, for what concerns themselves alone. Also one who has yet to set up a second factor: it is here
/// that they do.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SignedIn(pub(crate) Standing);

impl Takes for SignedIn {
    fn describe(draft: &mut Draft<'_>) {
        draft.opened_by("person");
        draft.fails(&[Kind::Unauthenticated, Kind::RateLimited, Kind::Forbidden, Kind::Suspended]);
    }
}

impl FromRequestParts<App> for SignedIn {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        match Who::from_request_parts(parts, app).await? {
            Who::Person(standing) if !standing.tenant_active => Err(Problem::Suspended),
            Who::Person(standing) => Ok(Self(standing)),
            Who::Key(_) => Err(Problem::Forbidden { need: "a person who signed in" }),
        }
    }
}

/// A person of a tenant who is signed in, for what concerns themselves there.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Member {
    /// Whose person.
    pub(crate) tenant: TenantId,
    /// Who.
    pub(crate) user: UserId,
}

impl Takes for Member {
    fn describe(draft: &mut Draft<'_>) {
        SignedIn::describe(draft);
        draft.fails(&[Kind::SecondFactorSetupNeeded]);
    }
}

impl FromRequestParts<App> for Member {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let SignedIn(me) = SignedIn::from_request_parts(parts, app).await?;
        match me.tenant {
            _ if me.factor_missing => Err(Problem::SecondFactorSetupNeeded),
            Some(tenant) => Ok(Self { tenant, user: me.user }),
            None => Err(Problem::Forbidden { need: "a person of a tenant" }),
        }
    }
}

/// Somebody of the platform, for what concerns tenants as such and nothing in them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SuperAdmin {
    /// Who.
    pub(crate) user: UserId,
}

impl Takes for SuperAdmin {
    fn describe(draft: &mut Draft<'_>) {
        draft.opened_by("person");
        draft.needs("platform");
        draft.fails(&[
            Kind::Unauthenticated,
            Kind::RateLimited,
            Kind::Forbidden,
            Kind::SecondFactorSetupNeeded,
        ]);
    }
}

impl FromRequestParts<App> for SuperAdmin {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        const NEED: Problem = Problem::Forbidden { need: "platform" };
        match Who::from_request_parts(parts, app).await? {
            Who::Key(_) => Err(NEED),
            Who::Person(standing) => match (standing.role, standing.tenant) {
                (Role::SuperAdmin, _) if standing.factor_missing => {
                    Err(Problem::SecondFactorSetupNeeded)
                }
                (Role::SuperAdmin, _) => Ok(Self { user: standing.user }),
                _ => Err(NEED),
            },
        }
    }
}

impl SuperAdmin {
    /// Appends an entry to the platform's own chain.
    pub(crate) async fn note(
        self,
        app: &App,
        action: &'static str,
        entity: uuid::Uuid,
    ) -> Result<(), Problem> {
        let mut tx = app.db.engine().await?;
        let actor = shared::audit::Actor::User(self.user);
        store::append(&mut tx, None, store::Chain::Changes, actor, (action, entity)).await?;
        tx.commit().await?;
        Ok(())
    }
}

/// For whom somebody acts, and as what, once it is known who they are.
pub(super) struct Acting {
    pub(super) tenant: TenantId,
    pub(super) role: api_keys::Role,
    pub(super) scopes: api_keys::Scopes,
    pub(super) caller: Caller,
}

impl Who {
    /// As what one acts in which tenant: a key and its people in their own, the platform's people in the one that they
    /// declared an access to.
    pub(super) fn acting(self) -> Result<Acting, Problem> {
        match self {
            Self::Key(holder) if !holder.tenant_active => Err(Problem::Suspended),
            Self::Key(holder) => Ok(Acting {
                tenant: holder.tenant,
                role: holder.role,
                scopes: holder.scopes,
                caller: Caller::Key(holder.key),
            }),
            Self::Person(standing) => person(standing),
        }
    }
}

fn person(standing: Standing) -> Result<Acting, Problem> {
    if !standing.tenant_active {
        return Err(Problem::Suspended);
    }
    if standing.factor_missing {
        return Err(Problem::SecondFactorSetupNeeded);
    }
    let (user, session) = (standing.user, standing.session);
    let scopes = api_keys::Scopes::all();
    match (standing.role.in_tenant(), standing.tenant, standing.visit) {
        (Some(role), Some(tenant), _) => {
            Ok(Acting { tenant, role, scopes, caller: Caller::User { user, session } })
        }
        (None, _, Some(people::visit::Visit { id, tenant, kind })) => {
            let caller = Caller::Visitor { user, session, visit: id };
            Ok(Acting { tenant, role: kind.acts_as(), scopes, caller })
        }
        _ => Err(Problem::AccessNotDeclared),
    }
}
