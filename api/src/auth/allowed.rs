//! The only source of a tenant id in a handler: a handler that forgets to ask can't reach a tenant's rows.

use std::marker::PhantomData;

use axum::extract::FromRequestParts;
use axum::http::header;
use axum::http::request::Parts;
use shared::api_keys::{ApiKey, Role, store};
use shared::audit::Actor;
use shared::ids::{ApiKeyId, TenantId};
use shared::tenants::Tenant;

use crate::accesses::Witness;
use crate::app::App;
use crate::http::Problem;
use crate::live::Holder;

/// Something that one may be allowed to do.
pub(crate) trait Permission: Send + Sync + 'static {
    /// Its public name.
    const NAME: &'static str;

    /// Whether a role has it.
    fn granted(role: Role) -> bool;
}

macro_rules! permissions {
    ($($(#[$doc:meta])* $name:ident, $public:literal, [$roles:pat];)+) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub(crate) struct $name;

        impl Permission for $name {
            const NAME: &'static str = $public;

            fn granted(role: Role) -> bool {
                matches!(role, $roles)
            }
        }
    )+};
}

permissions! {
    /// Sees contacts and appointments.
    ReadContacts, "contacts.read", [Role::ClientAdmin | Role::ClientUser];
    /// Makes, changes and deletes contacts and appointments.
    EditContacts, "contacts.edit", [Role::ClientAdmin];
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
}

/// A caller who is known and has permission `P`.
#[derive(Debug)]
pub(crate) struct Allowed<P> {
    /// The tenant for which the caller acts.
    pub(crate) tenant: TenantId,
    /// What the caller's key may do.
    pub(crate) role: Role,
    key: ApiKeyId,
    permission: PhantomData<fn() -> P>,
}

impl<P> Allowed<P> {
    /// The caller, for events and audit.
    pub(crate) fn actor(&self) -> Actor {
        Actor::Key(self.key)
    }

    /// By what the caller has access: when that ends, so do its sockets.
    pub(crate) fn holder(&self) -> Holder {
        Holder::Key(self.key)
    }

    /// Whether the caller sees notes and voice text.
    pub(crate) fn sees_notes(&self, tenant: &Tenant) -> bool {
        self.role == Role::ClientAdmin || tenant.policy.users_see_notes
    }
}

impl<P: Permission> FromRequestParts<App> for Allowed<P> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let key = bearer(parts).ok_or(Problem::Unauthenticated)?;
        let holder = store::find(&app.db, &key).await?.ok_or(Problem::Unauthenticated)?;
        if let Some(witness) = parts.extensions.get::<Witness>() {
            witness.saw(holder.tenant, Actor::Key(holder.key));
        }
        if !holder.tenant_active {
            return Err(Problem::Suspended);
        }
        if !P::granted(holder.role) {
            return Err(Problem::Forbidden { need: P::NAME });
        }
        tracing::debug!(tenant.id = %holder.tenant, key.id = %holder.key, "allowed");
        Ok(Self {
            tenant: holder.tenant,
            role: holder.role,
            key: holder.key,
            permission: PhantomData,
        })
    }
}

fn bearer(parts: &Parts) -> Option<ApiKey> {
    let value = parts.headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, key) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return None;
    }
    ApiKey::parse(key.trim())
}
