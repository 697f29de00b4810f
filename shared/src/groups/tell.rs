//! Telling of each contact that it is in a group now, or isn't any more.

use super::store::Member;
use crate::audit::Changes;
use crate::crypto::{ContactField, CryptoError, TenantKeys};
use crate::ids::GroupId;

/// Which way somebody went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// Into the group.
    Added,
    /// Out of it.
    Removed,
}

/// Adds to the changes, for each contact, an event and an entry sealed under the contact's own key, which ends with it.
///
/// # Errors
/// A contact's key can't be unwrapped.
pub fn tell(
    keys: &TenantKeys,
    changes: &mut Changes,
    group: GroupId,
    members: &[Member],
    how: How,
) -> Result<(), CryptoError> {
    let (kind, action, when) = match how {
        How::Added => ("group.member_added", "group.add_member", "after"),
        How::Removed => ("group.member_removed", "group.remove_member", "before"),
    };
    let values = serde_json::json!({ when: { "group": group } }).to_string();
    for Member { contact, key_wrapped } in members {
        let key = keys.unwrap_contact_key(contact.0, key_wrapped)?;
        let place = ContactField::AuditValues { entry: contact.0 };
        let sealed = key.seal(place, values.as_bytes())?;
        changes.event(kind, group.0, Some(*contact));
        changes.entry(action, contact.0, Some(sealed));
    }
    Ok(())
}
