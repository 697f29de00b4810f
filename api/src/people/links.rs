//! Links by which somebody sets a password. Until there is mail, whoever makes one passes it on.

use axum::extract::State;
use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;
use shared::audit::Actor;
use shared::ids::UserId;
use shared::people::State as Standing;
use shared::people::secret::{Purpose, Token};
use shared::people::store::links::{self, Kind};

use super::tell;
use super::users::found_to_let_in;
use crate::app::{App, Work};
use crate::auth::{Allowed, EditUsers};
use crate::http::contract::Operation;
use crate::http::{NotKept, Nothing, Path, Problem, Reply, Shown, problem};

/// A link as it is shown, once. The token goes into the body of `POST /v1/auth/set-password`; a page that takes it from its
/// own address should take it from behind the `#`, which is never sent to a server.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "PasswordLink")]
pub(crate) struct LinkView {
    /// A first password, or a new one.
    #[schemars(with = "Kind")]
    kind: &'static str,
    /// For the body of `POST /v1/auth/set-password`; shown once.
    #[schemars(example = "an-invented-token")]
    token: String,
    /// When it holds no more.
    expires_at: DateTime<Utc>,
}

impl LinkView {
    /// A link of somebody of the platform.
    pub(crate) fn new(kind: Kind, token: &Token, expires_at: DateTime<Utc>) -> Self {
        Self { kind: kind.as_str(), token: token.expose().to_owned(), expires_at }
    }
}

/// Makes a link for somebody of the tenant, in place of those that they had.
pub(crate) async fn make(work: &mut Work, user: UserId, kind: Kind) -> Result<LinkView, Problem> {
    let token = Token::generate(Purpose::Link)?;
    let by = match work.actor {
        Actor::User(by) => Some(by),
        _ => None,
    };
    let expires = links::make(&mut work.tx, (user, by), kind, &token.hash(), work.now).await?;
    Ok(LinkView::new(kind, &token, expires))
}

pub(super) const RENEW: Operation = Operation::new("makePasswordLink", "Make a link to set a password").says("An invitation for who has no password yet, else a reset. Shown once, to be passed on by whoever asks; the old password holds until the link is used.").fails(&[problem::Kind::UserDeactivated]);

/// A new link: an invitation for who has no password yet, else a reset. The old password holds until the link is used.
pub(super) async fn renew(
    State(app): State<App>,
    by: Allowed<EditUsers>,
    Path(id): Path<UserId>,
    NotKept(Nothing {}): NotKept<Nothing>,
) -> Result<Reply<Shown<LinkView>>, Problem> {
    let mut work = app.change(&by).await?;
    let user = found_to_let_in(&mut work, &by, id).await?;
    let kind = match user.state {
        Standing::Invited => Kind::Invitation,
        Standing::Active => Kind::Reset,
        Standing::Deactivated => {
            return Err(Problem::Conflict {
                kind: problem::Kind::UserDeactivated,
                detail: "reactivate the user first".to_owned(),
                more: None,
            });
        }
    };
    let link = make(&mut work, id, kind).await?;
    let values = json!({ "kind": kind.as_str() });
    tell(&mut work, ("user.changed", "user.password_link"), id.0, &values)?;
    work.commit(&app, Reply::ok(&link)?).await
}
