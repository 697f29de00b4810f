//! People, made by hand: the first ones, and whoever locked themselves out.

use anyhow::Context;
use clap::Subcommand;
use serde_json::{Value, json};
use shared::api_keys::Role;
use shared::audit::{Actor, Changes};
use shared::contacts::email::EmailAddress;
use shared::contacts::name::PersonName;
use shared::ids::{TenantId, UserId};
use shared::people::State;
use shared::people::secret::{Purpose, Token};
use shared::people::session::Why;
use shared::people::store::links::{self, Kind};
use shared::people::store::users::{self, EMAIL_IS_UNIQUE, NewUser};
use shared::people::store::{self, Chain, factor, sessions};
use shared::tenants::{KeyError, KeyRing};
use uuid::Uuid;

use super::super::Base;

/// What to do with people of a tenant.
#[derive(Debug, Subcommand)]
pub(crate) enum UserAct {
    /// Invite one. The link is shown once.
    Create {
        /// To which tenant.
        tenant: TenantId,
        /// What they are called.
        #[arg(long)]
        name: PersonName,
        /// By what they will sign in.
        #[arg(long)]
        email: EmailAddress,
        /// What they may do: `client_admin` or `client_user`.
        #[arg(long, default_value = "client_user")]
        role: Role,
    },
    /// List them.
    List {
        /// Of which tenant.
        tenant: TenantId,
    },
    /// A new link for a password: for who never had one, or lost it. The old password holds until it is used.
    Link {
        /// Of which tenant.
        tenant: TenantId,
        /// Whose.
        user: UserId,
    },
}

/// What to do with people of the platform.
#[derive(Debug, Subcommand)]
pub(crate) enum SuperAdminAct {
    /// Make one. The link is shown once.
    Create {
        /// What they are called.
        #[arg(long)]
        name: PersonName,
        /// By what they will sign in.
        #[arg(long)]
        email: EmailAddress,
    },
    /// List them.
    List,
    /// A new link for a password.
    Link {
        /// Whose.
        user: UserId,
    },
    /// Let one sign in no more; ends their sessions.
    Deactivate {
        /// Whom.
        user: UserId,
    },
    /// Let one sign in again.
    Reactivate {
        /// Whom.
        user: UserId,
    },
    /// Take off a second factor that was lost; ends their sessions. They set up another when they next sign in.
    RemoveSecondFactor {
        /// Whose.
        user: UserId,
    },
}

/// What whoever is handed a link does with it.
const USE_THE_LINK: &str = "pass the token on by a way that only they read; it works once: POST /v1/auth/set-password {\"token\", \"password\"}";

/// Does it.
pub(super) async fn of_tenant(base: &Base, act: UserAct) -> anyhow::Result<Value> {
    match act {
        UserAct::Create { tenant, name, email, role } => {
            let new = NewUser { id: UserId::new(), name, email };
            let (token, expires) = invite(base, tenant, &new, role).await?;
            Ok(json!({
                "user_id": new.id, "link_token": token.expose(), "expires_at": expires,
                "next": [USE_THE_LINK, "then: POST /v1/auth/sign-in {\"email\", \"password\"}"],
            }))
        }
        UserAct::List { tenant } => {
            let mut tx = base.db.tenant(tenant).await?;
            let keys = KeyRing::new(base.keys.master.clone()).of(&mut tx).await?;
            let all = shared::paging::Slice { after: None, limit: 200 };
            let page = users::list(&mut tx, &keys, all).await?;
            let view = |user: &shared::people::User| {
                json!({ "user_id": user.id, "name": user.name.as_str(), "email": user.email.as_str(),
                        "role": user.role.as_str(), "state": user.state.as_str(),
                        "second_factor": user.second_factor })
            };
            Ok(page.items.iter().map(view).collect())
        }
        UserAct::Link { tenant, user } => {
            let mut tx = base.db.tenant(tenant).await?;
            let ring = KeyRing::new(base.keys.master.clone());
            let keys = ring.of(&mut tx).await?;
            let found = users::find(&mut tx, &keys, user).await?.context("no such user")?;
            anyhow::ensure!(found.state != State::Deactivated, "the user is deactivated");
            let kind = if found.state == State::Invited { Kind::Invitation } else { Kind::Reset };
            let token = Token::generate(Purpose::Link)?;
            let now = shared::tenants::store::now(&mut tx).await?;
            let expires = links::make(&mut tx, user, kind, &token.hash(), now).await?;
            let mut changes = Changes::by(Actor::Platform);
            changes.event("user.changed", user.0, None);
            changes.entry("user.password_link", user.0, None);
            changes.append(&mut tx).await?;
            tx.commit().await?;
            Ok(
                json!({ "link_token": token.expose(), "expires_at": expires, "next": [USE_THE_LINK] }),
            )
        }
    }
}

/// Stores somebody of a tenant, with the link for their first password.
pub(crate) async fn invite(
    base: &Base,
    tenant: TenantId,
    new: &NewUser,
    role: Role,
) -> anyhow::Result<(Token, chrono::DateTime<chrono::Utc>)> {
    let ring = KeyRing::new(base.keys.master.clone());
    let platform = ring.platform(&base.db).await?;
    let mut tx = base.db.tenant(tenant).await?;
    let keys = ring.of(&mut tx).await.context("no such tenant")?;
    let now = shared::tenants::store::now(&mut tx).await?;
    users::insert(&mut tx, (&keys, &platform), new, role, now).await.map_err(taken)?;
    let token = Token::generate(Purpose::Link)?;
    let expires = links::make(&mut tx, new.id, Kind::Invitation, &token.hash(), now).await?;
    let mut changes = Changes::by(Actor::Platform);
    changes.event("user.invited", new.id.0, None).entry("user.invite", new.id.0, None);
    changes.append(&mut tx).await?;
    tx.commit().await?;
    Ok((token, expires))
}

/// Does it.
pub(super) async fn of_platform(base: &Base, act: SuperAdminAct) -> anyhow::Result<Value> {
    match act {
        SuperAdminAct::Create { name, email } => {
            let new = NewUser { id: UserId::new(), name, email };
            let (token, expires) = appoint(base, &new).await?;
            Ok(json!({
                "user_id": new.id, "link_token": token.expose(), "expires_at": expires,
                "next": [USE_THE_LINK,
                    "then sign in and set up a second factor: POST /v1/me/second-factor; nothing else is allowed before"],
            }))
        }
        SuperAdminAct::List => {
            let platform = KeyRing::new(base.keys.master.clone()).platform(&base.db).await?;
            let mut tx = base.db.engine().await?;
            let found = users::of_platform(&mut tx, &platform).await?;
            let view = |user: &users::OfPlatform| {
                json!({ "user_id": user.id, "name": user.name.as_str(), "email": user.email.as_str(),
                        "state": user.state.as_str(), "second_factor": user.second_factor })
            };
            Ok(found.iter().map(view).collect())
        }
        SuperAdminAct::Link { user } => {
            let now = base.db.now().await?;
            let mut tx = base.db.engine().await?;
            anyhow::ensure!(users::is_of_platform(&mut tx, user).await?, "no such super-admin");
            let token = Token::generate(Purpose::Link)?;
            let hash = token.hash();
            let expires = links::make_for_platform(&mut tx, user, Kind::Reset, &hash, now).await?;
            note(&mut tx, "user.password_link", user.0).await?;
            tx.commit().await?;
            Ok(
                json!({ "link_token": token.expose(), "expires_at": expires, "next": [USE_THE_LINK] }),
            )
        }
        SuperAdminAct::Deactivate { user } => settle(base, user, false).await,
        SuperAdminAct::Reactivate { user } => settle(base, user, true).await,
        SuperAdminAct::RemoveSecondFactor { user } => {
            let mut tx = base.db.engine().await?;
            anyhow::ensure!(users::is_of_platform(&mut tx, user).await?, "no such super-admin");
            factor::remove(&mut tx, user).await?;
            sessions::end_others(&mut tx, user, None, Why::SecondFactor).await?;
            note(&mut tx, "user.second_factor_removed", user.0).await?;
            tx.commit().await?;
            Ok(json!({ "user_id": user, "next": ["they set up another when they next sign in"] }))
        }
    }
}

/// Stores somebody of the platform, with the link for their first password.
pub(crate) async fn appoint(
    base: &Base,
    new: &NewUser,
) -> anyhow::Result<(Token, chrono::DateTime<chrono::Utc>)> {
    let platform = KeyRing::new(base.keys.master.clone()).platform(&base.db).await?;
    let now = base.db.now().await?;
    let mut tx = base.db.engine().await?;
    users::insert_of_platform(&mut tx, &platform, new, now).await.map_err(taken)?;
    let token = Token::generate(Purpose::Link)?;
    let (hash, kind) = (token.hash(), Kind::Invitation);
    let expires = links::make_for_platform(&mut tx, new.id, kind, &hash, now).await?;
    note(&mut tx, "user.invite", new.id.0).await?;
    tx.commit().await?;
    Ok((token, expires))
}

async fn settle(base: &Base, user: UserId, active: bool) -> anyhow::Result<Value> {
    let mut tx = base.db.engine().await?;
    let found = users::settle_of_platform(&mut tx, user, active).await?;
    anyhow::ensure!(found, "no such super-admin");
    if !active {
        sessions::end_others(&mut tx, user, None, Why::Deactivated).await?;
    }
    note(&mut tx, if active { "user.reactivate" } else { "user.deactivate" }, user.0).await?;
    tx.commit().await?;
    Ok(json!({ "user_id": user, "active": active }))
}

async fn note(
    tx: &mut shared::db::EngineTx,
    action: &'static str,
    entity: Uuid,
) -> Result<(), shared::db::Error> {
    store::append(tx, None, Chain::Changes, Actor::Platform, (action, entity)).await
}

fn taken(error: KeyError) -> anyhow::Error {
    match error {
        KeyError::Db(error) if error.is_refused_by(EMAIL_IS_UNIQUE) => {
            anyhow::anyhow!("somebody signs in with this e-mail address already")
        }
        other => other.into(),
    }
}
