//! Pages of a list.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use shared::paging::{Page, Slice};

use super::problem::Problem;

const USUAL: u16 = 50;
const MOST: u16 = 200;

/// Which page is wanted.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PageQuery {
    /// At most so many; 50 unless given.
    #[schemars(range(min = 1, max = 200))]
    limit: Option<i64>,
    /// The `next` of the page before.
    #[schemars(regex(pattern = "^[0-9a-f]{48}$"))]
    cursor: Option<String>,
}

impl PageQuery {
    /// The page that these parameters name, of a list that takes others as well.
    pub(crate) fn new(limit: Option<i64>, cursor: Option<String>) -> Self {
        Self { limit, cursor }
    }

    /// The part of the list, or what is wrong with the parameters.
    pub(crate) fn slice(&self) -> Result<Slice, Problem> {
        let limit = match self.limit {
            None => USUAL,
            Some(limit) => {
                u16::try_from(limit).ok().filter(|l| (1..=MOST).contains(l)).ok_or_else(|| {
                    Problem::field("limit", "out_of_range", format!("must be from 1 to {MOST}"))
                })?
            }
        };
        let after = self.cursor.as_deref().map(str::parse).transpose();
        let after = after.map_err(|_| {
            Problem::field("cursor", "bad_cursor", "pass on what the page before gave as next")
        })?;
        Ok(Slice { after, limit })
    }
}

/// One page.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "PageOf{T}")]
pub(crate) struct PageView<T> {
    /// What is on the page.
    pub(crate) items: Vec<T>,
    /// The `cursor` of the next page; null on the last.
    pub(crate) next: Option<String>,
}

impl<T> PageView<T> {
    /// A page of views.
    pub(crate) fn of<U>(page: Page<U>, view: impl FnMut(U) -> T) -> Self {
        let next = page.next.map(|cursor| cursor.to_string());
        Self { items: page.items.into_iter().map(view).collect(), next }
    }
}
