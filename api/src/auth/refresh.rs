//! Going on with a session, and ending it.

use std::convert::Infallible;

use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use schemars::JsonSchema;
use serde::Deserialize;
use shared::audit::Actor;
use shared::crypto::Phi;
use shared::ids::{SessionId, TenantId, UserId};
use shared::people::Ended;
use shared::people::secret::{Purpose, Token};
use shared::people::session::Why;
use shared::people::store::sessions::{self, Rotated};
use shared::people::store::{self, Chain};
use shared::telemetry::metrics::{self, SignIn};

use super::browser;
use super::issue::{Delivery, TokensView, issue};
use super::who::{Who, counted_in};
use crate::app::App;
use crate::http::contract::{Draft, Operation, Takes};
use crate::http::{Empty, Kind, NotKept, Problem, Reply, Shown as ShownBody};
use crate::limit::{Asker, Note};

/// Longer than any token of ours.
const LONGEST: usize = 128;

/// A refresh token, from a program. A browser sends its cookie, and nothing here.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "RefreshTokenShown")]
pub(super) struct Shown {
    /// The token, if it isn't in the cookie.
    #[schemars(length(max = LONGEST), example = "an-invented-token")]
    refresh_token: Option<Phi<String>>,
}

impl Shown {
    /// The token, and how the next one goes back: as this one came.
    fn token(&self, headers: &HeaderMap, app: &App) -> Result<Option<(Token, Delivery)>, Problem> {
        match &self.refresh_token {
            Some(text) if text.expose().chars().count() > LONGEST => {
                let why = format!("must be at most {LONGEST} characters");
                Err(Problem::field("/refresh_token", "too_long", why))
            }
            Some(text) => {
                let token = Token::parse(Purpose::Refresh, text.expose());
                Ok(token.map(|token| (token, Delivery::Body)))
            }
            None => {
                let token = browser::kept(headers, app)?;
                Ok(token.map(|token| (token, Delivery::Cookie)))
            }
        }
    }
}

pub(super) const REFRESH: Operation = Operation::new("refreshSession", "Go on with a session").says("Exchanges a refresh token for the next one and a new access token. A token that is shown twice ends its session. It counts as one of the tenant's requests; refused for want of them, the token holds on. A browser sends its cookie and `X-Vio-Request`, and nothing in the body.").fails(&[Kind::Unauthenticated, Kind::Suspended, Kind::CrossSite]);

/// Where it is noted what is left, once it is known whose request it is: not before the token is read.
pub(super) struct LaterCounted(Option<Note>);

impl Takes for LaterCounted {
    fn describe(draft: &mut Draft<'_>) {
        draft.fails(&[Kind::RateLimited]);
    }
}

impl FromRequestParts<App> for LaterCounted {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Infallible> {
        Ok(Self(parts.extensions.get::<Note>().cloned()))
    }
}

/// Exchanges a refresh token for the next one and a new access token.
pub(super) async fn refresh(
    State(app): State<App>,
    LaterCounted(note): LaterCounted,
    headers: HeaderMap,
    NotKept(shown): NotKept<Shown>,
) -> Result<Reply<ShownBody<TokensView>>, Problem> {
    let token = shown.token(&headers, &app)?;
    let (token, delivery) = token.ok_or(Problem::Unauthenticated)?;
    let next = Token::generate(Purpose::Refresh)?;
    let mut tx = app.db.engine().await?;
    let rotated = sessions::rotate(&mut tx, &token.hash(), &next.hash()).await?;
    if let Rotated::Next(standing) = &rotated {
        // Rolled back if it is one too many: the token holds on. One that was used before ends its session all the same.
        let counted = counted_in(standing);
        app.limits.admit_by_note(note.as_ref(), counted, Asker::Person).await?;
    }
    match rotated {
        Rotated::Next(standing) if standing.tenant_active => {
            tx.commit().await?;
            issue(&app, &standing, &next, delivery).await
        }
        // Rolled back: when the tenant goes on, so may its people.
        Rotated::Next(_) => Err(Problem::Suspended),
        Rotated::Unknown => Err(Problem::Unauthenticated),
        Rotated::Reused { session, user, tenant } => {
            let entry = ("session.reused", session.0);
            store::append(&mut tx, tenant, Chain::Accesses, Actor::User(user), entry).await?;
            tx.commit().await?;
            app.people.endings().tell(Ended::Session(session));
            metrics::signed_in(SignIn::Reused);
            tracing::warn!(session.id = %session, "a refresh token was shown twice; its session is over");
            Err(Problem::Unauthenticated)
        }
    }
}

/// The session of an access token, if one was sent.
pub(super) struct Bearer(Option<(SessionId, UserId, Option<TenantId>)>);

impl Takes for Bearer {
    fn describe(draft: &mut Draft<'_>) {
        draft.opened_by("person");
        draft.opened_by_nothing();
        draft.fails(&[Kind::Forbidden]);
    }
}

impl FromRequestParts<App> for Bearer {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        if !parts.headers.contains_key(header::AUTHORIZATION) {
            return Ok(Self(None));
        }
        // Not counted: who asks too often may still leave.
        match Who::identify(parts, app).await {
            Ok(Who::Person(found)) => Ok(Self(Some((found.session, found.user, found.tenant)))),
            Ok(Who::Key(_)) => Err(Problem::Forbidden { need: "a person who signed in" }),
            // Over already: what was wished for is so.
            Err(Problem::Unauthenticated) => Ok(Self(None)),
            Err(problem) => Err(problem),
        }
    }
}

pub(super) const SIGN_OUT: Operation = Operation::new("signOut", "Sign out").says("Ends the session of the access token or of the refresh token, and takes the cookie away. What is over already is no error.").fails(&[Kind::CrossSite]);

/// Ends the session of the access token or of the refresh token, and takes the cookie away. What is over already is no error.
pub(super) async fn sign_out(
    State(app): State<App>,
    Bearer(mut session): Bearer,
    headers: HeaderMap,
    NotKept(shown): NotKept<Shown>,
) -> Result<Reply<Empty>, Problem> {
    let mut tx = app.db.engine().await?;
    if session.is_none()
        && let Some((token, _)) = shown.token(&headers, &app)?
    {
        let found = sessions::of_token(&mut tx, &token.hash()).await?;
        session = found.map(|found| (found.session, found.user, found.tenant));
    }
    if let Some((id, user, tenant)) = session
        && sessions::end(&mut tx, id, Why::SignedOut).await?
    {
        let entry = ("sign_out", id.0);
        store::append(&mut tx, tenant, Chain::Accesses, Actor::User(user), entry).await?;
        tx.commit().await?;
        app.people.endings().tell(Ended::Session(id));
    }
    Ok(Reply::empty().with_header("set-cookie", browser::forget()))
}
