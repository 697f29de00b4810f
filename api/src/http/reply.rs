//! Answers that succeed: they can be kept and given again.

use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use shared::idempotency::Kept;
use uuid::Uuid;

use super::problem::Problem;
use crate::accesses::Shown;

/// An answer: status, the headers that matter, and a body.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    status: StatusCode,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
    shown: Vec<Uuid>,
}

const JSON: &str = "application/json";

impl Reply {
    /// 200 with a JSON body.
    pub(crate) fn ok(body: &impl Serialize) -> Result<Self, Problem> {
        let body = serde_json::to_vec(body).map_err(|error| Problem::Internal(error.into()))?;
        let headers = vec![("content-type", JSON.to_owned())];
        Ok(Self { status: StatusCode::OK, headers, body, shown: Vec::new() })
    }

    /// 201 with a JSON body and the address of what was made.
    pub(crate) fn created(address: String, body: &impl Serialize) -> Result<Self, Problem> {
        let mut reply = Self::ok(body)?;
        reply.status = StatusCode::CREATED;
        reply.headers.push(("location", address));
        Ok(reply)
    }

    /// 202 with a JSON body and the address at which to look.
    pub(crate) fn accepted(address: String, body: &impl Serialize) -> Result<Self, Problem> {
        let mut reply = Self::created(address, body)?;
        reply.status = StatusCode::ACCEPTED;
        Ok(reply)
    }

    /// 204.
    pub(crate) fn empty() -> Self {
        Self {
            status: StatusCode::NO_CONTENT,
            headers: Vec::new(),
            body: Vec::new(),
            shown: Vec::new(),
        }
    }

    /// The same with an `ETag` of the version.
    pub(crate) fn with_version(mut self, version: i32) -> Self {
        self.headers.push(("etag", format!("\"{version}\"")));
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
        Self { status, headers, body: kept.body, shown: Vec::new() }
    }
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        let mut answer = (self.status, self.body).into_response();
        if !self.shown.is_empty() {
            answer.extensions_mut().insert(Shown(self.shown));
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
