//! What stands around every route: an id, a time limit, a net for panics, metrics, and the bodies of problems.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{MatchedPath, Request};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use shared::config::LONGEST_REQUEST;
use shared::ids::TenantId;
use shared::telemetry::{metrics, traces};
use tower_http::catch_panic::CatchPanicLayer;
use tracing::Instrument;
use tracing::field::{Empty, display};
use uuid::Uuid;

use super::problem::{Details, Problem};
use crate::accesses::{self, Accesses};
use crate::app::App;
use crate::limit::Note;

/// Where a request's id is told.
const REQUEST_ID: &str = "x-request-id";

/// Puts everything that routes share around `routes`.
pub(crate) fn around(routes: Router<App>, accesses: Accesses) -> Router<App> {
    routes
        .fallback(|| async { Problem::NotFound("address") })
        .method_not_allowed_fallback(|| async { Problem::MethodNotAllowed })
        .layer(middleware::from_fn_with_state(accesses, accesses::note))
        .layer(middleware::from_fn(limit_time))
        .layer(CatchPanicLayer::custom(|_panic: Box<dyn std::any::Any + Send>| {
            // The panic's message may quote anything, and the panic hook has printed where it was.
            Problem::Internal(anyhow::anyhow!("a handler panicked")).into_response()
        }))
        .layer(middleware::from_fn(observe))
}

/// A file of ten megabytes comes over a line of two megabits in forty seconds.
const LONGEST_UPLOAD: Duration = Duration::from_secs(60);

async fn limit_time(request: Request, next: Next) -> Response {
    let uploads = request.method() == Method::POST && request.uri().path() == "/v1/imports";
    let longest = if uploads { LONGEST_UPLOAD } else { LONGEST_REQUEST };
    match tokio::time::timeout(longest, next.run(request)).await {
        Ok(answer) => answer,
        Err(_) => Problem::TooSlow.into_response(),
    }
}

/// The body of a problem.
#[derive(Debug, Serialize)]
struct ProblemBody<'a> {
    #[serde(flatten)]
    details: &'a Details,
    instance: &'a str,
    request_id: Uuid,
}

async fn observe(mut request: Request, next: Next) -> Response {
    let began = Instant::now();
    let id = Uuid::now_v7();
    let method = known_method(request.method().as_str());
    let path = request.uri().path().to_owned();
    let route =
        request.extensions().get::<MatchedPath>().map(|matched| matched.as_str().to_owned());
    let note = Note::default();
    request.extensions_mut().insert(note.clone());
    // `otel.name` is what a collector shows: closed, since a template and a known method are.
    let name = format!("{method} {}", route.as_deref().unwrap_or("unmatched"));
    let span = tracing::info_span!(
        target: traces::TARGET, "request", otel.name = name, otel.kind = "server",
        request.id = %id, trace.id = Empty, tenant.id = Empty, caller = Empty,
        http.response.status_code = Empty,
    );
    let theirs = request.headers().get(traces::HEADER).and_then(|value| value.to_str().ok());
    traces::meet(&span, theirs);
    let trace = traces::of(&span).map(|place| display(place.id()));
    if let Some(trace) = &trace {
        span.record("trace.id", trace);
    }
    let caller = LoggedCaller::default();
    request.extensions_mut().insert(caller.clone());

    let mut answer = async {
        let mut answer = next.run(request).await;
        if let Some(details) = answer.extensions_mut().remove::<Details>() {
            let body = ProblemBody { details: &details, instance: &path, request_id: id };
            let bytes = serde_json::to_vec(&body).unwrap_or_default();
            *answer.body_mut() = bytes.into();
            let headers = answer.headers_mut();
            headers.remove(header::CONTENT_LENGTH);
            let json = HeaderValue::from_static("application/problem+json");
            headers.insert(header::CONTENT_TYPE, json);
        }
        answer
    }
    .instrument(span.clone())
    .await;

    if let Ok(id) = HeaderValue::from_str(&id.to_string()) {
        answer.headers_mut().insert(REQUEST_ID, id);
    }
    note.tell(answer.headers_mut());
    // Answers hold personal data: nothing between us and the client may keep them.
    answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let route = route.as_deref().unwrap_or("unmatched");
    metrics::answered(route, method, class(answer.status()), began.elapsed());
    let status = answer.status().as_u16();
    span.record("http.response.status_code", status);
    let duration_ms = began.elapsed().as_secs_f64() * 1000.0;
    let (tenant, caller) = caller.0.get().copied().unzip();
    let tenant = tenant.map(display);
    span.record("tenant.id", &tenant).record("caller", caller);
    tracing::info!(
        request.id = %id, trace.id = trace, tenant.id = tenant, caller, method, route, status, duration_ms, "answered"
    );
    answer
}

/// Who asked, once that is known: a tenant, and by what (`key`, `person`, …). Left by whoever checks it, for the line that
/// each request leaves in the log.
#[derive(Debug, Clone, Default)]
pub(crate) struct LoggedCaller(Arc<OnceLock<(TenantId, &'static str)>>);

impl LoggedCaller {
    /// Notes who asks. The first word counts.
    pub(crate) fn note(parts: &Parts, tenant: TenantId, kind: &'static str) {
        if let Some(caller) = parts.extensions.get::<Self>() {
            let _known = caller.0.set((tenant, kind));
        }
    }
}

/// A method is free text in HTTP, a label must not be.
fn known_method(method: &str) -> &'static str {
    ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]
        .into_iter()
        .find(|known| *known == method)
        .unwrap_or("other")
}

fn class(status: StatusCode) -> &'static str {
    match status.as_u16() / 100 {
        1 => "1xx",
        2 => "2xx",
        3 => "3xx",
        4 => "4xx",
        _ => "5xx",
    }
}
