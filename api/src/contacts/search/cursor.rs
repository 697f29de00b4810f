//! Where a page ended, for a client to hand back: sealed, since it holds what contacts were ordered by, a name perhaps.

use serde::{Deserialize, Serialize};
use shared::crypto::{TenantField, TenantKeys};
use shared::search::{Position, Sort};
use uuid::Uuid;

use crate::http::Problem;

#[derive(Serialize, Deserialize)]
struct Cursor<S, P> {
    sorts: S,
    position: P,
}

/// The cursor of what follows `position` in the order of `sorts`.
pub(super) fn seal(
    keys: &TenantKeys,
    sorts: &[Sort],
    position: &Position,
) -> Result<String, Problem> {
    let text = serde_json::to_vec(&Cursor { sorts, position });
    let text = zeroize::Zeroizing::new(text.map_err(|error| Problem::Internal(error.into()))?);
    let sealed = keys.seal(TenantField::SearchCursor, Uuid::nil(), &text)?;
    Ok(hex::encode(sealed.into_bytes()))
}

/// Where the search goes on that gave `cursor`, if it was in this order.
pub(super) fn open(keys: &TenantKeys, sorts: &[Sort], cursor: &str) -> Result<Position, Problem> {
    read(keys, cursor)
        .filter(|cursor| cursor.sorts == sorts && cursor.position.is_of(sorts))
        .map(|cursor| cursor.position)
        .ok_or_else(|| {
            Problem::field(
                "/after",
                "bad_cursor",
                "pass on what an answer in the same order gave as next",
            )
        })
}

fn read(keys: &TenantKeys, cursor: &str) -> Option<Cursor<Vec<Sort>, Position>> {
    let sealed = hex::decode(cursor).ok()?;
    let text = keys.open(TenantField::SearchCursor, Uuid::nil(), &sealed).ok()?;
    serde_json::from_slice(&text).ok()
}
