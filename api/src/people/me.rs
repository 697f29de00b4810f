//! Who am I?

use axum::extract::State;
use serde_json::{Value, json};
use shared::api_keys::{Role, Scopes};

use crate::app::App;
use crate::auth::{PERMISSIONS, Who};
use crate::http::{Problem, Reply};

/// Shows who asks, and what they may do at this moment.
pub(super) async fn show(State(_app): State<App>, who: Who) -> Result<Reply, Problem> {
    let view = match who {
        Who::Key(holder) => json!({
            "kind": "api_key",
            "id": holder.key,
            "tenant_id": holder.tenant,
            "role": holder.role.as_str(),
            "permissions": permissions(holder.role, &holder.scopes),
        }),
        Who::Person(standing) => {
            let role = standing.role.in_tenant();
            let role = role.or_else(|| standing.visit.map(|visit| visit.kind.acts_as()));
            let role = role.filter(|_| !standing.factor_missing);
            json!({
                "kind": "user",
                "id": standing.user,
                "tenant_id": standing.tenant,
                "role": standing.role.as_str(),
                "permissions": role.map_or_else(Vec::new, |role| permissions(role, &Scopes::all())),
                "session": { "id": standing.session, "ends_at": standing.ends_at },
                "second_factor_setup_needed": standing.factor_missing,
                "visit": standing.visit.map_or(Value::Null, |visit| json!({
                    "id": visit.id, "tenant_id": visit.tenant, "kind": visit.kind.as_str(),
                })),
            })
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
