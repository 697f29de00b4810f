//! Who am I?

use axum::extract::State;
use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;
use shared::api_keys::{Role, Scopes};
use shared::ids::{SessionId, TenantId, VisitId};
use shared::people;
use uuid::Uuid;

use crate::app::App;
use crate::auth::{PERMISSIONS, Who};
use crate::http::contract::Operation;
use crate::http::{Problem, Reply, Shown};

/// Who asks.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Me")]
pub(super) struct MeView {
    /// A program, or a person.
    #[schemars(extend("enum" = ["api_key", "user"]))]
    kind: &'static str,
    /// The key's, or the user's.
    id: Uuid,
    /// None: somebody of the platform.
    tenant_id: Option<TenantId>,
    /// As what they act.
    #[schemars(with = "people::Role")]
    role: &'static str,
    /// What they may do at this moment.
    #[schemars(example = ["contacts.read"])]
    permissions: Vec<&'static str>,
    /// A person's session.
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<MySession>,
    /// Of a person: nothing but setting up a second factor is allowed until that is done.
    #[serde(skip_serializing_if = "Option::is_none")]
    second_factor_setup_needed: Option<bool>,
    /// Of somebody of the platform: the tenant that they look into.
    #[serde(skip_serializing_if = "Option::is_none")]
    visit: Option<Option<MyVisit>>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct MySession {
    id: SessionId,
    ends_at: DateTime<Utc>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct MyVisit {
    id: VisitId,
    tenant_id: TenantId,
    #[schemars(with = "people::visit::Kind")]
    kind: &'static str,
}

pub(super) const SHOW: Operation =
    Operation::new("readMe", "Who am I?").says("Who asks, and what they may do at this moment.");

/// Shows who asks, and what they may do at this moment.
pub(super) async fn show(
    State(_app): State<App>,
    who: Who,
) -> Result<Reply<Shown<MeView>>, Problem> {
    let view = match who {
        Who::Key(holder) => MeView {
            kind: "api_key",
            id: holder.key.0,
            tenant_id: Some(holder.tenant),
            role: holder.role.as_str(),
            permissions: permissions(holder.role, &holder.scopes),
            session: None,
            second_factor_setup_needed: None,
            visit: None,
        },
        Who::Person(standing) => {
            let role = standing.role.in_tenant();
            let role = role.or_else(|| standing.visit.map(|visit| visit.kind.acts_as()));
            let role = role.filter(|_| !standing.factor_missing);
            let permissions = role.map_or_else(Vec::new, |role| permissions(role, &Scopes::all()));
            MeView {
                kind: "user",
                id: standing.user.0,
                tenant_id: standing.tenant,
                role: standing.role.as_str(),
                permissions,
                session: Some(MySession { id: standing.session, ends_at: standing.ends_at }),
                second_factor_setup_needed: Some(standing.factor_missing),
                visit: Some(standing.visit.map(|visit| MyVisit {
                    id: visit.id,
                    tenant_id: visit.tenant,
                    kind: visit.kind.as_str(),
                })),
            }
        }
    };
    Reply::ok(&view)
}

/// The permissions that a role has and the scopes leave.
pub(super) fn permissions(role: Role, scopes: &Scopes) -> Vec<&'static str> {
    PERMISSIONS
        .iter()
        .filter(|(name, granted)| granted(role) && scopes.allow(name))
        .map(|(name, _)| *name)
        .collect()
}
