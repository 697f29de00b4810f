//! One's own password; and proving anew that one is who signed in.

use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use schemars::JsonSchema;
use serde::Deserialize;
use shared::audit::Actor;
use shared::crypto::Phi;
use shared::people::Ended;
use shared::people::session::{Standing, Why};
use shared::people::store::sign_in::{self, Credentials};
use shared::people::store::{self, Chain, links, sessions};

use crate::app::App;
use crate::auth::{Attempt, ClientAddress, SignedIn, count, network, new_password};
use crate::http::contract::{Draft, Operation, Takes};
use crate::http::{Empty, Kind, NotKept, Problem, Reply};

/// A person who is signed in and is about to show their password again. Wrong ones count as attempts to sign in do: who found
/// an open screen must not guess at leisure.
pub(super) struct Anew {
    pub(super) me: Standing,
    attempt: Attempt,
}

impl Takes for Anew {
    fn describe(draft: &mut Draft<'_>) {
        SignedIn::describe(draft);
        draft.fails(&[Kind::TooManyAttempts, Kind::Invalid]);
    }
}

impl FromRequestParts<App> for Anew {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let SignedIn(me) = SignedIn::from_request_parts(parts, app).await?;
        let address = ClientAddress::from_request_parts(parts, app).await?;
        let address = network(&*app.keys.platform(&app.db).await?, &address);
        Ok(Self { me, attempt: Attempt { account: format!("user.{}", me.user), address } })
    }
}

impl Anew {
    /// What is known of the person, if the password is theirs.
    pub(super) async fn prove(&self, app: &App, password: &str) -> Result<Credentials, Problem> {
        self.count(app).await?;
        // Closed before the password is hashed: no connection waits for a processor.
        let mut tx = app.db.engine().await?;
        let known = sign_in::of_user(&mut tx, self.me.user).await?;
        let known = known.ok_or(Problem::Unauthenticated)?;
        tx.commit().await?;
        let hash = known.password_hash.as_deref();
        if !app.people.hasher().verify(password, hash).await? {
            return Err(Problem::field("/password", "wrong_password", "this is not your password"));
        }
        Ok(known)
    }

    /// Counts an attempt to prove it.
    pub(super) async fn count(&self, app: &App) -> Result<(), Problem> {
        count(app, &self.attempt).await
    }

    /// The proof held: the attempt doesn't count.
    pub(super) async fn settle(&self, app: &App) {
        app.people.throttle().give_back(&self.attempt).await;
    }
}

/// The password that holds, and the one to be.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PasswordChange")]
pub(super) struct Change {
    /// The password that holds.
    #[schemars(length(max = 1024), example = &"Invented4Password")]
    password: Phi<String>,
    /// 8 characters or more, with upper case, lower case and a digit; not a common one.
    #[schemars(length(min = 8, max = 128), example = &"Another4Invented")]
    new_password: Phi<String>,
}

pub(super) const CHANGE: Operation = Operation::new("changeMyPassword", "Change one's password")
    .says("One's other sessions end, and links to set a password hold no more.")
    .fails(&[Kind::PreconditionFailed]);

/// Changes one's password, and ends one's other sessions.
pub(super) async fn change(
    State(app): State<App>,
    anew: Anew,
    NotKept(change): NotKept<Change>,
) -> Result<Reply<Empty>, Problem> {
    let new = new_password("new_password", change.new_password.expose())?;
    let known = anew.prove(&app, change.password.expose()).await?;
    if change.password == change.new_password {
        return Err(Problem::field("/new_password", "same_password", "this is the present one"));
    }
    let hash = app.people.hasher().hash(new.expose()).await?;
    let me = anew.me;
    let mut tx = app.db.engine().await?;
    let before = known.password_hash.as_deref();
    if !sign_in::set_password(&mut tx, me.user, before, &hash).await? {
        return Err(Problem::PreconditionFailed);
    }
    // A link that somebody still holds would set another.
    links::void_own(&mut tx, me.user).await?;
    sessions::end_others(&mut tx, me.user, Some(me.session), Why::Password).await?;
    let entry = ("user.password", me.user.0);
    store::append(&mut tx, me.tenant, Chain::Changes, Actor::User(me.user), entry).await?;
    tx.commit().await?;
    anew.settle(&app).await;
    app.people.endings().tell(Ended::User(me.user));
    Ok(Reply::empty())
}
