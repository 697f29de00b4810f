//! Webhooks: what the voice provider, and tenants' own systems, tell us. Verified, stored sealed, acknowledged; the
//! worker applies them.

mod inbox;
mod keys;
mod receive;

use axum::Router;
use axum::routing::post;

use crate::app::App;

pub use inbox::Inbox;
pub use keys::WebhookKeys;

/// Routes below `/v1/webhooks`: a path for each provider account.
pub(crate) fn routes() -> Router<App> {
    Router::new().route("/retell/{account}", post(receive::of_account))
}

/// Routes below `/api/webhook`, as the requirements have them.
pub(crate) fn of_the_requirements() -> Router<App> {
    Router::new().route("/call-outcome", post(receive::call_outcome))
}
