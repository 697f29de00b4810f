//! People, made by hand: the first ones, and whoever locked themselves out.

use std::sync::Arc;

use anyhow::Context;
use chrono::{DateTime, Utc};
use clap::Subcommand;
use serde_json::{Value, json};
use shared::api_keys::Role;
use shared::audit::{Actor, Changes};
use shared::config::Environment;
use shared::contacts::email::EmailAddress;
use shared::contacts::name::PersonName;
use shared::crypto::{TenantField, TenantKeys};
use shared::db::{EngineTx, TenantTx};
use shared::ids::{TenantId, UserId};
use shared::operators::store as record;
use shared::people::State;
use shared::people::secret::{Purpose, Token};
use shared::people::session::Why;
use shared::people::store::links::{self, Kind};
use shared::people::store::users::{self, EMAIL_IS_UNIQUE, NewUser};
use shared::people::store::{factor, sessions};
use shared::tenants::{KeyError, KeyRing};

use super::super::Base;
use super::operator;

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
    /// Take off a second factor that was lost, where no administrator is left who could; ends their sessions.
    RemoveSecondFactor {
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
pub(super) async fn of_tenant(
    environment: &Environment,
    base: &Base,
    act: UserAct,
) -> anyhow::Result<Value> {
    let who = operator(environment)?;
    let ring = KeyRing::new(base.keys.master.clone());
    match act {
        UserAct::Create { tenant, name, email, role } => {
            let new = NewUser { id: UserId::new(), name, email };
            let mut work = open(base, &ring, tenant).await?;
            let platform = ring.platform(&base.db).await?;
            let keys = (&*work.keys, &*platform);
            users::insert(&mut work.tx, keys, &new, role, work.now).await.map_err(taken)?;
            let (token, expires) = work.link(new.id, Kind::Invitation).await?;
            let values = json!({ "role": role.as_str(), "operator": who });
            work.tell(("user.invited", "user.invite"), new.id, &values).await?;
            let sign_in = "then: POST /v1/auth/sign-in {\"email\", \"password\"}";
            Ok(json!({
                "user_id": new.id, "role": role.as_str(), "link_token": token.expose(), "expires_at": expires,
                "next": [USE_THE_LINK, sign_in],
            }))
        }
        UserAct::List { tenant } => {
            let mut work = open(base, &ring, tenant).await?;
            let (mut all, mut after) = (Vec::new(), None);
            loop {
                let slice = shared::paging::Slice { after, limit: 200 };
                let page = users::list(&mut work.tx, &work.keys, slice).await?;
                all.extend(page.items.iter().map(|user| {
                    json!({ "user_id": user.id, "name": user.name.as_str(), "email": user.email.as_str(),
                            "role": user.role.as_str(), "state": user.state.as_str(),
                            "second_factor": user.second_factor })
                }));
                after = page.next;
                if after.is_none() {
                    break Ok(all.into());
                }
            }
        }
        UserAct::Link { tenant, user } => {
            let mut work = open(base, &ring, tenant).await?;
            let found = work.user(user).await?;
            anyhow::ensure!(
                found.state != State::Deactivated,
                "the user is deactivated: an administrator of the tenant reactivates them first"
            );
            let kind = if found.state == State::Invited { Kind::Invitation } else { Kind::Reset };
            let (token, expires) = work.link(user, kind).await?;
            let values = json!({ "kind": kind.as_str(), "operator": who });
            work.tell(("user.changed", "user.password_link"), user, &values).await?;
            Ok(json!({
                "user_id": user, "kind": kind.as_str(), "link_token": token.expose(), "expires_at": expires,
                "next": [USE_THE_LINK],
            }))
        }
        UserAct::RemoveSecondFactor { tenant, user } => {
            let mut work = open(base, &ring, tenant).await?;
            work.user(user).await?;
            let removed = factor::remove_lost(&mut work.tx, user).await?;
            if removed {
                sessions::end_of_user(&mut work.tx, user, Why::SecondFactor).await?;
                let told = ("user.changed", "user.second_factor_removed");
                work.tell(told, user, &json!({ "by": "operator", "operator": who })).await?;
            }
            let next = match removed {
                true => {
                    "their sessions are over; they sign in with their password, and set up another where the tenant asks for one"
                }
                false => "they have no second factor: nothing was changed",
            };
            Ok(json!({ "user_id": user, "removed": removed, "next": [next] }))
        }
    }
}

/// A transaction in which something of a tenant is changed.
struct Work {
    tx: TenantTx,
    keys: Arc<TenantKeys>,
    now: DateTime<Utc>,
}

async fn open(base: &Base, ring: &KeyRing, tenant: TenantId) -> anyhow::Result<Work> {
    let found = shared::tenants::store::directory::find(&base.db, tenant).await?;
    // Asked first: of a tenant that isn't there it would be said that its keys are broken.
    found.with_context(|| super::tenants::unknown(tenant))?;
    let mut tx = base.db.tenant(tenant).await?;
    let keys = ring.of(&mut tx).await?;
    let now = shared::tenants::store::now(&mut tx).await?;
    Ok(Work { tx, keys, now })
}

impl Work {
    async fn user(&mut self, id: UserId) -> anyhow::Result<shared::people::User> {
        let found = users::find(&mut self.tx, &self.keys, id).await?;
        found.with_context(|| {
            format!("the tenant has no user {id}: `api admin user list TENANT` shows them")
        })
    }

    async fn link(&mut self, id: UserId, kind: Kind) -> anyhow::Result<(Token, DateTime<Utc>)> {
        let token = Token::generate(Purpose::Link)?;
        let expires = links::make(&mut self.tx, (id, None), kind, &token.hash(), self.now).await?;
        Ok((token, expires))
    }

    /// Tells it in the tenant's chain, with the operator's name sealed in it, and commits.
    async fn tell(
        mut self,
        (event, action): (&'static str, &'static str),
        id: UserId,
        values: &Value,
    ) -> anyhow::Result<()> {
        let sealed =
            self.keys.seal(TenantField::AuditDetails, id.0, values.to_string().as_bytes())?;
        let mut changes = Changes::by(Actor::Platform);
        changes.event(event, id.0, None).entry(action, id.0, Some(sealed));
        changes.append(&mut self.tx).await?;
        Ok(self.tx.commit().await?)
    }
}

/// Does it.
pub(super) async fn of_platform(
    environment: &Environment,
    base: &Base,
    act: SuperAdminAct,
) -> anyhow::Result<Value> {
    let who = operator(environment)?;
    match act {
        SuperAdminAct::Create { name, email } => {
            let new = NewUser { id: UserId::new(), name, email };
            let (token, expires) = appoint(base, &who, &new).await?;
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
            known(&mut tx, user).await?;
            let token = Token::generate(Purpose::Link)?;
            let hash = token.hash();
            let expires = links::make_for_platform(&mut tx, user, Kind::Reset, &hash, now).await?;
            note(&mut tx, &who, "super_admin.password_link", user).await?;
            tx.commit().await?;
            Ok(
                json!({ "link_token": token.expose(), "expires_at": expires, "next": [USE_THE_LINK] }),
            )
        }
        SuperAdminAct::Deactivate { user } => settle(base, &who, user, false).await,
        SuperAdminAct::Reactivate { user } => settle(base, &who, user, true).await,
        SuperAdminAct::RemoveSecondFactor { user } => {
            let mut tx = base.db.engine().await?;
            known(&mut tx, user).await?;
            factor::remove(&mut tx, user).await?;
            sessions::end_others(&mut tx, user, None, Why::SecondFactor).await?;
            note(&mut tx, &who, "super_admin.second_factor_removed", user).await?;
            tx.commit().await?;
            Ok(json!({ "user_id": user, "next": ["they set up another when they next sign in"] }))
        }
    }
}

/// Stores somebody of the platform, with the link for their first password.
async fn appoint(base: &Base, who: &str, new: &NewUser) -> anyhow::Result<(Token, DateTime<Utc>)> {
    let platform = KeyRing::new(base.keys.master.clone()).platform(&base.db).await?;
    let now = base.db.now().await?;
    let mut tx = base.db.engine().await?;
    users::insert_of_platform(&mut tx, &platform, new, now).await.map_err(taken)?;
    let token = Token::generate(Purpose::Link)?;
    let (hash, kind) = (token.hash(), Kind::Invitation);
    let expires = links::make_for_platform(&mut tx, new.id, kind, &hash, now).await?;
    note(&mut tx, who, "super_admin.invite", new.id).await?;
    tx.commit().await?;
    Ok((token, expires))
}

async fn settle(base: &Base, who: &str, user: UserId, active: bool) -> anyhow::Result<Value> {
    let mut tx = base.db.engine().await?;
    known(&mut tx, user).await?;
    users::settle_of_platform(&mut tx, user, active).await?;
    if !active {
        sessions::end_others(&mut tx, user, None, Why::Deactivated).await?;
        links::void_own(&mut tx, user).await?;
        links::void_made_by_platform(&mut tx, user).await?;
    }
    let act = if active { "super_admin.reactivate" } else { "super_admin.deactivate" };
    note(&mut tx, who, act, user).await?;
    tx.commit().await?;
    let next = match active {
        true => {
            "they sign in with the password that they had; who never had one needs `api admin super-admin link`"
        }
        false => "no request of theirs is served from now on",
    };
    Ok(json!({ "user_id": user, "active": active, "next": [next] }))
}

async fn known(tx: &mut EngineTx, user: UserId) -> anyhow::Result<()> {
    anyhow::ensure!(
        users::is_of_platform(tx, user).await?,
        "there is no super-admin {user}: `api admin super-admin list` shows them"
    );
    Ok(())
}

async fn note(
    tx: &mut EngineTx,
    who: &str,
    action: &'static str,
    user: UserId,
) -> Result<(), shared::db::Error> {
    record::note(tx, who, action, Some(user.0), &json!({})).await
}

fn taken(error: KeyError) -> anyhow::Error {
    match error {
        KeyError::Db(error) if error.is_refused_by(EMAIL_IS_UNIQUE) => {
            anyhow::anyhow!("somebody signs in with this e-mail address already")
        }
        other => other.into(),
    }
}
