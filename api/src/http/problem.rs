//! Why a request was not served, as RFC 9457 writes it down.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::Value;
use shared::book::BookError;
use shared::crypto::CryptoError;
use shared::db;
use shared::screening::Detection;
use shared::search::Span;
use shared::telemetry::metrics::{self, Dependency, Failure};
use shared::tenants::KeyError;

/// A field that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub(crate) struct FieldError {
    /// Where it is: a JSON pointer (RFC 6901), or the name of a parameter.
    pub(crate) field: String,
    /// Stable; clients match on it.
    pub(crate) code: &'static str,
    /// For people; may change. Never quotes the value.
    pub(crate) detail: String,
    /// Where in the value, if it is a text of which a part is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) place: Option<Span>,
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident $status:ident $code:literal $meaning:literal;)+) => {
        /// Every problem there is. Codes are public and stable.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub(crate) enum Kind {
            $(#[doc = $meaning] $name,)+
        }

        impl Kind {
            /// All of them.
            #[cfg(test)]
            const ALL: &[Self] = &[$(Self::$name),+];

            /// Its status.
            pub(crate) const fn status(self) -> StatusCode {
                match self { $(Self::$name => StatusCode::$status,)+ }
            }

            /// The last word of its type.
            pub(crate) const fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)+ }
            }

            /// When it is the answer, in words.
            pub(crate) const fn meaning(self) -> &'static str {
                match self { $(Self::$name => $meaning,)+ }
            }
        }
    };
}

kinds! {
    Malformed BAD_REQUEST "malformed" "the body is not JSON";
    Unauthenticated UNAUTHORIZED "unauthenticated" "no key or token, or none that holds";
    SignInRefused UNAUTHORIZED "sign-in-refused" "e-mail address and password don't go together, or the person may not sign in";
    SecondFactorNeeded UNAUTHORIZED "second-factor-needed" "the password is right: send a code of the second factor too";
    SecondFactorWrong UNAUTHORIZED "second-factor-wrong" "the code is wrong, too old, or was used before";
    BadSignature UNAUTHORIZED "bad-signature" "no signature that holds";
    BadTicket UNAUTHORIZED "bad-ticket" "no ticket, or one that is unknown, was used, is too old, or whose holder may no longer";
    Forbidden FORBIDDEN "forbidden" "known, but not allowed to do this";
    SecondFactorSetupNeeded FORBIDDEN "second-factor-setup-needed" "the session may do nothing but set up a second factor";
    AccessNotDeclared FORBIDDEN "access-not-declared" "somebody of the platform has declared no access to a tenant";
    CrossSite FORBIDDEN "cross-site" "a browser was sent here by another site, or lacks `X-Vio-Request`";
    ForeignOrigin FORBIDDEN "foreign-origin" "pages of this origin may not connect";
    Suspended FORBIDDEN "tenant-suspended" "the tenant is suspended";
    NotFound NOT_FOUND "not-found" "absent, deleted, or another tenant's";
    MethodNotAllowed METHOD_NOT_ALLOWED "method-not-allowed" "the address doesn't know the method";
    NameTaken CONFLICT "name-taken" "something else of the list is called so, or was; it is named in `id`";
    ListFull CONFLICT "list-full" "the list has as many entries as it may";
    NoAttendance CONFLICT "no-attendance" "the appointment has not begun, or is cancelled: `reason` is `not_begun` or `cancelled`";
    EmailTaken CONFLICT "email-taken" "somebody else has this e-mail address; a contact is named in `contact_id`";
    GroupNameTaken CONFLICT "group-name-taken" "another group has this name, or one that differs by case or accents only; it is named in `group_id`";
    GroupTooLarge CONFLICT "group-too-large" "more than 10,000 contacts are in the group: take them out first";
    CannotCallNow CONFLICT "cannot-call-now" "the contact can't be called within the next ten minutes; `explanation` says why";
    AdministratorThere CONFLICT "administrator-there" "the tenant has an administrator, who invites others";
    LastAdministrator CONFLICT "last-administrator" "the tenant's last administrator stays";
    UserDeactivated CONFLICT "user-deactivated" "the user is deactivated";
    SecondFactorExists CONFLICT "second-factor-exists" "there is a second factor already";
    NoSecondFactor CONFLICT "no-second-factor" "there is no second factor, or none that waits to be confirmed";
    AccessOpen CONFLICT "access-open" "another access is open: one tenant at a time";
    OwnAccess CONFLICT "own-access" "nobody approves their own access";
    AccessNotWaiting CONFLICT "access-not-waiting" "the access waits for nobody's approval";
    NotErased CONFLICT "not-erased" "the contact may not be erased now; `why` says why";
    CannotUndo CONFLICT "cannot-undo" "the job can't be taken back: `why` says why";
    JobState CONFLICT "job-state" "this can't be done with a job that stands so: `state` says how";
    UnderWay CONFLICT "request-under-way" "a request with this `Idempotency-Key` is being served at this moment";
    PreconditionFailed PRECONDITION_FAILED "precondition-failed" "it was changed since it was read";
    TooLarge PAYLOAD_TOO_LARGE "too-large" "the body is larger than allowed";
    UnsupportedMediaType UNSUPPORTED_MEDIA_TYPE "unsupported-media-type" "the body is of another type";
    Invalid UNPROCESSABLE_ENTITY "invalid" "fields are wrong: `errors` names each";
    KeyReused UNPROCESSABLE_ENTITY "idempotency-key-reused" "the `Idempotency-Key` was used for another request";
    UpgradeRequired UPGRADE_REQUIRED "upgrade-required" "a plain request: this address is opened as a WebSocket";
    PreconditionRequired PRECONDITION_REQUIRED "precondition-required" "`If-Match` is missing";
    RateLimited TOO_MANY_REQUESTS "rate-limited" "the tenant's requests of this minute are used up";
    TooManyAttempts TOO_MANY_REQUESTS "too-many-attempts" "too many attempts that did not end well";
    Internal INTERNAL_SERVER_ERROR "internal" "something went wrong on our side";
    FilesAway SERVICE_UNAVAILABLE "files-away" "the store of files does not answer, or none is set up";
    Busy SERVICE_UNAVAILABLE "busy" "too busy to serve this now: try again";
    TooSlow SERVICE_UNAVAILABLE "too-slow" "took longer than ten seconds: it may or may not have been done";
}

impl Kind {
    /// Its type: what clients match on.
    pub(crate) fn urn(self) -> String {
        format!("urn:vioconcierge:problem:{}", self.code())
    }

    /// Whether the answer has a `Retry-After`.
    pub(crate) const fn says_when_to_retry(self) -> bool {
        matches!(
            self,
            Self::FilesAway
                | Self::Busy
                | Self::TooSlow
                | Self::UnderWay
                | Self::RateLimited
                | Self::TooManyAttempts
        )
    }
}

/// Why a request was not served.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Problem {
    /// No key or access token, or none that holds.
    #[error("send an API key or access token that holds: Authorization: Bearer …")]
    Unauthenticated,
    /// Address, password or state: nobody is told which.
    #[error("e-mail address and password don't go together")]
    SignInRefused,
    /// The password is right, and a second factor is asked.
    #[error("send a code of the second factor too, or a recovery code")]
    SecondFactorNeeded,
    /// The code is wrong, used before, or too old.
    #[error("the code is wrong or was used before")]
    SecondFactorWrong,
    /// The session may only set up a second factor.
    #[error("set up a second factor first: POST /v1/me/second-factor")]
    SecondFactorSetupNeeded,
    /// Somebody of the platform, outside of any tenant.
    #[error("declare an access to a tenant first: POST /v1/platform/visits")]
    AccessNotDeclared,
    /// A browser was sent here by another site.
    #[error("requests that rely on the cookie come from our own site and carry X-Vio-Request")]
    CrossSite,
    /// Too many attempts that did not end well.
    #[error("too many attempts; wait before the next")]
    TooManyAttempts {
        /// For how long.
        seconds: u64,
    },
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
    /// The same, and texts were refused for what was found in them: that goes on record.
    #[error("some fields are not valid")]
    Screened {
        /// What is wrong.
        errors: Vec<FieldError>,
        /// What goes on record.
        refused: Vec<Detection>,
    },
    /// More bytes than allowed.
    #[error("the body is larger than allowed")]
    TooLarge,
    /// Another type of body.
    #[error("send the body as {0}")]
    UnsupportedMediaType(&'static str),
    /// The present state does not allow it.
    #[error("{detail}")]
    Conflict {
        /// Which.
        kind: Kind,
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
    /// The tenant, or its keys, have asked as often as they may within a minute.
    #[error("too many requests: ask again in {seconds} seconds")]
    RateLimited { seconds: u64 },
    /// Worth trying again, and an operator is told.
    #[error("the store of files does not answer, or none is set up")]
    FilesAway,
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

/// Texts that were refused, for whoever puts it on record once the request's transaction is gone. Among an answer's extensions.
#[derive(Debug, Clone)]
pub(crate) struct RefusedTexts(pub(crate) Vec<Detection>);

/// Seconds after which a busy server may be asked again.
const RETRY_AFTER: u64 = 1;

impl Problem {
    /// One wrong field.
    pub(crate) fn field(
        field: impl Into<String>,
        code: &'static str,
        detail: impl Into<String>,
    ) -> Self {
        Self::Invalid(vec![FieldError {
            field: field.into(),
            code,
            detail: detail.into(),
            place: None,
        }])
    }

    /// Which problem it is.
    pub(crate) fn kind(&self) -> Kind {
        match self {
            Self::Unauthenticated => Kind::Unauthenticated,
            Self::SignInRefused => Kind::SignInRefused,
            Self::SecondFactorNeeded => Kind::SecondFactorNeeded,
            Self::SecondFactorWrong => Kind::SecondFactorWrong,
            Self::SecondFactorSetupNeeded => Kind::SecondFactorSetupNeeded,
            Self::AccessNotDeclared => Kind::AccessNotDeclared,
            Self::CrossSite => Kind::CrossSite,
            Self::TooManyAttempts { .. } => Kind::TooManyAttempts,
            Self::BadSignature => Kind::BadSignature,
            Self::BadTicket => Kind::BadTicket,
            Self::ForeignOrigin => Kind::ForeignOrigin,
            Self::UpgradeRequired => Kind::UpgradeRequired,
            Self::Forbidden { .. } => Kind::Forbidden,
            Self::Suspended => Kind::Suspended,
            Self::NotFound(_) => Kind::NotFound,
            Self::MethodNotAllowed => Kind::MethodNotAllowed,
            Self::Malformed(_) => Kind::Malformed,
            Self::Invalid(_) | Self::Screened { .. } => Kind::Invalid,
            Self::TooLarge => Kind::TooLarge,
            Self::UnsupportedMediaType(_) => Kind::UnsupportedMediaType,
            Self::Conflict { kind, .. } => *kind,
            Self::PreconditionRequired => Kind::PreconditionRequired,
            Self::PreconditionFailed => Kind::PreconditionFailed,
            Self::KeyReused => Kind::KeyReused,
            Self::UnderWay => Kind::UnderWay,
            Self::RateLimited { .. } => Kind::RateLimited,
            Self::FilesAway => Kind::FilesAway,
            Self::Busy => Kind::Busy,
            Self::TooSlow => Kind::TooSlow,
            Self::Internal(_) => Kind::Internal,
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
        let (kind, status) = (self.kind(), self.kind().status());
        if let Self::Internal(cause) = &self {
            tracing::error!(error = format!("{cause:#}"), "request failed");
        }
        let mut answer = status.into_response();
        let headers = answer.headers_mut();
        if kind.says_when_to_retry() {
            let seconds = match self {
                Self::RateLimited { seconds } | Self::TooManyAttempts { seconds } => seconds,
                _ => RETRY_AFTER,
            };
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
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
            Self::Screened { errors, refused } => {
                answer.extensions_mut().insert(RefusedTexts(refused));
                (errors, None)
            }
            Self::Conflict { more, .. } => (Vec::new(), more),
            _ => (Vec::new(), None),
        };
        let more = more.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        // `http::around` writes the body, once it knows the request's id and path.
        answer.extensions_mut().insert(Details {
            r#type: kind.urn(),
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

impl From<BookError> for Problem {
    fn from(error: BookError) -> Self {
        match error {
            BookError::Db(error) => error.into(),
            BookError::Key(error) => error.into(),
            BookError::NotReady => Self::Busy,
            error @ (BookError::Made(_) | BookError::Stored(_)) => Self::Internal(error.into()),
        }
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_problem_stands_in_the_guide_with_its_status_and_no_other_does() {
        let guide = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/api.md");
        let guide = std::fs::read_to_string(guide).unwrap();
        let rows = guide.lines().filter_map(|line| line.strip_prefix("| ")?.split_once(" | "));
        let told: BTreeSet<String> = rows
            .filter(|(status, _)| status.parse::<u16>().is_ok())
            .flat_map(|(status, rest)| {
                let types = rest.split(" | ").next().unwrap_or_default();
                types.split('`').skip(1).step_by(2).map(move |word| format!("{status} {word}"))
            })
            .collect();
        let there: BTreeSet<String> = Kind::ALL
            .iter()
            .map(|kind| format!("{} {}", kind.status().as_u16(), kind.code()))
            .collect();
        assert_eq!(told, there);
    }
}
