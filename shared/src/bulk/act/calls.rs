//! Calling people now, as *call now* does it for one: it skips no check, and takes over what is planned for the same purpose.

use crate::bulk::{Chosen, code};
use crate::calls::call_now::{Pressed, press};
use crate::jobs::Failure;
use crate::jobs::store::items::{Item, Outcome};
use crate::jobs::store::run::Batch;

/// Puts the calls of `chosen` to the front, one after the other: each that is in front is before the next one. What became of each; of one
/// that can't go out in time why not, by the rule's own word.
///
/// # Errors
/// Any [`Failure`].
pub(super) async fn call(
    batch: &mut Batch,
    wait: bool,
    chosen: &[Chosen],
    first: i64,
) -> Result<Vec<Item>, Failure> {
    let mut items = Vec::with_capacity(chosen.len());
    for (n, one) in (first..).zip(chosen) {
        let pressed = press(&mut batch.tx, one.contact, wait, &mut batch.changes).await?;
        let (outcome, code, call) = match pressed {
            Pressed::InFront { call, .. } => (Outcome::Done, Some(code::IN_FRONT), Some(call)),
            Pressed::UnderWay { call } => (Outcome::Skipped, Some(code::UNDER_WAY), Some(call)),
            Pressed::NotNow(explanation) => {
                let why = explanation.decision.reasons().first().map(|reason| reason.code());
                (Outcome::Failed, Some(why.unwrap_or(code::TOO_MANY_BEFORE)), None)
            }
            Pressed::NoContact => (Outcome::Failed, Some(code::NO_CONTACT), None),
        };
        let item = Item::new(n, Some(one.contact), outcome, code);
        items.push(Item { thing: call.map(|call| call.0), ..item });
    }
    Ok(items)
}
