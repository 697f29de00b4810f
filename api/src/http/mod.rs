//! What every route shares: problems, bodies, pages, versions, and doing things once.

mod around;
mod body;
pub(crate) mod contract;
mod fields;
mod page;
pub(crate) mod problem;
mod reply;
mod strict;
mod version;

pub(crate) use around::{LoggedCaller, around};
pub(crate) use body::{
    BODY_FAILS, Body, NotKept, Nothing, Path, Post, Query, media_type, named, only, parse,
    parse_value, present, read,
};
pub(crate) use fields::{Code, Fields};
pub(crate) use page::{PageQuery, PageView};
pub(crate) use problem::{FieldError, Kind, Problem, RefusedTexts};
pub(crate) use reply::{
    Accepted, Created, CsvFile, Either, Empty, Reply, Shown, Versioned, of_file,
};
pub(crate) use version::IfMatch;
