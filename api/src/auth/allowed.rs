//! The only source of a tenant id in a handler: a handler that forgets to ask can't reach a tenant's rows.

use std::marker::PhantomData;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use shared::api_keys::{Role, Scopes};
use shared::audit::Actor;
use shared::ids::TenantId;
use shared::people::Caller;
use shared::tenants::Tenant;

use super::who::{Acting, Who};
use crate::app::App;
use crate::http::contract::{Draft, Takes};
use crate::http::{Kind, Problem};

/// Something that one may be allowed to do.
pub(crate) trait Permission: Send + Sync + 'static {
    /// Its public name.
    const NAME: &'static str;

    /// Whether a role has it.
    fn granted(role: Role) -> bool;

    /// Whether the platform's people have it within a declared access of the role. What would outlast the access is not for
    /// them: people, keys, and how one signs in.
    const FOR_VISITORS: bool = true;
}

macro_rules! permissions {
    ($($(#[$doc:meta])* $name:ident, $public:literal, [$roles:pat] $(, visitors: $visitors:literal)?;)+) => {
        /// Every permission by its public name, and the roles that have it: what the scopes of a key are chosen from.
        pub(crate) const PERMISSIONS: &[(&str, fn(Role) -> bool)] =
            &[$(($public, <$name as Permission>::granted)),+];

        $(
        $(#[$doc])*
        #[derive(Debug)]
        pub(crate) struct $name;

        impl Permission for $name {
            const NAME: &'static str = $public;

            fn granted(role: Role) -> bool {
                matches!(role, $roles)
            }

            $(const FOR_VISITORS: bool = $visitors;)?
        }
        )+
    };
}

permissions! {
    /// Sees contacts and appointments.
    ReadContacts, "contacts.read", [Role::ClientAdmin | Role::ClientUser];
    /// Makes, changes and deletes contacts and appointments.
    EditContacts, "contacts.edit", [Role::ClientAdmin];
    /// Takes contacts out of the platform, as a file.
    ExportContacts, "contacts.export", [Role::ClientAdmin];
    /// Keeps searches of its own. Those that are everybody's are for whoever edits contacts.
    EditViews, "views.edit", [Role::ClientAdmin | Role::ClientUser], visitors: false;
    /// Sees groups of contacts, and who is in them.
    ReadGroups, "groups.read", [Role::ClientAdmin | Role::ClientUser];
    /// Makes, changes and deletes groups, and says who is in them.
    EditGroups, "groups.edit", [Role::ClientAdmin];
    /// Sees jobs, and how far they are.
    ReadJobs, "jobs.read", [Role::ClientAdmin | Role::ClientUser];
    /// Pauses, cancels and repeats jobs. To ask for one, what it does is to be allowed.
    EditJobs, "jobs.edit", [Role::ClientAdmin];
    /// Sees calls, their attempts, and why they have not gone out.
    ReadCalls, "calls.read", [Role::ClientAdmin | Role::ClientUser];
    /// Has somebody called now.
    PlaceCalls, "calls.place", [Role::ClientAdmin];
    /// Reports what came of a call.
    ReportOutcomes, "calls.report", [Role::ClientAdmin];
    /// Sees who is not to be called. Numbers are for those who may change the list.
    ReadDoNotCall, "do_not_call.read", [Role::ClientAdmin | Role::ClientUser];
    /// Changes who is not to be called.
    EditDoNotCall, "do_not_call.edit", [Role::ClientAdmin];
    /// Is told what happens, of what it may read.
    ReadLive, "live.read", [Role::ClientAdmin | Role::ClientUser];
    /// Sees the tenant's settings.
    ReadTenant, "tenant.read", [Role::ClientAdmin | Role::ClientUser];
    /// Changes the tenant's settings, pauses and resumes.
    EditTenant, "tenant.edit", [Role::ClientAdmin];
    /// Sees how long contacts are kept, says what may not be erased, and has somebody erased.
    KeepContacts, "retention.manage", [Role::ClientAdmin], visitors: false;
    /// Changes how the tenant's people sign in.
    EditSecurity, "tenant.security", [Role::ClientAdmin], visitors: false;
    /// Sees when the platform's people looked into the tenant, and why.
    ReadVisits, "visits.read", [Role::ClientAdmin];
    /// Reads the audit trail: who did what, who saw whom, and the values before and after.
    ReadAudit, "audit.read", [Role::ClientAdmin];
    /// Sees what screening of texts came to, by person, and who completed which training.
    ReadCompliance, "compliance.read", [Role::ClientAdmin];
    /// Sees the tenant's people and their sessions.
    ReadUsers, "users.read", [Role::ClientAdmin];
    /// Invites people, changes what they may do, ends their sessions.
    EditUsers, "users.edit", [Role::ClientAdmin], visitors: false;
    /// Sees API keys, though never the keys themselves.
    ReadKeys, "api_keys.read", [Role::ClientAdmin];
    /// Makes and revokes API keys.
    EditKeys, "api_keys.edit", [Role::ClientAdmin], visitors: false;
}

/// What somebody sees of contacts besides what everybody of the tenant does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Eyes {
    /// Notes and voice text.
    pub(crate) notes: bool,
    /// Of which type an appointment is, if the type is sensitive.
    pub(crate) sensitive_types: bool,
}

/// A caller who is known and has permission `P`.
#[derive(Debug)]
pub(crate) struct Allowed<P> {
    /// The tenant for which the caller acts.
    pub(crate) tenant: TenantId,
    /// As what the caller acts there.
    pub(crate) role: Role,
    /// Who it is.
    pub(crate) caller: Caller,
    /// What of the role; a person has all of it.
    pub(crate) scopes: Scopes,
    permission: PhantomData<fn() -> P>,
}

/// A caller who downloads a file: it counts towards no limit, since a file is as many bytes as thousands of answers, and asked for once.
#[derive(Debug)]
pub(crate) struct Download<P>(pub(crate) Allowed<P>);

impl<P: Permission> Takes for Download<P> {
    fn describe(draft: &mut Draft<'_>) {
        Allowed::<P>::describe(draft);
        draft.uncounted();
    }
}

impl<P: Permission> FromRequestParts<App> for Download<P> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        Allowed::uncounted(parts, app).await.map(Self)
    }
}

impl<P> Allowed<P> {
    /// The caller, for events and audit.
    pub(crate) fn actor(&self) -> Actor {
        self.caller.actor()
    }

    /// Whether the caller has another permission too.
    pub(crate) fn may<Q: Permission>(&self) -> bool {
        let visits = matches!(self.caller, Caller::Visitor { .. });
        Q::granted(self.role) && self.scopes.allow(Q::NAME) && (!visits || Q::FOR_VISITORS)
    }

    /// Refuses who doesn't have another permission too.
    ///
    /// # Errors
    /// 403, which names it.
    pub(crate) fn must<Q: Permission>(&self) -> Result<(), Problem> {
        if self.may::<Q>() { Ok(()) } else { Err(Problem::Forbidden { need: Q::NAME }) }
    }

    /// Whether the caller may all that somebody of `role` may. A key with scopes never gives anybody more than it has itself.
    pub(crate) fn covers(&self, role: Role) -> bool {
        let mut of_role = PERMISSIONS.iter().filter(|(_, granted)| granted(role));
        of_role.all(|(name, granted)| granted(self.role) && self.scopes.allow(name))
    }

    /// What the caller sees of contacts.
    pub(crate) fn eyes(&self, tenant: &Tenant) -> Eyes {
        let administers = self.role == Role::ClientAdmin;
        Eyes {
            notes: administers || tenant.policy.users_see_notes,
            sensitive_types: administers || tenant.policy.users_see_sensitive_types,
        }
    }
}

impl<P: Permission> Takes for Allowed<P> {
    fn describe(draft: &mut Draft<'_>) {
        Who::describe(draft);
        draft.needs(P::NAME);
        draft.fails(&[
            Kind::Forbidden,
            Kind::Suspended,
            Kind::SecondFactorSetupNeeded,
            Kind::AccessNotDeclared,
        ]);
    }
}

impl<P: Permission> FromRequestParts<App> for Allowed<P> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let who = Who::identify(parts, app).await?;
        // Known before the request is counted: one that is refused for its number is on record too.
        who.visits(parts);
        who.count(parts, app).await?;
        Self::check(who)
    }
}

impl<P: Permission> Allowed<P> {
    /// A caller whose request counts towards no limit: of a webhook, or a download.
    pub(crate) async fn uncounted(parts: &Parts, app: &App) -> Result<Self, Problem> {
        let who = Who::identify(parts, app).await?;
        who.visits(parts);
        Self::check(who)
    }

    fn check(who: Who) -> Result<Self, Problem> {
        let Acting { tenant, role, scopes, caller } = who.acting()?;
        let allowed = Self { tenant, role, caller, scopes, permission: PhantomData };
        if !allowed.may::<P>() {
            return Err(Problem::Forbidden { need: P::NAME });
        }
        tracing::debug!(tenant.id = %tenant, caller = %caller.actor(), "allowed");
        Ok(allowed)
    }
}
