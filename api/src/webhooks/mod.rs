//! Webhooks: what the voice provider, and tenants' own systems, tell us. Verified, stored sealed, acknowledged; the
//! worker applies them.

mod inbox;
mod keys;
mod receive;

use crate::http::contract::{Routes, post};

pub use inbox::Inbox;
pub use keys::WebhookKeys;

/// Routes below `/v1/webhooks`: a path for each provider account.
pub(crate) fn routes() -> Routes {
    Routes::tagged("Webhooks")
        .at("/retell/{account}", post(receive::OF_ACCOUNT, receive::of_account))
}

/// Routes below `/api/webhook`, as the requirements have them.
pub(crate) fn of_the_requirements() -> Routes {
    Routes::tagged("Webhooks").at("/call-outcome", post(receive::OUTCOME, receive::call_outcome))
}
