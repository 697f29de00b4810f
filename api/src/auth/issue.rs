//! Handing over the tokens of a session.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use shared::ids::{SessionId, TenantId, UserId};
use shared::people::Role;
use shared::people::secret::Token;
use shared::people::session::{Standing, token_expires};

use super::browser;
use super::tokens::Claims;
use crate::app::App;
use crate::http::{Problem, Reply, Shown};

/// How the refresh token is handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[schemars(rename = "RefreshTokenDelivery")]
#[serde(rename_all = "snake_case")]
pub(super) enum Delivery {
    /// In a cookie that no script sees: for browsers, and unless asked otherwise.
    #[default]
    Cookie,
    /// In the body: for programs, which ask for it.
    Body,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Tokens")]
pub(super) struct TokensView {
    /// For `Authorization: Bearer`.
    #[schemars(example = "an-invented-token")]
    access_token: String,
    /// `Bearer`.
    #[schemars(example = &"Bearer")]
    token_type: &'static str,
    /// When the access token holds no more.
    expires_at: DateTime<Utc>,
    /// The same in seconds from now.
    #[schemars(example = 900)]
    expires_in: i64,
    /// For programs that asked for it in the body.
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    session: SessionView,
    user: UserView,
    /// Nothing but setting up a second factor is allowed until that is done.
    second_factor_setup_needed: bool,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "SessionOfTokens")]
struct SessionView {
    id: SessionId,
    ends_at: DateTime<Utc>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "UserOfTokens")]
struct UserView {
    id: UserId,
    #[schemars(with = "Role")]
    role: &'static str,
    tenant_id: Option<TenantId>,
}

/// The answer with a new access token and the session's next refresh token.
pub(super) async fn issue(
    app: &App,
    standing: &Standing,
    refresh: &Token,
    delivery: Delivery,
) -> Result<Reply<Shown<TokensView>>, Problem> {
    let expires_at = token_expires(standing.now, standing.ends_at);
    let claims = Claims::new(
        (standing.user, standing.session),
        (standing.role, standing.tenant),
        standing.now,
        expires_at,
    );
    let view = TokensView {
        access_token: app.people.tokens().sign((&app.db, &app.keys), &claims).await?,
        token_type: "Bearer",
        expires_at,
        expires_in: (expires_at - standing.now).num_seconds(),
        refresh_token: (delivery == Delivery::Body).then(|| refresh.expose().to_owned()),
        session: SessionView { id: standing.session, ends_at: standing.ends_at },
        user: UserView {
            id: standing.user,
            role: standing.role.as_str(),
            tenant_id: standing.tenant,
        },
        second_factor_setup_needed: standing.factor_missing,
    };
    let reply = Reply::ok(&view)?;
    Ok(match delivery {
        Delivery::Cookie => reply.with_header("set-cookie", browser::keep(refresh)),
        Delivery::Body => reply,
    })
}
