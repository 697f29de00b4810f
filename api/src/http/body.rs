//! Reading what a client sent: bodies, paths and parameters, each refused with the field that is wrong.

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use ring::digest::{Context, SHA256, digest};
use schemars::JsonSchema;
use serde::de::{Deserialize, DeserializeOwned, Deserializer};
use shared::idempotency;

use super::contract::{Draft, Takes};
use super::problem::{FieldError, Kind, Problem};
use super::strict;
use crate::app::App;

/// Most bytes of a body, unless a route says otherwise.
const MOST_BYTES: usize = 64 * 1024;

/// Names a request, so that doing it again changes nothing.
const IDEMPOTENCY_KEY: &str = "idempotency-key";
const LONGEST_KEY: usize = 255;

/// A JSON body.
#[derive(Debug)]
pub(crate) struct Body<T>(pub(crate) T);

/// A JSON body of a POST of at most `MOST` bytes, and the name that the client gave to the request.
#[derive(Debug)]
pub(crate) struct Post<T, const MOST: usize = MOST_BYTES> {
    pub(crate) body: T,
    pub(crate) once: Option<idempotency::Request>,
}

/// A JSON body of a POST whose answer is not kept for a second asking: it changes nothing, holds a secret that is shown once, or
/// belongs to no tenant, under whose key it would lie. A name for the request is refused, since it would not be heeded.
#[derive(Debug)]
pub(crate) struct NotKept<T, const MOST: usize = MOST_BYTES>(pub(crate) T);

/// The body of a request that needs none: nothing at all, or `{}`.
#[derive(Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Nothing {}

/// How reading a body of JSON can fail.
pub(crate) const BODY_FAILS: [Kind; 4] =
    [Kind::Malformed, Kind::TooLarge, Kind::UnsupportedMediaType, Kind::Invalid];

impl<T: JsonSchema> Takes for Body<T> {
    fn describe(draft: &mut Draft<'_>) {
        draft.json_body::<T>();
        draft.fails(&BODY_FAILS);
    }
}

impl<T: JsonSchema, const MOST: usize> Takes for Post<T, MOST> {
    fn describe(draft: &mut Draft<'_>) {
        Body::<T>::describe(draft);
        draft.once();
    }
}

impl<T: JsonSchema, const MOST: usize> Takes for NotKept<T, MOST> {
    fn describe(draft: &mut Draft<'_>) {
        Body::<T>::describe(draft);
    }
}

impl<T: DeserializeOwned, const MOST: usize> FromRequest<App> for NotKept<T, MOST> {
    type Rejection = Problem;

    async fn from_request(request: Request, _app: &App) -> Result<Self, Problem> {
        if request.headers().contains_key(IDEMPOTENCY_KEY) {
            let why = "this answer is not kept: nothing is changed, or it holds a secret that is shown once, or belongs to no tenant";
            return Err(Problem::field("Idempotency-Key", "not_kept", why));
        }
        let headers = request.headers().clone();
        let bytes = read(request, MOST).await?;
        parse(&headers, &bytes).map(Self)
    }
}

impl<T: DeserializeOwned> FromRequest<App> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _app: &App) -> Result<Self, Problem> {
        let headers = request.headers().clone();
        let bytes = read(request, MOST_BYTES).await?;
        parse(&headers, &bytes).map(Self)
    }
}

impl<T: DeserializeOwned, const MOST: usize> FromRequest<App> for Post<T, MOST> {
    type Rejection = Problem;

    async fn from_request(request: Request, _app: &App) -> Result<Self, Problem> {
        let (method, uri) = (request.method().clone(), request.uri().clone());
        let headers = request.headers().clone();
        let bytes = read(request, MOST).await?;
        let once = named(&headers, &method, &uri, &bytes)?;
        Ok(Self { body: parse(&headers, &bytes)?, once })
    }
}

/// All bytes of a body, if they are at most `most`.
pub(crate) async fn read(request: Request, most: usize) -> Result<Bytes, Problem> {
    let length = request.headers().get(header::CONTENT_LENGTH);
    let announced = length.and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|announced| announced > most) {
        return Err(Problem::TooLarge);
    }
    axum::body::to_bytes(request.into_body(), most).await.map_err(|error| {
        let source = std::error::Error::source(&error);
        match source.is_some_and(|cause| cause.to_string().contains("length limit")) {
            true => Problem::TooLarge,
            false => Problem::Malformed("the body ended early".to_owned()),
        }
    })
}

/// The name that a request gives itself, with the hash of what it asks.
pub(crate) fn named(
    headers: &HeaderMap,
    method: &Method,
    uri: &Uri,
    body: &[u8],
) -> Result<Option<idempotency::Request>, Problem> {
    let Some(key) = headers.get(IDEMPOTENCY_KEY) else { return Ok(None) };
    if only(headers, &HeaderName::from_static(IDEMPOTENCY_KEY)).is_none() {
        return Err(Problem::field("Idempotency-Key", "duplicate", "given more than once"));
    }
    if key.is_empty() || key.len() > LONGEST_KEY {
        let detail = format!("1 to {LONGEST_KEY} characters");
        return Err(Problem::field("Idempotency-Key", "bad_length", detail));
    }
    let mut request = Context::new(&SHA256);
    for part in [method.as_str(), "\0", &uri.to_string(), "\0"] {
        request.update(part.as_bytes());
    }
    request.update(body);
    let bytes = |digest: ring::digest::Digest| {
        *digest.as_ref().first_chunk().expect("SHA-256 gives 32 bytes")
    };
    Ok(Some(idempotency::Request {
        key_hash: bytes(digest(&SHA256, key.as_bytes())),
        request_hash: bytes(request.finish()),
    }))
}

/// The value of a header that is given once. Of two, a proxy might believe the one and we the other.
pub(crate) fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a HeaderValue> {
    let mut values = headers.get_all(name).iter();
    values.next().filter(|_| values.next().is_none())
}

/// The media type of a body, without parameters.
pub(crate) fn media_type(headers: &HeaderMap) -> Option<&str> {
    let value = only(headers, &header::CONTENT_TYPE)?.to_str().ok()?;
    Some(value.split(';').next().unwrap_or_default().trim())
}

/// A value from JSON; each fault names its field.
pub(crate) fn parse<T: DeserializeOwned>(headers: &HeaderMap, bytes: &[u8]) -> Result<T, Problem> {
    // An empty body asks for nothing, so it needs no type; a body that is wanted then lacks its fields.
    let bytes = if bytes.is_empty() { b"{}" } else { bytes };
    let json = |text: &str| text == "application/json" || text == "application/merge-patch+json";
    if bytes != b"{}" && !media_type(headers).is_some_and(json) {
        return Err(Problem::UnsupportedMediaType("application/json"));
    }
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value: T = strict::read(&mut reader).map_err(|error| {
        let pointer = pointer(error.path());
        let cause = error.into_inner();
        match cause.classify() {
            serde_json::error::Category::Data => {
                Problem::Invalid(vec![wrong_field(pointer, &cause.to_string())])
            }
            _ => Problem::Malformed(format!("line {}, column {}", cause.line(), cause.column())),
        }
    })?;
    reader.end().map_err(|_| Problem::Malformed("something follows the value".to_owned()))?;
    Ok(value)
}

/// A value from JSON that was put together here.
pub(crate) fn parse_value<T: DeserializeOwned>(value: serde_json::Value) -> Result<T, Problem> {
    strict::read(value).map_err(|error| {
        let pointer = pointer(error.path());
        Problem::Invalid(vec![wrong_field(pointer, &error.into_inner().to_string())])
    })
}

/// Sorts serde's messages into codes. They can quote values (`invalid value: string "…"`), so only what is expected is
/// passed on.
fn wrong_field(pointer: String, message: &str) -> FieldError {
    let quoted = |after: &str| {
        let rest = message.strip_prefix(after)?;
        Some(rest.split('`').next().unwrap_or_default().to_owned())
    };
    if let Some(name) = quoted("unknown field `") {
        // The path of an unknown field ends at its name or at its parent, depending on where serde noticed.
        let whole = pointer.rsplit('/').next() == Some(name.as_str());
        let field = if whole { pointer } else { format!("{pointer}/{name}") };
        return FieldError {
            field,
            code: "unknown_field",
            detail: "there is no such field".to_owned(),
            place: None,
        };
    }
    if let Some(name) = quoted("missing field `") {
        let field = format!("{pointer}/{name}");
        return FieldError {
            field,
            code: "missing",
            detail: "this field is needed".to_owned(),
            place: None,
        };
    }
    if message.starts_with("duplicate field") {
        let detail = "given more than once".to_owned();
        return FieldError { field: pointer, code: "duplicate", detail, place: None };
    }
    let expected =
        message.split(", expected ").nth(1).and_then(|rest| rest.split(" at line").next());
    let detail =
        expected.map_or_else(|| "is not valid".to_owned(), |what| format!("expected {what}"));
    FieldError { field: pointer, code: "wrong_type", detail, place: None }
}

fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    path.iter()
        .filter_map(|segment| match segment {
            Segment::Seq { index } => Some(format!("/{index}")),
            Segment::Map { key } => Some(format!("/{}", key.replace('~', "~0").replace('/', "~1"))),
            Segment::Enum { .. } | Segment::Unknown => None,
        })
        .collect()
}

/// For fields of a patch: absent is `None`, `null` is `Some(None)`.
pub(crate) fn present<'de, D, T>(from: D) -> Result<Option<Option<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::<T>::deserialize(from).map(Some)
}

/// Ids in a path. One that doesn't parse names nothing.
#[derive(Debug)]
pub(crate) struct Path<T>(pub(crate) T);

impl<T: JsonSchema> Takes for Path<T> {
    fn describe(draft: &mut Draft<'_>) {
        draft.path::<T>();
        draft.fails(&[Kind::NotFound]);
    }
}

impl<T: DeserializeOwned + Send> FromRequestParts<App> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        match axum::extract::Path::<T>::from_request_parts(parts, app).await {
            Ok(axum::extract::Path(value)) => Ok(Self(value)),
            Err(rejection) if rejection.status() == StatusCode::INTERNAL_SERVER_ERROR => {
                Err(Problem::Internal(anyhow::anyhow!("a route and its handler disagree on ids")))
            }
            Err(_) => Err(Problem::NotFound("address")),
        }
    }
}

/// Parameters behind the question mark.
#[derive(Debug)]
pub(crate) struct Query<T>(pub(crate) T);

impl<T: JsonSchema> Takes for Query<T> {
    fn describe(draft: &mut Draft<'_>) {
        draft.query::<T>();
        draft.fails(&[Kind::Invalid]);
    }
}

impl<T: DeserializeOwned> FromRequestParts<App> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _app: &App) -> Result<Self, Problem> {
        let read = axum::extract::Query::<T>::try_from_uri(&parts.uri);
        read.map(|axum::extract::Query(value)| Self(value))
            .map_err(|rejection| wrong_parameter(&rejection.body_text()))
    }
}

/// Sorts the message about a parameter. Values are never passed on: a search text would be personal.
fn wrong_parameter(message: &str) -> Problem {
    let message = message.rsplit("query string: ").next().unwrap_or_default();
    if let Some(rest) = message.split("unknown field `").nth(1) {
        let name = rest.split('`').next().unwrap_or_default();
        return Problem::field(name, "unknown_parameter", "there is no such parameter");
    }
    let name = message.split(':').next().unwrap_or_default();
    Problem::field(name, "bad_parameter", "given more than once, or not of the right type")
}
