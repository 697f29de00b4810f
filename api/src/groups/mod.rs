//! Groups of contacts.
//!
//! Who is in a group is listed where contacts are listed, by a filter; here it is changed.

mod create;
mod edit;
mod fields;
mod find;
mod members;
mod overview;
mod view;

use shared::crypto::TenantField;
use shared::groups::{Group, store};
use shared::ids::GroupId;

use crate::app::Work;
use crate::http::contract::{Routes, get, post, put};
use crate::http::{IfMatch, Problem};

/// What a group is called in problems.
const NOUN: &str = "group";

/// 10,000 ids of contacts, and room to spare.
const MOST_BYTES: usize = 1024 * 1024;

/// Routes below `/v1/groups`.
pub(crate) fn routes() -> Routes {
    Routes::tagged("Groups")
        .at("/", post(create::CREATE, create::create).get(find::LIST, find::list))
        .at("/overview", get(overview::OVERVIEW, overview::overview))
        .at(
            "/{group}",
            get(find::FIND, find::find)
                .patch(edit::PATCH, edit::patch)
                .delete(edit::DELETE, edit::delete),
        )
        .at("/{group}/figures", get(overview::FIGURES, overview::figures))
        .at("/{group}/members", post(members::CHANGE, members::change))
        .at(
            "/{group}/members/{contact}",
            put(members::ADD, members::add).delete(members::REMOVE, members::remove),
        )
}

/// The route below `/v1/contacts`.
pub(crate) fn of_contact() -> Routes {
    Routes::tagged("Groups").at("/{contact}/groups", get(find::OF_CONTACT, find::of_contact))
}

/// The group, locked, and the time under its lock.
async fn lock(work: &mut Work, id: GroupId, version: IfMatch) -> Result<Group, Problem> {
    let group = store::lock(&mut work.tx, id).await?.ok_or(Problem::NotFound(NOUN))?;
    version.check(group.version)?;
    work.now = shared::tenants::store::now(&mut work.tx).await?;
    Ok(group)
}

/// Adds an audit entry about a group itself, sealed under the tenant's key.
fn entry(
    work: &mut Work,
    action: &'static str,
    group: GroupId,
    values: &serde_json::Value,
) -> Result<(), Problem> {
    let values = values.to_string();
    let sealed = work.keys.seal(TenantField::AuditDetails, group.0, values.as_bytes())?;
    work.changes.entry(action, group.0, Some(sealed));
    Ok(())
}
