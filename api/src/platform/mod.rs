//! What the platform's own people do: they manage tenants from outside, and declare when they look into one.

mod tenants;
mod visits;

use crate::http::contract::{Routes, get, post};

/// Routes below `/v1/platform`.
pub(crate) fn routes() -> Routes {
    Routes::tagged("Platform")
        .at("/tenants", get(tenants::LIST, tenants::list).post(tenants::CREATE, tenants::create))
        .at(
            "/tenants/{tenant}",
            get(tenants::FIND, tenants::find).patch(tenants::PATCH, tenants::patch),
        )
        .at("/tenants/{tenant}/administrators", post(tenants::INVITE, tenants::invite))
        .at("/visits", get(visits::LIST, visits::list).post(visits::DECLARE, visits::declare))
        .at("/visits/{visit}/approve", post(visits::APPROVE, visits::approve))
        .at("/visits/{visit}/end", post(visits::END, visits::end))
}
