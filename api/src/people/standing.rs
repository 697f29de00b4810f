//! Whether somebody may sign in, and where they are signed in.

use axum::extract::State;
use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use shared::api_keys::store as keys;
use shared::ids::{ApiKeyId, SessionId, UserId};
use shared::people::session::{Session, Why};
use shared::people::store::{factor, links, sessions, users};
use shared::people::{Ended, State as Standing};

use super::tell;
use super::users::{UserView, found, found_to_let_in, spare_the_last};
use crate::app::{App, Begun};
use crate::auth::{Allowed, EditUsers, ReadUsers};
use crate::http::contract::Operation;
use crate::http::{Empty, Kind, Nothing, PageView, Path, Post, Problem, Reply, Shown, Versioned};

/// A session as it is shown.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Session")]
pub(super) struct SessionView {
    id: SessionId,
    /// When somebody signed in.
    started_at: DateTime<Utc>,
    /// To five minutes.
    seen_at: DateTime<Utc>,
    /// Eight hours later.
    ends_at: DateTime<Utc>,
    /// A second factor was shown.
    second_factor: bool,
    /// It is the one that asks.
    current: bool,
}

impl SessionView {
    pub(super) fn new(session: &Session, current: Option<SessionId>) -> Self {
        Self {
            id: session.id,
            started_at: session.started_at,
            seen_at: session.seen_at,
            ends_at: session.ends_at,
            second_factor: session.second_factor,
            current: current == Some(session.id),
        }
    }
}

pub(super) const DEACTIVATE: Operation =
    Operation::new("deactivateUser", "Let somebody sign in no more")
        .says(
            "Their sessions end at once, and so do links to set a password that they made and that nobody has used yet. API \
             keys that they made serve whole systems, and hold on unless `revoke_keys` is true: `keys` names those that do.",
        )
        .fails(&[Kind::LastAdministrator]);

/// What becomes of what somebody leaves.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "UserLeaving")]
pub(super) struct Leaving {
    /// The API keys that they made serve no request after this one.
    #[serde(default)]
    revoke_keys: bool,
}

/// Somebody who may sign in no more.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "UserLeft")]
pub(super) struct LeftView {
    #[serde(flatten)]
    user: UserView,
    /// API keys that they made and that hold on: they may have kept a copy.
    keys: Vec<ApiKeyId>,
}

/// Lets somebody sign in no more, and ends their sessions with the commit: each request asks, so none is served after it.
pub(super) async fn deactivate(
    State(app): State<App>,
    by: Allowed<EditUsers>,
    Path(id): Path<UserId>,
    Post { body, once }: Post<Leaving>,
) -> Result<Reply<Versioned<Shown<LeftView>>>, Problem> {
    let mut work = match app.change_once(&by, once).await? {
        Begun::Anew(work) => *work,
        Begun::Before(reply) => return Ok(reply),
    };
    work.lock_tenant().await?;
    let mut user = found(&mut work, id).await?;
    if user.state != Standing::Deactivated {
        spare_the_last(&mut work, &user).await?;
        user.state = Standing::Deactivated;
        user.version += 1;
        users::save(&mut work.tx, &work.keys, &user, work.now).await?;
        sessions::end_of_user(&mut work.tx, id, Why::Deactivated).await?;
        links::void(&mut work.tx, id, work.now).await?;
        links::void_made_by(&mut work.tx, id, work.now).await?;
        tell(&mut work, ("user.changed", "user.deactivate"), id.0, &json!({}))?;
    }
    let keys = keys::made_by(&mut work.tx, id).await?;
    let (revoked, keys) = if body.revoke_keys { (keys, Vec::new()) } else { (Vec::new(), keys) };
    for key in &revoked {
        keys::withdraw(&mut work.tx, *key, work.now).await?;
        tell(&mut work, ("api_key.revoked", "api_key.revoke"), key.0, &json!({}))?;
    }
    let reply = Reply::ok(&LeftView { user: UserView::new(&user), keys })?;
    let reply = work.commit(&app, reply.with_version(user.version)).await?;
    app.people.endings().tell(Ended::User(id));
    for key in revoked {
        app.people.endings().tell(Ended::Key(key));
    }
    Ok(reply)
}

pub(super) const REACTIVATE: Operation =
    Operation::new("reactivateUser", "Let somebody sign in again")
        .says("With the password that they had; who never had one needs a new link.");

/// Lets somebody sign in again, with the password that they had; who never had one needs a new link.
pub(super) async fn reactivate(
    State(app): State<App>,
    by: Allowed<EditUsers>,
    Path(id): Path<UserId>,
    Post { body: Nothing {}, once }: Post<Nothing>,
) -> Result<Reply<Versioned<Shown<UserView>>>, Problem> {
    let mut work = match app.change_once(&by, once).await? {
        Begun::Anew(work) => *work,
        Begun::Before(reply) => return Ok(reply),
    };
    work.lock_tenant().await?;
    let mut user = found_to_let_in(&mut work, &by, id).await?;
    if user.state == Standing::Deactivated {
        let known = users::had_signed_in(&mut work.tx, id).await?;
        user.state = if known { Standing::Active } else { Standing::Invited };
        user.version += 1;
        users::save(&mut work.tx, &work.keys, &user, work.now).await?;
        tell(&mut work, ("user.changed", "user.reactivate"), id.0, &json!({}))?;
    }
    let reply = Reply::ok(&UserView::new(&user))?.with_version(user.version);
    work.commit(&app, reply).await
}

pub(super) const REMOVE_FACTOR: Operation =
    Operation::new("removeUsersSecondFactor", "Take off the second factor of somebody who lost it")
        .says("Their sessions end.");

/// Takes off the second factor of somebody who lost it, and ends their sessions. Where the tenant asks for one, they set up
/// another when they next sign in.
pub(super) async fn remove_second_factor(
    State(app): State<App>,
    by: Allowed<EditUsers>,
    Path(id): Path<UserId>,
    Post { body: Nothing {}, once }: Post<Nothing>,
) -> Result<Reply<Versioned<Shown<UserView>>>, Problem> {
    let mut work = match app.change_once(&by, once).await? {
        Begun::Anew(work) => *work,
        Begun::Before(reply) => return Ok(reply),
    };
    found_to_let_in(&mut work, &by, id).await?;
    if factor::remove_lost(&mut work.tx, id).await? {
        sessions::end_of_user(&mut work.tx, id, Why::SecondFactor).await?;
        let told = ("user.changed", "user.second_factor_removed");
        tell(&mut work, told, id.0, &json!({ "by": "administrator" }))?;
    }
    let user = found(&mut work, id).await?;
    let reply = Reply::ok(&UserView::new(&user))?.with_version(user.version);
    let reply = work.commit(&app, reply).await?;
    app.people.endings().tell(Ended::User(id));
    Ok(reply)
}

pub(super) const SESSIONS: Operation =
    Operation::new("listUsersSessions", "List where somebody is signed in");

/// Where somebody is signed in.
pub(super) async fn sessions(
    State(app): State<App>,
    by: Allowed<ReadUsers>,
    Path(id): Path<UserId>,
) -> Result<Reply<Shown<PageView<SessionView>>>, Problem> {
    let mut work = app.read(&by).await?;
    found(&mut work, id).await?;
    let found = sessions::of_tenants_user(&mut work.tx, id).await?;
    let own = by.caller.session();
    let items: Vec<_> = found.iter().map(|session| SessionView::new(session, own)).collect();
    let shown = found.iter().map(|session| session.id.0);
    Ok(Reply::ok(&PageView { items, next: None })?.showing(shown))
}

pub(super) const END_SESSIONS: Operation =
    Operation::new("endUsersSessions", "End all of somebody's sessions")
        .says("They may sign in again.");

/// Ends all of somebody's sessions. They may sign in again.
pub(super) async fn end_sessions(
    State(app): State<App>,
    by: Allowed<EditUsers>,
    Path(id): Path<UserId>,
) -> Result<Reply<Empty>, Problem> {
    let mut work = app.change(&by).await?;
    found(&mut work, id).await?;
    let ended = sessions::end_of_user(&mut work.tx, id, Why::ByAdministrator).await?;
    if ended > 0 {
        tell(&mut work, ("user.changed", "user.sessions_ended"), id.0, &json!({ "ended": ended }))?;
    }
    let reply = work.commit(&app, Reply::empty()).await?;
    app.people.endings().tell(Ended::User(id));
    Ok(reply)
}
