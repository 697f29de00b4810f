//! Setting a password by a link: the first one, or one in place of one that was forgotten.

use axum::extract::State;
use axum::http::HeaderMap;
use schemars::JsonSchema;
use serde::Deserialize;
use shared::audit::Actor;
use shared::crypto::Phi;
use shared::people::Ended;
use shared::people::password::{NewPassword, PasswordError};
use shared::people::secret::{Purpose, Token};
use shared::people::session::Why;
use shared::people::store::{self, Chain, links, sessions, sign_in};

use super::browser::refuse_other_sites;
use crate::app::App;
use crate::http::contract::Operation;
use crate::http::{Code, Empty, Fields, Kind, NotKept, Problem, Reply};

impl Code for PasswordError {
    fn code(&self) -> &'static str {
        match self {
            Self::TooShort => "too_short",
            Self::TooLong => "too_long",
            Self::NoUpperCase => "no_upper_case",
            Self::NoLowerCase => "no_lower_case",
            Self::NoDigit => "no_digit",
            Self::Common => "common_password",
        }
    }
}

/// A link's token, and the password to be.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "PasswordByLink")]
pub(super) struct Wish {
    /// The link's.
    #[schemars(length(max = 128), example = "an-invented-token")]
    token: Phi<String>,
    /// 8 characters or more, with upper case, lower case and a digit; not a common one.
    #[schemars(length(min = 8, max = 128), example = &"Invented4Password")]
    password: Phi<String>,
}

/// A password in `field`, or its fault.
pub(crate) fn new_password(field: &str, text: &str) -> Result<NewPassword, Problem> {
    let mut fields = Fields::default();
    let password = fields.take(field, NewPassword::parse(text));
    fields.finish(password)
}

pub(super) const SET: Operation = Operation::new("setPassword", "Set a password by a link")
    .says("Uses the link up, and ends every session that there was.")
    .fails(&[Kind::CrossSite]);

/// Sets the password, uses the link up, and ends every session that there was.
pub(super) async fn set_password(
    State(app): State<App>,
    headers: HeaderMap,
    NotKept(wish): NotKept<Wish>,
) -> Result<Reply<Empty>, Problem> {
    refuse_other_sites(&headers, &app)?;
    let refused =
        || Problem::field("/token", "no_such_link", "this link is used, expired or unknown");
    let token = Token::parse(Purpose::Link, wish.token.expose()).ok_or_else(refused)?;
    if !links::holds(&app.db, &token.hash()).await? {
        return Err(refused());
    }
    let password = new_password("password", wish.password.expose())?;
    let hash = app.people.hasher().hash(password.expose()).await?;

    let mut tx = app.db.engine().await?;
    let user = links::take(&mut tx, &token.hash()).await?.ok_or_else(refused)?;
    let known = sign_in::of_user(&mut tx, user).await?.ok_or_else(refused)?;
    let before = known.password_hash.as_deref();
    if !sign_in::set_password(&mut tx, user, before, &hash).await? {
        return Err(refused());
    }
    sessions::end_others(&mut tx, user, None, Why::Password).await?;
    let entry = ("user.password", user.0);
    store::append(&mut tx, known.tenant, Chain::Changes, Actor::User(user), entry).await?;
    tx.commit().await?;
    app.people.endings().tell(Ended::User(user));
    Ok(Reply::empty())
}
