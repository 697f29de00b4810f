//! One's own sessions.

use axum::extract::State;
use shared::audit::Actor;
use shared::ids::SessionId;
use shared::people::Ended;
use shared::people::session::Why;
use shared::people::store::{self, Chain, sessions};

use super::standing::SessionView;
use crate::app::App;
use crate::auth::SignedIn;
use crate::http::contract::Operation;
use crate::http::{Empty, PageView, Path, Problem, Reply, Shown};

pub(super) const LIST: Operation = Operation::new("listMySessions", "List where one is signed in");

/// Lists where one is signed in.
pub(super) async fn list(
    State(app): State<App>,
    SignedIn(me): SignedIn,
) -> Result<Reply<Shown<PageView<SessionView>>>, Problem> {
    let found = sessions::of_user(&app.db, me.user).await?;
    let current = Some(me.session);
    let items: Vec<_> = found.iter().map(|session| SessionView::new(session, current)).collect();
    let shown = found.iter().map(|session| session.id.0);
    Ok(Reply::ok(&PageView { items, next: None })?.showing(shown))
}

pub(super) const END: Operation =
    Operation::new("endMySession", "End one of one's sessions").says("Also the present one.");

/// Ends one of one's own sessions; also the present one.
pub(super) async fn end(
    State(app): State<App>,
    SignedIn(me): SignedIn,
    Path(id): Path<SessionId>,
) -> Result<Reply<Empty>, Problem> {
    let mut tx = app.db.engine().await?;
    if !sessions::end_own(&mut tx, me.user, id).await? {
        return Err(Problem::NotFound("session"));
    }
    let (actor, entry) = (Actor::User(me.user), ("session.end", id.0));
    store::append(&mut tx, me.tenant, Chain::Accesses, actor, entry).await?;
    tx.commit().await?;
    app.people.endings().tell(Ended::Session(id));
    Ok(Reply::empty())
}

pub(super) const END_OTHERS: Operation =
    Operation::new("endMyOtherSessions", "End one's other sessions")
        .says("All but the present one.");

/// Ends all of one's sessions but the present one.
pub(super) async fn end_others(
    State(app): State<App>,
    SignedIn(me): SignedIn,
) -> Result<Reply<Empty>, Problem> {
    let mut tx = app.db.engine().await?;
    if sessions::end_others(&mut tx, me.user, Some(me.session), Why::ByUser).await? > 0 {
        let (actor, entry) = (Actor::User(me.user), ("session.end_others", me.session.0));
        store::append(&mut tx, me.tenant, Chain::Accesses, actor, entry).await?;
    }
    tx.commit().await?;
    app.people.endings().tell(Ended::User(me.user));
    Ok(Reply::empty())
}
