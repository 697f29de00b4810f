//! Reading who somebody is.

use schemars::JsonSchema;
use serde::Deserialize;
use shared::contacts::email::EmailAddress;
use shared::contacts::name::PersonName;
use shared::crypto::Phi;
use shared::ids::UserId;
use shared::people::store::users::{EMAIL_IS_UNIQUE, NewUser};
use shared::tenants::KeyError;

use crate::http::{Fields, Kind, Problem};

/// Name and e-mail address of somebody to be invited.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "NewAdministrator")]
pub(crate) struct Details {
    /// What they are called.
    #[schemars(length(min = 2, max = 200), example = "Grace Example")]
    pub(crate) name: Phi<String>,
    /// What they sign in with.
    #[schemars(length(max = 254), example = "grace@example.com")]
    pub(crate) email: Phi<String>,
}

impl Details {
    /// Somebody to be, or what is wrong.
    pub(crate) fn read(&self) -> Result<NewUser, Problem> {
        let mut fields = Fields::default();
        let name = fields.take("name", self.name.expose().parse::<PersonName>());
        let email = fields.take("email", self.email.expose().parse::<EmailAddress>());
        let both = name.zip(email);
        fields.finish(both.map(|(name, email)| NewUser { id: UserId::new(), name, email }))
    }
}

/// The problem of an address that somebody else signs in with, perhaps elsewhere; any other as it is.
pub(crate) fn email_taken(error: KeyError) -> Problem {
    match error {
        KeyError::Db(error) if error.is_refused_by(EMAIL_IS_UNIQUE) => Problem::Conflict {
            kind: Kind::EmailTaken,
            detail: "somebody signs in with this e-mail address already".to_owned(),
            more: None,
        },
        other => other.into(),
    }
}
