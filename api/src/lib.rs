//! The HTTP API: what a tenant's people and programs may ask and change.
//!
//! Every answer that is not a success is a problem (RFC 9457). `docs/api.md` describes the routes; the engine that calls
//! people is the worker's.

mod accesses;
mod app;
mod appointment_types;
mod appointments;
mod audit;
mod auth;
mod bulk;
mod calls;
mod contacts;
mod do_not_call;
mod exports;
mod gather;
mod groups;
mod http;
mod imports;
mod jobs;
mod limit;
mod live;
mod locations;
mod ops;
mod people;
mod phi;
mod planning;
mod platform;
mod retention;
mod tenant;
mod training;
mod webhooks;

use axum::Router;

use crate::http::contract::{self, Routes};

pub use accesses::Accesses;
pub use app::App;
pub use audit::seal_heads;
pub use auth::{
    Cost, People, Settings as PeopleSettings, hash_password, rotate as rotate_signing_key,
};
pub use limit::{Limits, Rules};
pub use live::{Limits as LiveLimits, Live};
pub use ops::operators;
pub use webhooks::{Inbox, WebhookKeys};

/// Every route for clients, with its description.
fn routes() -> Routes {
    let v1 = Routes::tagged("")
        .nest("/api-keys", people::keys_routes())
        .nest("/audit", audit::routes())
        .nest("/appointment-types", appointment_types::routes())
        .nest("/auth", auth::routes())
        .nest("/calls", calls::routes())
        .nest(
            "/contacts",
            contacts::routes()
                .merge(appointments::routes())
                .merge(calls::of_contact())
                .merge(retention::of_contact())
                .merge(groups::of_contact()),
        )
        .nest("/bulk", bulk::routes())
        .nest("/exports", exports::routes())
        .nest("/imports", imports::routes())
        .nest("/import-templates", imports::template_routes())
        .nest("/contact-views", contacts::views())
        .nest("/do-not-call", do_not_call::routes())
        .nest("/groups", groups::routes())
        .nest("/jobs", jobs::routes())
        .nest("/legal-holds", retention::of_holds())
        .nest("/live", live::routes())
        .nest("/locations", locations::routes())
        .nest("/me", people::of_oneself())
        .nest("/phi", phi::routes())
        .nest("/platform", platform::routes())
        .nest("/retention", retention::routes())
        .nest("/tenant", tenant::routes().merge(people::of_tenant()))
        .nest("/training", training::routes())
        .nest("/users", people::routes())
        .nest("/webhooks", webhooks::routes());
    Routes::tagged("")
        .nest("/v1", v1)
        .nest("/api/webhook", webhooks::of_the_requirements())
        .merge(contract::pages())
}

/// All routes for clients, as they are served.
pub fn router(app: App) -> Router {
    http::around(routes().into_router(), app.accesses.clone()).with_state(app)
}

/// The contract: OpenAPI 3.1, as `/openapi.json` serves it.
pub fn openapi() -> &'static str {
    contract::text()
}
