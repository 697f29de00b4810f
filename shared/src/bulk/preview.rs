//! What a bulk change would do, counted.

use std::collections::HashSet;

use chrono::{DateTime, Utc};

use super::act::edited;
use super::store::{appointments, contacts, groups};
use super::{Act, Chosen};
use crate::appointments::status_word;
use crate::db::{Error, TenantTx};
use crate::ids::{ContactId, GroupId};

/// How many would change, and how many not, by why.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// They would change.
    pub changes: usize,
    /// They are as they would be.
    pub unchanged: usize,
    /// They are no contacts, or deleted ones.
    pub no_contact: usize,
    /// They have no appointment, or not the one that is named.
    pub no_appointment: usize,
}

/// Counts what would be done for `chosen`, as things stand in this transaction.
///
/// # Errors
/// Any [`Error`].
pub async fn preview(
    tx: &mut TenantTx,
    act: &Act,
    chosen: &[Chosen],
    now: DateTime<Utc>,
) -> Result<Counts, Error> {
    let ids: Vec<ContactId> = chosen.iter().map(|one| one.contact).collect();
    let there = contacts::there(tx, &ids).await?;
    let mut counts = Counts::default();
    match act {
        Act::Status { .. } | Act::Edit(_) => {
            let (mut seen, meant) = (HashSet::new(), appointments::meant(tx, chosen, now).await?);
            for (one, stands) in chosen.iter().zip(meant) {
                match stands {
                    _ if there.get(&one.contact) != Some(&true) => counts.no_contact += 1,
                    None => counts.no_appointment += 1,
                    Some(stands) => {
                        let same = match act {
                            Act::Status { status, .. } => stands.status == status_word(*status),
                            Act::Edit(edit) => edited(&stands, edit) == stands,
                            _ => true,
                        };
                        let once = seen.insert(stands.id);
                        counts.note(once && !same);
                    }
                }
            }
        }
        Act::Groups { add, remove, replace } => {
            let before = groups::of(tx, &ids).await?;
            let none: Vec<GroupId> = Vec::new();
            for id in &ids {
                if there.get(id) != Some(&true) {
                    counts.no_contact += 1;
                    continue;
                }
                let is_in = before.get(id).unwrap_or(&none);
                let joins = add.iter().any(|group| !is_in.contains(group));
                let leaves =
                    is_in.iter().any(|g| remove.contains(g) || *replace && !add.contains(g));
                counts.note(joins || leaves);
            }
        }
        // Who can be called is asked of each when it is their turn, and changes with every minute.
        Act::Call { .. } => {
            for id in &ids {
                match there.get(id) {
                    Some(true) => counts.note(true),
                    _ => counts.no_contact += 1,
                }
            }
        }
        Act::Delete | Act::Restore => {
            for id in &ids {
                match there.get(id) {
                    None => counts.no_contact += 1,
                    Some(live) => counts.note(*live == (*act == Act::Delete)),
                }
            }
        }
    }
    Ok(counts)
}

impl Counts {
    fn note(&mut self, changes: bool) {
        if changes {
            self.changes += 1;
        } else {
            self.unchanged += 1;
        }
    }
}
