//! What operators ask: is it alive, is it ready, how is it doing. On a port of its own.

use std::time::Duration;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::json;
use shared::telemetry::metrics::{self, Dependency, Failure};

use crate::app::App;

/// How long readiness waits for PostgreSQL and Redis.
const PATIENCE: Duration = Duration::from_secs(2);

/// Routes for operators: `/metrics`, `/health/live`, `/health/ready`.
pub fn operators(app: App) -> Router {
    Router::new()
        .route("/metrics", get(scrape))
        .route("/health/live", get(|| async { Json(json!({ "status": "alive" })) }))
        .route("/health/ready", get(ready))
        .with_state(app)
}

async fn scrape(State(app): State<App>) -> impl IntoResponse {
    for pool in app.db.pool_use() {
        let idle = pool.idle.try_into().unwrap_or(u64::MAX);
        metrics::pool(pool.role, pool.open.into(), idle, pool.limit.into());
    }
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], metrics::render())
}

/// Ready while PostgreSQL answers. Redis carries hints only: without it requests are served, and the worker notices half
/// a second later; so its absence is told, and takes no process out of service.
async fn ready(State(app): State<App>) -> impl IntoResponse {
    let postgres = tokio::time::timeout(PATIENCE, app.db.ping());
    let redis = tokio::time::timeout(PATIENCE, app.queues.ping());
    let (postgres, redis) = tokio::join!(postgres, redis);
    let (postgres, redis) = (matches!(postgres, Ok(Ok(()))), matches!(redis, Ok(Ok(()))));
    if !redis {
        metrics::failed(Dependency::Redis, Failure::Busy);
    }
    let word = |answers| if answers { "answers" } else { "away" };
    let status = if postgres { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(json!({ "postgres": word(postgres), "redis": word(redis) })))
}
