//! Deleting contacts, and bringing them back.

use std::collections::HashSet;

use serde_json::json;

use super::Work;
use crate::bulk::changes::{bring_back, delete};
use crate::bulk::code;
use crate::jobs::Failure;
use crate::jobs::store::items::{Item, Outcome};

impl Work<'_> {
    pub(super) async fn delete(&mut self) -> Result<Vec<Item>, Failure> {
        let (mut items, mut ids, mut seen) = (Vec::new(), Vec::new(), HashSet::new());
        for (at, one) in self.chosen.iter().enumerate() {
            let id = one.contact;
            let Some(version) = self.live(id).map(|locked| locked.version) else {
                items.push(self.item(at, Outcome::Failed, Some(code::NO_CONTACT)));
                continue;
            };
            if !seen.insert(id) {
                items.push(self.item(at, Outcome::Skipped, Some(code::UNCHANGED)));
                continue;
            }
            ids.push(id);
            items.push(self.of_contact(at, version));
        }
        delete(self.batch, self.job, &self.locked, &ids).await?;
        Ok(items)
    }

    pub(super) async fn restore(&mut self) -> Result<Vec<Item>, Failure> {
        let (mut items, mut ids, mut seen) = (Vec::new(), Vec::new(), HashSet::new());
        for (at, one) in self.chosen.iter().enumerate() {
            let id = one.contact;
            match self.locked.get(&id) {
                None => items.push(self.item(at, Outcome::Failed, Some(code::NO_CONTACT))),
                Some(locked) if locked.deleted_at.is_none() || !seen.insert(id) => {
                    items.push(self.item(at, Outcome::Skipped, Some(code::NOT_DELETED)));
                }
                Some(locked) => {
                    ids.push(id);
                    items.push(self.of_contact(at, locked.version));
                }
            }
        }
        bring_back(self.batch, self.job, &self.locked, &ids).await?;
        Ok(items)
    }

    /// That a contact of this version was changed; taking it back needs nothing but that.
    fn of_contact(&self, at: usize, version: i32) -> Item {
        Item {
            thing: None,
            before: Some(json!({})),
            version: Some(version.saturating_add(1)),
            ..self.item(at, Outcome::Done, None)
        }
    }
}
