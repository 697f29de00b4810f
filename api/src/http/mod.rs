//! What every route shares: problems, bodies, pages, versions, and doing things once.

mod around;
mod body;
mod fields;
mod page;
mod problem;
mod reply;
mod version;

pub(crate) use around::{Caller, around};
pub(crate) use body::{
    Body, Nothing, Path, Post, Query, media_type, named, parse, parse_value, present, read,
};
pub(crate) use fields::{Code, Fields};
pub(crate) use page::{PageQuery, PageView};
pub(crate) use problem::{FieldError, Problem};
pub(crate) use reply::Reply;
pub(crate) use version::IfMatch;
