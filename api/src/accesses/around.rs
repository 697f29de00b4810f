//! The layer that notes: after the handler, before the answer.

use std::sync::{Arc, OnceLock};

use axum::extract::{MatchedPath, Request, State};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use shared::audit::Actor;
use shared::audit::accesses::Access;
use shared::ids::TenantId;
use uuid::Uuid;

use super::Accesses;
use crate::http::{Problem, RefusedTexts};

/// Where it is put down who asks, once that is known. Among a request's extensions.
#[derive(Debug, Clone, Default)]
pub(crate) struct Witness(Arc<OnceLock<(TenantId, Actor)>>);

impl Witness {
    /// Whoever asks is known.
    pub(crate) fn saw(&self, tenant: TenantId, actor: Actor) {
        let _first_stays = self.0.set((tenant, actor));
    }

    /// The same, for the witness of the request with these `parts`.
    pub(crate) fn note(parts: &Parts, tenant: TenantId, actor: Actor) {
        if let Some(witness) = parts.extensions.get::<Self>() {
            witness.saw(tenant, actor);
        }
    }
}

/// Ids that an answer shows, besides those in the request's path. Among an answer's extensions.
#[derive(Debug, Clone)]
pub(crate) struct ShownIds(pub(crate) Vec<Uuid>);

/// Notes the access before the answer goes out.
///
/// If that fails, what would have been shown is kept back: 503. The answer to a change that was made and shows nothing
/// goes out all the same; the change is in the tenant's other chain.
pub(crate) async fn note(
    State(accesses): State<Accesses>,
    mut request: Request,
    next: Next,
) -> Response {
    let witness = Witness::default();
    request.extensions_mut().insert(witness.clone());
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let named: Vec<Uuid> =
        request.uri().path().split('/').filter_map(|part| part.parse().ok()).collect();

    let mut answer = next.run(request).await;
    let Some((tenant, actor)) = witness.0.get().copied() else { return answer };
    if let Some(RefusedTexts(found)) = answer.extensions_mut().remove() {
        accesses.note_refused_texts((tenant, actor), &found).await;
    }
    let refused = answer.status() == StatusCode::TOO_MANY_REQUESTS;
    if refused && !accesses.is_first_refusal(tenant, actor) {
        return answer;
    }
    let mut shown = answer.extensions_mut().remove::<ShownIds>().map_or_else(Vec::new, |it| it.0);
    let reads = matches!(method, Method::GET | Method::HEAD);
    let must_be_noted = reads || !shown.is_empty();
    if reads && answer.status().is_success() {
        shown.extend(&named);
        shown.sort_unstable();
        shown.dedup();
    }
    let route = route.as_ref().map_or("unmatched", MatchedPath::as_str);
    let access = Access {
        tenant,
        actor,
        action: format!("{method} {route} {}", answer.status().as_u16()),
        entity: named.first().copied().unwrap_or(tenant.0),
        shown,
    };
    match accesses.note(access).await {
        Ok(()) => answer,
        Err(_) if must_be_noted => Problem::Busy.into_response(),
        Err(_) => answer,
    }
}
