//! One's own second factor: an authenticator app, and codes for the day on which the phone is gone.

use axum::extract::State;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use shared::audit::Actor;
use shared::crypto::{Phi, TenantField};
use shared::db::EngineTx;
use shared::people::Ended;
use shared::people::secret::{RECOVERY_CODES, RecoveryCode};
use shared::people::session::{Standing, Why};
use shared::people::store::{self, Chain, factor, sessions, sign_in};
use shared::people::totp::TotpSecret;

use super::my_password::Anew;
use crate::app::App;
use crate::auth::MOST_CODE;
use crate::auth::{Shown as ShownToo, Step, step_of, use_up};
use crate::http::contract::Operation;
use crate::http::{Empty, Kind, NotKept, Problem, Reply, Shown};

/// The password, shown anew.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PasswordAnew")]
pub(super) struct Password {
    /// The password that holds.
    #[schemars(length(max = 1024), example = &"Invented4Password")]
    password: Phi<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "SecondFactorSecret")]
pub(super) struct SecretView {
    /// In base 32, to be typed.
    #[schemars(example = &"JBSWY3DPEHPK3PXP")]
    secret: String,
    /// The same for a picture that the app reads.
    #[schemars(example = "otpauth://totp/VioConcierge")]
    uri: String,
}

pub(super) const PROPOSE: Operation = Operation::new("proposeSecondFactor", "Begin to set up a second factor").says("Makes a secret for an authenticator app; it is asked for once a code of it was shown. Asked again before that, it makes another.").fails(&[Kind::SecondFactorExists]);

/// Makes a secret for an app, which is asked for once a code of it was shown. Asked again before that, it makes another.
pub(super) async fn propose(
    State(app): State<App>,
    anew: Anew,
    NotKept(shown): NotKept<Password>,
) -> Result<Reply<Shown<SecretView>>, Problem> {
    anew.prove(&app, shown.password.expose()).await?;
    let user = anew.me.user;
    let secret = TotpSecret::generate()?;
    let platform = app.keys.platform(&app.db).await?;
    let sealed = platform.seal(TenantField::TotpSecret, user.0, secret.as_bytes())?;
    let mut tx = app.db.engine().await?;
    if !factor::propose(&mut tx, user, &sealed).await? {
        return Err(Problem::Conflict {
            kind: Kind::SecondFactorExists,
            detail: "remove the second factor that you have first".to_owned(),
            more: None,
        });
    }
    tx.commit().await?;
    anew.settle(&app).await;
    Reply::ok(&SecretView {
        secret: secret.to_base32().to_string(),
        uri: secret.to_uri().to_string(),
    })
}

/// A code of the app.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "SecondFactorCode")]
pub(super) struct Confirmation {
    /// A code of the authenticator app.
    #[schemars(length(max = MOST_CODE), example = "123456")]
    code: Phi<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "RecoveryCodes")]
pub(super) struct CodesView {
    /// Ten, each of which holds once; shown once.
    #[schemars(example = ["invented-code-one"])]
    recovery_codes: Vec<String>,
}

pub(super) const CONFIRM: Operation = Operation::new("confirmSecondFactor", "Show a first code").says("From now on the second factor is asked for. One's other sessions end. The recovery codes are shown once.").fails(&[Kind::NoSecondFactor, Kind::SecondFactorWrong]);

/// Asks for the second factor from now on. This session has shown it; the user's others end.
pub(super) async fn confirm(
    State(app): State<App>,
    anew: Anew,
    NotKept(shown): NotKept<Confirmation>,
) -> Result<Reply<Shown<CodesView>>, Problem> {
    let me = anew.me;
    anew.count(&app).await?;
    let platform = app.keys.platform(&app.db).await?;
    let mut tx = app.db.engine().await?;
    let known = sign_in::of_user(&mut tx, me.user).await?.ok_or(Problem::Unauthenticated)?;
    let nothing = || Problem::Conflict {
        kind: Kind::NoSecondFactor,
        detail: "nothing waits to be confirmed: POST /v1/me/second-factor".to_owned(),
        more: None,
    };
    if known.totp.is_none() || known.totp_confirmed {
        return Err(nothing());
    }
    let step = step_of(&mut tx, &platform, &known, shown.code.expose()).await?;
    let step = step.ok_or(Problem::SecondFactorWrong)?;
    if !factor::confirm(&mut tx, me.user, step).await? {
        return Err(nothing());
    }
    sessions::show_factor(&mut tx, me.session, true).await?;
    sessions::end_others(&mut tx, me.user, Some(me.session), Why::SecondFactor).await?;
    let codes = make_codes(&mut tx, &me).await?;
    tell(&mut tx, &me, "user.second_factor_confirmed").await?;
    tx.commit().await?;
    anew.settle(&app).await;
    app.people.endings().tell(Ended::User(me.user));
    Reply::ok(&codes)
}

/// Password and second factor, shown anew.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "BothAnew")]
pub(super) struct Both {
    /// The password that holds.
    #[schemars(length(max = 1024), example = &"Invented4Password")]
    password: Phi<String>,
    /// A code of the authenticator app.
    #[schemars(length(max = MOST_CODE), example = "123456")]
    code: Option<Phi<String>>,
    /// In place of a code; each holds once.
    #[schemars(length(max = MOST_CODE))]
    recovery_code: Option<Phi<String>>,
}

pub(super) const REMOVE: Operation = Operation::new("removeMySecondFactor", "Take one's second factor off").says("Where one is asked for, the session may then do nothing but set up another. One's other sessions end.").fails(&[Kind::NoSecondFactor, Kind::SecondFactorNeeded, Kind::SecondFactorWrong]);

/// Takes the second factor off: to change phones, for instance. Where one is asked for, this session may then do nothing but
/// set up another.
pub(super) async fn remove(
    State(app): State<App>,
    anew: Anew,
    NotKept(shown): NotKept<Both>,
) -> Result<Reply<Empty>, Problem> {
    let me = anew.me;
    let mut tx = prove_both(&app, &anew, shown).await?;
    factor::remove(&mut tx, me.user).await?;
    sessions::show_factor(&mut tx, me.session, false).await?;
    sessions::end_others(&mut tx, me.user, Some(me.session), Why::SecondFactor).await?;
    tell(&mut tx, &me, "user.second_factor_removed").await?;
    tx.commit().await?;
    anew.settle(&app).await;
    app.people.endings().tell(Ended::User(me.user));
    Ok(Reply::empty())
}

pub(super) const NEW_CODES: Operation =
    Operation::new("makeRecoveryCodes", "Make new recovery codes")
        .says("The old ones hold no more.")
        .fails(&[Kind::NoSecondFactor, Kind::SecondFactorNeeded, Kind::SecondFactorWrong]);

/// New recovery codes; the old ones hold no more.
pub(super) async fn new_codes(
    State(app): State<App>,
    anew: Anew,
    NotKept(shown): NotKept<Both>,
) -> Result<Reply<Shown<CodesView>>, Problem> {
    let me = anew.me;
    let mut tx = prove_both(&app, &anew, shown).await?;
    let codes = make_codes(&mut tx, &me).await?;
    tell(&mut tx, &me, "user.recovery_codes").await?;
    tx.commit().await?;
    anew.settle(&app).await;
    Reply::ok(&codes)
}

/// A transaction in which the second factor is used up.
async fn prove_both(app: &App, anew: &Anew, both: Both) -> Result<EngineTx, Problem> {
    let known = anew.prove(app, both.password.expose()).await?;
    let shown = ShownToo::new(both.code, both.recovery_code);
    let platform = app.keys.platform(&app.db).await?;
    let mut tx = app.db.engine().await?;
    match use_up(&mut tx, &platform, &known, &shown).await? {
        Step::Shown => Ok(tx),
        Step::Wrong if shown.is_nothing() => Err(Problem::SecondFactorNeeded),
        Step::Wrong => Err(Problem::SecondFactorWrong),
        Step::NotAsked => Err(Problem::Conflict {
            kind: Kind::NoSecondFactor,
            detail: "you have no second factor".to_owned(),
            more: None,
        }),
    }
}

async fn make_codes(tx: &mut EngineTx, me: &Standing) -> Result<CodesView, Problem> {
    let codes: Vec<RecoveryCode> =
        (0..RECOVERY_CODES).map(|_| RecoveryCode::generate()).collect::<Result<_, _>>()?;
    factor::set_recovery_codes(tx, me.user, &codes).await?;
    Ok(CodesView { recovery_codes: codes.iter().map(RecoveryCode::expose).collect() })
}

async fn tell(tx: &mut EngineTx, me: &Standing, action: &'static str) -> Result<(), Problem> {
    let actor = Actor::User(me.user);
    store::append(tx, me.tenant, Chain::Changes, actor, (action, me.user.0)).await?;
    Ok(())
}
