//! What the tenant has chosen, within what it may choose.

use std::borrow::Cow;

use axum::extract::State;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use shared::calls::rules::policy::{Allowance, Fault, Policy};
use shared::tenants::{Tenant, phone_rules, store};

use super::tell;
use crate::app::App;
use crate::auth::{Allowed, EditTenant, ReadTenant};
use crate::http::contract::{Operation, in_one_piece};
use crate::http::{Body, FieldError, IfMatch, Problem, Reply, Shown, Versioned};
use crate::planning::{self, Planned};

/// The policy, and how loose it may be.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "PolicyAndAllowance")]
pub(super) struct PolicyView {
    policy: Policy,
    allowance: Allowance,
}

type PolicyReply = Reply<Versioned<Shown<PolicyView>>>;

/// Settings that change.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(super) struct Patch(Map<String, Value>);

impl JsonSchema for Patch {
    fn schema_name() -> Cow<'static, str> {
        "PolicyPatch".into()
    }

    /// The policy's, with each setting optional and `null` besides.
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        // Of the week, too, single days may be given, so it is none of the policy's weeks.
        let mut schema = in_one_piece::<Policy>(generator);
        schema.remove("required");
        schema.insert(
            "description".to_owned(),
            "Settings that change; `null` goes back to the default.".into(),
        );
        schema.insert(
            "examples".to_owned(),
            json!([{ "gap_minutes": 720, "calling_hours": { "sunday": null } }]),
        );
        if let Some(fields) = schema.get_mut("properties").and_then(Value::as_object_mut) {
            for field in fields.values_mut() {
                if let Some(field) = field.as_object_mut() {
                    field.remove("default");
                }
                let given = field.take();
                let description = given.get("description").cloned().unwrap_or_default();
                *field =
                    json!({ "description": description, "anyOf": [given, { "type": "null" }] });
            }
        }
        schema
    }
}

pub(super) const FIND: Operation = Operation::new("readPolicy", "Show the policy").says(
    "With the `allowance`: how loose it may be, which only a platform administrator changes.",
);

/// Shows the policy, and what the tenant may choose.
pub(super) async fn find(
    State(app): State<App>,
    by: Allowed<ReadTenant>,
) -> Result<PolicyReply, Problem> {
    let work = app.read(&by).await?;
    show(&work.tenant)
}

fn show(tenant: &Tenant) -> Result<PolicyReply, Problem> {
    let view = PolicyView { policy: tenant.policy.clone(), allowance: tenant.allowance.clone() };
    Ok(Reply::ok(&view)?.with_version(tenant.version))
}

pub(super) const PATCH: Operation = Operation::new("changePolicy", "Change the policy").says(
    "Settings that are absent stay, `null` goes back to the default. Of `calling_hours` single days may be given, and a \
     day that is `null` is closed. Every call that waits is looked at again; times that were planned stay.",
);

/// Changes some settings: those that are absent stay, `null` goes back to the default; of `calling_hours` single days
/// may be given, and a day that is `null` is closed.
pub(super) async fn patch(
    State(app): State<App>,
    by: Allowed<EditTenant>,
    version: IfMatch,
    Body(Patch(patch)): Body<Patch>,
) -> Result<PolicyReply, Problem> {
    let mut work = app.change(&by).await?;
    work.lock_tenant().await?;
    version.check(work.tenant.version)?;
    let policy = patched(&work.tenant.policy, patch)?;
    check(&policy, &work.tenant)?;
    if policy != work.tenant.policy {
        let values = json!({ "before": work.tenant.policy, "after": policy });
        work.tenant.policy = policy;
        work.tenant.version += 1;
        store::save(&mut work.tx, &work.tenant, work.now).await?;
        tell(&mut work, "tenant.changed", "tenant.change_policy", &values)?;
        planning::tell(&mut work, Planned::TenantChanged).await?;
    }
    let reply = show(&work.tenant)?;
    work.commit(&app, reply).await
}

fn patched(policy: &Policy, patch: Map<String, Value>) -> Result<Policy, Problem> {
    let internal = |error: serde_json::Error| Problem::Internal(error.into());
    let mut whole = serde_json::to_value(policy).map_err(internal)?;
    let fields =
        whole.as_object_mut().ok_or_else(|| Problem::Internal(anyhow::anyhow!("no object")))?;
    for (name, value) in patch {
        match (fields.get_mut(&name), value) {
            (Some(Value::Object(days)), Value::Object(given)) => days.extend(given),
            (Some(_), Value::Null) => {
                fields.remove(&name);
            }
            (_, value) => {
                fields.insert(name, value);
            }
        }
    }
    crate::http::parse_value(whole)
}

fn check(policy: &Policy, tenant: &Tenant) -> Result<(), Problem> {
    let mut errors: Vec<FieldError> = match policy.check(&tenant.allowance) {
        Ok(()) => Vec::new(),
        Err(faults) => faults
            .iter()
            .map(|fault| FieldError {
                field: format!("/{}", fault.field.replace('.', "/")),
                code: code(&fault.reason),
                detail: fault.reason.to_string(),
                place: None,
            })
            .collect(),
    };
    if phone_rules(policy).is_err() && !policy.number_regions.is_empty() {
        errors.push(FieldError {
            field: "/number_regions".to_owned(),
            code: "unknown_region",
            detail: "names a region that has no telephone numbers".to_owned(),
            place: None,
        });
    }
    if errors.is_empty() { Ok(()) } else { Err(Problem::Invalid(errors)) }
}

fn code(fault: &Fault) -> &'static str {
    match fault {
        Fault::AtLeast(_) => "too_small",
        Fault::AtMost(_) => "too_large",
        Fault::NotBefore(_) => "too_early",
        Fault::NotAfter(_) => "too_late",
        Fault::TooShort => "too_short",
        Fault::Empty => "empty",
        Fault::NotAllowed => "not_allowed",
    }
}
