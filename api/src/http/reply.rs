//! Answers that succeed: they can be kept and given again.

use std::marker::PhantomData;

use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Serialize;
use shared::idempotency::Kept;
use uuid::Uuid;

use super::contract::{Answer, Draft};
use super::problem::Problem;
use crate::accesses::ShownIds;

/// An answer: status, the headers that matter, and a body. `A` says which answer it is, for the contract.
#[derive(Debug)]
pub(crate) struct Reply<A> {
    status: StatusCode,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
    shown: Vec<Uuid>,
    answer: PhantomData<fn() -> A>,
}

/// 200 with a `T`.
#[derive(Debug)]
pub(crate) struct Shown<T>(PhantomData<T>);
/// 201 with a `T`, and its address.
#[derive(Debug)]
pub(crate) struct Created<T>(PhantomData<T>);
/// 202 with a `T`, and the address at which to look: the shape of everything that is done later.
#[derive(Debug)]
pub(crate) struct Accepted<T>(PhantomData<T>);
/// 204.
#[derive(Debug)]
pub(crate) struct Empty;
/// 200 with a file of CSV, to be kept.
#[derive(Debug)]
pub(crate) struct CsvFile;
/// `A` with an `ETag`.
#[derive(Debug)]
pub(crate) struct Versioned<A>(PhantomData<A>);
/// `A` or `B`, by status.
#[derive(Debug)]
pub(crate) struct Either<A, B>(PhantomData<(A, B)>);

impl<T: JsonSchema> Answer for Shown<T> {
    fn describe(draft: &mut Draft<'_>) {
        draft.answers::<T>(200, "Done; this is how it stands.", &[]);
    }
}

impl<T: JsonSchema> Answer for Created<T> {
    fn describe(draft: &mut Draft<'_>) {
        draft.answers::<T>(201, "Made.", &["Location"]);
    }
}

impl<T: JsonSchema> Answer for Accepted<T> {
    fn describe(draft: &mut Draft<'_>) {
        draft.answers::<T>(202, "Accepted; `Location` says where to look.", &["Location"]);
    }
}

impl Answer for Empty {
    fn describe(draft: &mut Draft<'_>) {
        draft.answers_with(204, "Done; there is nothing to show.", &[]);
    }
}

impl Answer for CsvFile {
    fn describe(draft: &mut Draft<'_>) {
        draft.answers_file("text/csv");
    }
}

impl<A: Answer> Answer for Versioned<A> {
    fn describe(draft: &mut Draft<'_>) {
        A::describe(draft);
        draft.answers_say("ETag");
    }
}

impl<A: Answer, B: Answer> Answer for Either<A, B> {
    fn describe(draft: &mut Draft<'_>) {
        A::describe(draft);
        B::describe(draft);
    }
}

impl<A: Answer> Answer for Reply<A> {
    fn describe(draft: &mut Draft<'_>) {
        A::describe(draft);
    }
}

const JSON: &str = "application/json";

fn with_body<A>(status: StatusCode, body: &impl Serialize) -> Result<Reply<A>, Problem> {
    let body = serde_json::to_vec(body).map_err(|error| Problem::Internal(error.into()))?;
    let headers = vec![("content-type", JSON.to_owned())];
    Ok(Reply { status, headers, body, shown: Vec::new(), answer: PhantomData })
}

impl<T: Serialize> Reply<Shown<T>> {
    /// 200 with a JSON body.
    pub(crate) fn ok(body: &T) -> Result<Self, Problem> {
        with_body(StatusCode::OK, body)
    }
}

impl<T: Serialize> Reply<Created<T>> {
    /// 201 with a JSON body and the address of what was made.
    pub(crate) fn created(address: String, body: &T) -> Result<Self, Problem> {
        let mut reply = with_body(StatusCode::CREATED, body)?;
        reply.headers.push(("location", address));
        Ok(reply)
    }
}

impl<T: Serialize> Reply<Accepted<T>> {
    /// 202 with a JSON body and the address at which to look.
    pub(crate) fn accepted(address: String, body: &T) -> Result<Self, Problem> {
        let mut reply = with_body(StatusCode::ACCEPTED, body)?;
        reply.headers.push(("location", address));
        Ok(reply)
    }
}

impl Reply<Empty> {
    /// 204.
    pub(crate) fn empty() -> Self {
        Self {
            status: StatusCode::NO_CONTENT,
            headers: Vec::new(),
            body: Vec::new(),
            shown: Vec::new(),
            answer: PhantomData,
        }
    }
}

/// The headers of a file that is called `name`. Nobody between us and the client keeps it.
pub(crate) fn of_file(name: &str, media_type: &str) -> [(&'static str, String); 4] {
    [
        ("content-type", media_type.to_owned()),
        ("content-disposition", format!("attachment; filename=\"{name}\"")),
        ("cache-control", "no-store".to_owned()),
        ("x-content-type-options", "nosniff".to_owned()),
    ]
}

impl Reply<CsvFile> {
    /// 200 with a file that is called `name`.
    pub(crate) fn csv(name: &'static str, body: Vec<u8>) -> Self {
        let headers = of_file(name, "text/csv").into();
        Self { status: StatusCode::OK, headers, body, shown: Vec::new(), answer: PhantomData }
    }
}

impl<A> Reply<A> {
    /// The same with an `ETag` of the version.
    pub(crate) fn with_version(mut self, version: i32) -> Reply<Versioned<A>> {
        self.headers.push(("etag", format!("\"{version}\"")));
        self.labelled()
    }

    /// The first of two answers that a route has.
    pub(crate) fn first_of<B>(self) -> Reply<Either<A, B>> {
        self.labelled()
    }

    /// The second of two answers that a route has.
    pub(crate) fn second_of<B>(self) -> Reply<Either<B, A>> {
        self.labelled()
    }

    fn labelled<B>(self) -> Reply<B> {
        let Self { status, headers, body, shown, .. } = self;
        Reply { status, headers, body, shown, answer: PhantomData }
    }

    /// The same with another header.
    pub(crate) fn with_header(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }

    /// The same, with the ids that its body shows besides those in the request's path: for the record of accesses.
    pub(crate) fn showing(mut self, ids: impl IntoIterator<Item = Uuid>) -> Self {
        self.shown.extend(ids);
        self
    }

    pub(crate) fn to_keep(&self) -> Kept {
        Kept {
            status: self.status.as_u16(),
            headers: self.headers.iter().map(|(n, v)| ((*n).to_owned(), v.clone())).collect(),
            body: self.body.clone(),
        }
    }

    /// A kept answer, marked as one.
    pub(crate) fn replayed(kept: Kept) -> Self {
        let known =
            |name: &str| ["content-type", "location", "etag"].into_iter().find(|k| *k == name);
        let mut headers: Vec<_> = kept
            .headers
            .into_iter()
            .filter_map(|(name, value)| known(&name).map(|name| (name, value)))
            .collect();
        headers.push(("idempotency-replayed", "true".to_owned()));
        // What was kept was a status; the fallback is for rows that somebody edited.
        let status = StatusCode::from_u16(kept.status).unwrap_or(StatusCode::OK);
        Self { status, headers, body: kept.body, shown: Vec::new(), answer: PhantomData }
    }
}

impl<A> IntoResponse for Reply<A> {
    fn into_response(self) -> Response {
        let mut answer = (self.status, self.body).into_response();
        if !self.shown.is_empty() {
            answer.extensions_mut().insert(ShownIds(self.shown));
        }
        let headers = answer.headers_mut();
        headers.remove("content-type");
        for (name, value) in self.headers {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        }
        answer
    }
}
