//! Why a request was not served, as RFC 9457 writes it down.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::Value;
use shared::crypto::CryptoError;
use shared::db;
use shared::telemetry::metrics::{self, Dependency, Failure};
use shared::tenants::KeyError;

/// A field that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct FieldError {
    /// Where it is: a JSON pointer (RFC 6901), or the name of a parameter.
    pub(crate) field: String,
    /// Stable; clients match on it.
    pub(crate) code: &'static str,
    /// For people; may change. Never quotes the value.
    pub(crate) detail: String,
}

/// Why a request was not served.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Problem {
    /// No key, or none that holds.
    #[error("send a valid API key: Authorization: Bearer vio_…")]
    Unauthenticated,
    /// A webhook whose signature is missing, wrong or too old.
    #[error("the signature is missing, wrong, or more than five minutes old")]
    BadSignature,
    /// A ticket that is unknown, used or too old.
    #[error("the ticket is missing, was used, or is too old; ask for another")]
    BadTicket,
    /// A browser's page that isn't ours.
    #[error("pages of this origin may not connect")]
    ForeignOrigin,
    /// A plain request where a WebSocket is expected.
    #[error("open this address as a WebSocket")]
    UpgradeRequired,
    /// Known, but not allowed.
    #[error("this needs the permission {need}")]
    Forbidden { need: &'static str },
    /// The tenant is suspended.
    #[error("this tenant is suspended")]
    Suspended,
    /// Absent, deleted, or another tenant's: they must look alike.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// The path exists, the method doesn't.
    #[error("this address does not know that method")]
    MethodNotAllowed,
    /// Not JSON at all.
    #[error("the body is not valid JSON: {0}")]
    Malformed(String),
    /// JSON, but not what is expected.
    #[error("some fields are not valid")]
    Invalid(Vec<FieldError>),
    /// More bytes than allowed.
    #[error("the body is larger than allowed")]
    TooLarge,
    /// Another type of body.
    #[error("send the body as {0}")]
    UnsupportedMediaType(&'static str),
    /// The present state does not allow it.
    #[error("{detail}")]
    Conflict {
        /// Stable; clients match on it.
        code: &'static str,
        /// For people; may change.
        detail: String,
        /// What stands in the way, by name.
        more: Option<(&'static str, Value)>,
    },
    /// A change must say which version it is of.
    #[error("send the ETag of the version that you have read as If-Match")]
    PreconditionRequired,
    /// It was changed since.
    #[error("it was changed since you read it; read it again")]
    PreconditionFailed,
    /// The idempotency key names another request.
    #[error("this Idempotency-Key was used for another request")]
    KeyReused,
    /// The twin of a request that is not answered yet.
    #[error("a request with this Idempotency-Key is being served at this moment")]
    UnderWay,
    /// Worth trying again.
    #[error(
        "too busy to serve this now; nothing was changed unless the connection broke while it was stored"
    )]
    Busy,
    /// Took longer than a request may.
    #[error("this took too long; it may or may not have been done")]
    TooSlow,
    /// Our fault. The cause is logged once, here, and never sent.
    #[error("something went wrong on our side")]
    Internal(#[source] anyhow::Error),
}

/// Seconds after which a busy server may be asked again.
const RETRY_AFTER: &str = "1";

impl Problem {
    /// One wrong field.
    pub(crate) fn field(
        field: impl Into<String>,
        code: &'static str,
        detail: impl Into<String>,
    ) -> Self {
        Self::Invalid(vec![FieldError { field: field.into(), code, detail: detail.into() }])
    }

    fn status_and_code(&self) -> (StatusCode, &'static str) {
        match self {
            Self::Unauthenticated => (StatusCode::UNAUTHORIZED, "unauthenticated"),
            Self::BadSignature => (StatusCode::UNAUTHORIZED, "bad-signature"),
            Self::BadTicket => (StatusCode::UNAUTHORIZED, "bad-ticket"),
            Self::ForeignOrigin => (StatusCode::FORBIDDEN, "foreign-origin"),
            Self::UpgradeRequired => (StatusCode::UPGRADE_REQUIRED, "upgrade-required"),
            Self::Forbidden { .. } => (StatusCode::FORBIDDEN, "forbidden"),
            Self::Suspended => (StatusCode::FORBIDDEN, "tenant-suspended"),
            Self::NotFound(_) => (StatusCode::NOT_FOUND, "not-found"),
            Self::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed"),
            Self::Malformed(_) => (StatusCode::BAD_REQUEST, "malformed"),
            Self::Invalid(_) => (StatusCode::UNPROCESSABLE_ENTITY, "invalid"),
            Self::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "too-large"),
            Self::UnsupportedMediaType(_) => {
                (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type")
            }
            Self::Conflict { code, .. } => (StatusCode::CONFLICT, code),
            Self::PreconditionRequired => {
                (StatusCode::PRECONDITION_REQUIRED, "precondition-required")
            }
            Self::PreconditionFailed => (StatusCode::PRECONDITION_FAILED, "precondition-failed"),
            Self::KeyReused => (StatusCode::UNPROCESSABLE_ENTITY, "idempotency-key-reused"),
            Self::UnderWay => (StatusCode::CONFLICT, "request-under-way"),
            Self::Busy => (StatusCode::SERVICE_UNAVAILABLE, "busy"),
            Self::TooSlow => (StatusCode::SERVICE_UNAVAILABLE, "too-slow"),
            Self::Internal(_) => (StatusCode::INTERNAL_SERVER_ERROR, "internal"),
        }
    }
}

/// What a problem says, before it is known which request it answers.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Details {
    r#type: String,
    title: &'static str,
    status: u16,
    detail: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldError>,
    #[serde(flatten)]
    more: serde_json::Map<String, Value>,
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, code) = self.status_and_code();
        if let Self::Internal(cause) = &self {
            tracing::error!(error = format!("{cause:#}"), "request failed");
        }
        let mut answer = status.into_response();
        let headers = answer.headers_mut();
        if matches!(self, Self::Busy | Self::TooSlow | Self::UnderWay) {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER));
        }
        if matches!(self, Self::UpgradeRequired) {
            headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        }
        if matches!(self, Self::Unauthenticated) {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        let detail = self.to_string();
        let (errors, more) = match self {
            Self::Invalid(errors) => (errors, None),
            Self::Conflict { more, .. } => (Vec::new(), more),
            _ => (Vec::new(), None),
        };
        let more = more.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        // `http::around` writes the body, once it knows the request's id and path.
        answer.extensions_mut().insert(Details {
            r#type: format!("urn:vioconcierge:problem:{code}"),
            title: status.canonical_reason().unwrap_or_default(),
            status: status.as_u16(),
            detail,
            errors,
            more,
        });
        answer
    }
}

impl From<db::Error> for Problem {
    fn from(error: db::Error) -> Self {
        match error {
            db::Error::Busy(_) => {
                metrics::failed(Dependency::Postgres, Failure::Busy);
                tracing::warn!(error = error.cause(), "PostgreSQL is busy or away");
                Self::Busy
            }
            // A refusal that the handler did not expect and name is a bug, not a conflict.
            db::Error::Refused(_) | db::Error::Broken(_) | db::Error::Unreadable(_) => {
                metrics::failed(Dependency::Postgres, Failure::Broken);
                Self::Internal(anyhow::anyhow!("{}", error.cause()))
            }
        }
    }
}

impl From<CryptoError> for Problem {
    fn from(error: CryptoError) -> Self {
        Self::Internal(error.into())
    }
}

impl From<KeyError> for Problem {
    fn from(error: KeyError) -> Self {
        match error {
            KeyError::Db(error) => error.into(),
            KeyError::Crypto(error) => error.into(),
        }
    }
}
