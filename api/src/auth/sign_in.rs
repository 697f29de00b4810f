//! Signing in: the same work and the same answer for somebody unknown, a wrong password, and somebody who may not.

use axum::extract::State;
use axum::http::HeaderMap;
use schemars::JsonSchema;
use serde::Deserialize;
use shared::audit::Actor;
use shared::contacts::email::EmailAddress;
use shared::crypto::{EqualityKind, Phi, TenantKeys};
use shared::people::State as Standing;
use shared::people::secret::{Purpose, Token};
use shared::people::store::sign_in::{self, Credentials};
use shared::people::store::users::hashes;
use shared::people::store::{self, Chain, sessions};
use shared::telemetry::metrics::{self, SignIn};
use uuid::Uuid;

use super::address::ClientAddress;
use super::browser::refuse_other_sites;
use super::issue::{Delivery, TokensView, issue};
use super::second_step::{MOST_CODE, Shown as ShownToo, Step, use_up};
use super::throttle::Attempt;
use crate::app::App;
use crate::http::contract::Operation;
use crate::http::{Fields, Kind, NotKept, Problem, Reply, Shown};

/// Longer than any password that the rule accepts.
const LONGEST_PASSWORD: usize = 1_024;

/// Who wishes to sign in.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "SignIn")]
pub(super) struct Wish {
    /// The address with which one was invited.
    #[schemars(length(max = 254), example = "grace@example.com")]
    email: Phi<String>,
    /// The password.
    #[schemars(length(max = LONGEST_PASSWORD), example = &"Invented4Password")]
    password: Phi<String>,
    /// A code of the authenticator app.
    #[schemars(length(max = MOST_CODE), example = "123456")]
    code: Option<Phi<String>>,
    /// In place of a code; each holds once.
    #[schemars(length(max = MOST_CODE))]
    recovery_code: Option<Phi<String>>,
    /// How the refresh token is handed over.
    #[serde(default)]
    refresh_token: Delivery,
}

pub(super) const SIGN_IN: Operation = Operation::new("signIn", "Sign in").says("Begins a session of eight hours with an access token of 15 minutes. Somebody unknown, a wrong password, and somebody who may not sign in get the same answer after the same work. Attempts are counted by account and by address.").fails(&[Kind::SignInRefused, Kind::SecondFactorNeeded, Kind::SecondFactorWrong, Kind::Suspended, Kind::CrossSite, Kind::TooManyAttempts, Kind::Unauthenticated]);

/// Begins a session.
pub(super) async fn sign_in(
    State(app): State<App>,
    address: ClientAddress,
    headers: HeaderMap,
    NotKept(wish): NotKept<Wish>,
) -> Result<Reply<Shown<TokensView>>, Problem> {
    refuse_other_sites(&headers, &app)?;
    let email = read(&wish)?;
    let shown_too = ShownToo::new(wish.code, wish.recovery_code);
    let platform = app.keys.platform(&app.db).await?;
    let attempt = attempt(&platform, &email, &address);
    count(&app, &attempt).await?;

    let known = sign_in::by_email(&app.db, &hashes(&platform, &email)).await?;
    let hash = known.as_ref().and_then(|known| known.password_hash.as_deref());
    let right = app.people.hasher().verify(wish.password.expose(), hash).await?;
    let may = known.as_ref().filter(|known| right && known.state == Standing::Active);
    let Some(known) = may else {
        note_refusal(&app, known.as_ref()).await?;
        return Err(Problem::SignInRefused);
    };
    if !known.tenant_active {
        note_refusal(&app, Some(known)).await?;
        return Err(Problem::Suspended);
    }
    if known.totp_confirmed && shown_too.is_nothing() {
        app.people.throttle().overlook(&attempt).await;
        return Err(Problem::SecondFactorNeeded);
    }

    let refresh = Token::generate(Purpose::Refresh)?;
    let mut tx = app.db.engine().await?;
    let step = use_up(&mut tx, &platform, known, &shown_too).await?;
    if step == Step::Wrong {
        drop(tx);
        note_refusal(&app, Some(known)).await?;
        return Err(Problem::SecondFactorWrong);
    }
    if !sign_in::note(&mut tx, known).await? {
        drop(tx);
        note_refusal(&app, Some(known)).await?;
        return Err(Problem::SignInRefused);
    }
    let (who, shown) = ((known.user, known.tenant), step == Step::Shown);
    let session = sessions::begin(&mut tx, who, shown, &refresh.hash()).await?;
    let (actor, entry) = (Actor::User(known.user), ("sign_in", session.0));
    store::append(&mut tx, known.tenant, Chain::Accesses, actor, entry).await?;
    tx.commit().await?;
    app.people.throttle().give_back(&attempt).await;
    metrics::signed_in(SignIn::Succeeded);

    let standing = sessions::standing(&app.db, session).await?.ok_or(Problem::Unauthenticated)?;
    issue(&app, &standing, &refresh, wish.refresh_token).await
}

fn read(wish: &Wish) -> Result<EmailAddress, Problem> {
    let mut fields = Fields::default();
    let email = fields.take("email", wish.email.expose().parse::<EmailAddress>());
    if wish.password.expose().len() > LONGEST_PASSWORD {
        fields.fault("password", "too_long", "is longer than any password");
    }
    fields.finish(email)
}

/// Whose attempts are counted: the account's, known or not, and the address's.
fn attempt(platform: &TenantKeys, email: &EmailAddress, address: &ClientAddress) -> Attempt {
    Attempt {
        account: hex::encode(hashes(platform, email).current.as_bytes()),
        address: network(platform, address),
    }
}

/// An address as it is counted: Redis holds nothing from which it could be read.
pub(crate) fn network(platform: &TenantKeys, address: &ClientAddress) -> String {
    let hashes = platform.equality(EqualityKind::NetworkAddress, address.as_str());
    hex::encode(hashes.current.as_bytes())
}

/// Counts the attempt, before any work is done for it.
pub(crate) async fn count(app: &App, attempt: &Attempt) -> Result<(), Problem> {
    let Some(wait) = app.people.throttle().take(attempt).await else { return Ok(()) };
    metrics::signed_in(SignIn::Throttled);
    Err(Problem::TooManyAttempts { seconds: wait.as_secs().max(1) })
}

/// An entry in the chain of the tenant whose person was meant, or in the platform's: as much work for nobody as for somebody.
async fn note_refusal(app: &App, known: Option<&Credentials>) -> Result<(), Problem> {
    metrics::signed_in(SignIn::Refused);
    let tenant = known.and_then(|known| known.tenant);
    let entity = known.map_or(Uuid::nil(), |known| known.user.0);
    let mut tx = app.db.engine().await?;
    let entry = ("sign_in.refused", entity);
    store::append(&mut tx, tenant, Chain::Accesses, Actor::Stranger, entry).await?;
    tx.commit().await?;
    Ok(())
}
