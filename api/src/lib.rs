//! The HTTP API: what a tenant's people and programs may ask and change.
//!
//! Every answer that is not a success is a problem (RFC 9457). `docs/api.md` describes the routes; the engine that calls
//! people is the worker's.

mod accesses;
mod app;
mod appointments;
mod auth;
mod calls;
mod contacts;
mod do_not_call;
mod http;
mod live;
mod ops;
mod planning;
mod tenant;
mod webhooks;

use axum::Router;

pub use accesses::Accesses;
pub use app::App;
pub use live::{Limits as LiveLimits, Live};
pub use ops::operators;
pub use webhooks::{Inbox, WebhookKeys};

/// All routes for clients.
pub fn router(app: App) -> Router {
    let v1 = Router::new()
        .nest("/calls", calls::routes())
        .nest(
            "/contacts",
            contacts::routes().merge(appointments::routes()).merge(calls::of_contact()),
        )
        .nest("/do-not-call", do_not_call::routes())
        .nest("/live", live::routes())
        .nest("/tenant", tenant::routes())
        .nest("/webhooks", webhooks::routes());
    http::around(
        Router::new().nest("/v1", v1).nest("/api/webhook", webhooks::of_the_requirements()),
        app.accesses.clone(),
    )
    .with_state(app)
}
