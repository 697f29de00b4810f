//! Opening what entries say of values before and after. Which key sealed it, nobody wrote down: the contact's, if the entry is
//! about one, or else the tenant's.

use std::collections::HashMap;

use serde_json::Value;
use uuid::Uuid;

use super::{Row, store};
use crate::crypto::{ContactField, ContactKey, TenantField, TenantKeys};
use crate::db::{Error, TenantTx};

/// Values before and after.
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    /// The entry has none.
    None,
    /// As they were.
    Opened(Value),
    /// Their key is gone: the contact was erased. The entry stays, and so does the chain.
    Erased,
    /// Sealed by a key that isn't at hand, or damaged.
    Unreadable,
}

/// Opens the values of entries of the chain of changes, one for each.
///
/// # Errors
/// Any [`Error`]; a value that doesn't open is none.
pub async fn values(
    tx: &mut TenantTx,
    keys: &TenantKeys,
    rows: &[Row],
) -> Result<Vec<Values>, Error> {
    let mut entities: Vec<Uuid> = rows.iter().map(|row| row.entity).collect();
    entities.sort_unstable();
    entities.dedup();
    let mut contacts = HashMap::new();
    for (entity, contact, wrapped) in store::keys_of(tx, &entities).await? {
        let key = wrapped.map(|wrapped| keys.unwrap_contact_key(contact, &wrapped));
        contacts.insert(entity, key.and_then(Result::ok));
    }
    Ok(rows.iter().map(|row| open(keys, contacts.get(&row.entity), row)).collect())
}

fn open(keys: &TenantKeys, contact: Option<&Option<ContactKey>>, row: &Row) -> Values {
    let Some(sealed) = row.detail.as_deref().filter(|sealed| !sealed.is_empty()) else {
        return Values::None;
    };
    let opened = match contact {
        Some(Some(key)) => key.open(ContactField::AuditValues { entry: row.entity }, sealed).ok(),
        _ => None,
    };
    let opened = opened.or_else(|| keys.open(TenantField::AuditDetails, row.entity, sealed).ok());
    match (opened, contact) {
        (Some(bytes), _) => {
            serde_json::from_slice(&bytes).map_or(Values::Unreadable, Values::Opened)
        }
        (None, Some(None)) => Values::Erased,
        (None, _) => Values::Unreadable,
    }
}
