//! `/metrics`, `/health/live` and `/health/ready`, on a port of their own.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use shared::telemetry::metrics;

use crate::app::App;

/// The routes.
pub fn router(app: App) -> Router {
    Router::new()
        .route("/metrics", get(scrape))
        .route("/health/live", get(|| async { "alive\n" }))
        .route("/health/ready", get(ready))
        .with_state(app)
}

async fn scrape() -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], metrics::render())
}

async fn ready(State(app): State<App>) -> (StatusCode, &'static str) {
    if app.is_stopping() {
        return (StatusCode::SERVICE_UNAVAILABLE, "stopping\n");
    }
    if app.db.ping().await.is_err() {
        return (StatusCode::SERVICE_UNAVAILABLE, "PostgreSQL is away\n");
    }
    if app.queues.ping().await.is_err() {
        return (StatusCode::SERVICE_UNAVAILABLE, "Redis is away\n");
    }
    (StatusCode::OK, "ready\n")
}
