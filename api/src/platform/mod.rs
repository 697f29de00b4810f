//! What the platform's own people do: they manage tenants from outside, and declare when they look into one.

mod tenants;
mod visits;

use axum::Router;
use axum::routing::{get, post};

use crate::app::App;

/// Routes below `/v1/platform`.
pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/tenants", get(tenants::list).post(tenants::create))
        .route("/tenants/{tenant}", get(tenants::find).patch(tenants::patch))
        .route("/tenants/{tenant}/administrators", post(tenants::invite))
        .route("/visits", get(visits::list).post(visits::declare))
        .route("/visits/{visit}/approve", post(visits::approve))
        .route("/visits/{visit}/end", post(visits::end))
}
