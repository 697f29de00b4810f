//! What the API is compared with, as a process of its own: `axum` that answers a constant, and the same small read through
//! the same stores, with nobody asking who wants to know.

use std::net::SocketAddr;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::json;
use shared::calls::store::read;
use shared::db::Db;
use shared::ids::{CallId, TenantId};

/// Where it listens, and PostgreSQL by the two roles.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    #[arg(long)]
    listen: SocketAddr,
    #[arg(long, env = "PROOF_URL_APP", hide_env_values = true)]
    url_app: String,
    #[arg(long, env = "PROOF_URL_ENGINE", hide_env_values = true)]
    url_engine: String,
}

#[derive(Debug, Clone)]
struct Bare {
    db: Db,
}

/// Serves until it is killed.
pub(crate) async fn serve(options: Options) -> anyhow::Result<()> {
    let bare = Bare { db: Db::connect(&options.url_app, &options.url_engine, 16)? };
    let routes = Router::new()
        .route("/constant", get(|| async { Json(json!({ "status": "alive" })) }))
        .route("/calls/{tenant}/{call}", get(call))
        .with_state(bare);
    let listener = tokio::net::TcpListener::bind(options.listen).await?;
    Ok(axum::serve(listener, routes).await?)
}

async fn call(
    State(bare): State<Bare>,
    Path((tenant, call)): Path<(TenantId, CallId)>,
) -> Result<Response, StatusCode> {
    find(&bare, tenant, call).await.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
}

/// What the API's handler does, without its frame.
async fn find(bare: &Bare, tenant: TenantId, call: CallId) -> anyhow::Result<Response> {
    let mut tx = bare.db.tenant(tenant).await?;
    let Some((found, attempts)) = read::find_with_attempts(&mut tx, call).await? else {
        return Ok(StatusCode::NOT_FOUND.into_response());
    };
    let view = json!({
        "id": found.id, "contact_id": found.contact_id, "appointment_id": found.appointment_id,
        "kind": found.kind, "state": found.state, "earliest": found.earliest, "due": found.due,
        "deadline": found.deadline, "outcome": found.outcome, "attempts": attempts.len(),
    });
    Ok(Json(view).into_response())
}
