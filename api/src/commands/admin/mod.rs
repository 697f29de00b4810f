//! What the platform's operators do by hand. Each command prints JSON; `next` says what to do with it.

pub(crate) mod people;

mod accounts;
mod audit;
mod jobs;
mod keys;
mod platform;
mod rewrap;
mod tenants;

use anyhow::Context;
use clap::Subcommand;
use serde_json::json;
use shared::accounts::{Account, NewAccount, store as account_store};
use shared::api_keys::{self, ApiKey, Role};
use shared::audit::Actor;
use shared::config::Environment;
use shared::db::EngineTx;
use shared::ids::{AccountId, TenantId};
use shared::operators::{sealing, store as record};
use shared::people::store::{Chain, append};
use shared::tenants::KeyRing;
use shared::tenants::create::{self, NewTenant};
use uuid::Uuid;

use super::Base;

/// Who runs the command, for the record: the name under which they are logged in.
fn operator(environment: &Environment) -> anyhow::Result<String> {
    let name = environment.read(|env| {
        Some(
            ["OPERATOR", "SUDO_USER", "USER"]
                .into_iter()
                .find_map(|name| env.text(name))
                .unwrap_or("unknown")
                .to_owned(),
        )
    })?;
    Ok(name.chars().take(120).collect())
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Act {
    /// Tenants.
    Tenant {
        #[command(subcommand)]
        act: TenantAct,
    },
    /// People of a tenant.
    User {
        #[command(subcommand)]
        act: people::UserAct,
    },
    /// People of the platform.
    SuperAdmin {
        #[command(subcommand)]
        act: people::SuperAdminAct,
    },
    /// The keys that sign access tokens. They rotate by themselves; this is for one that leaked.
    SigningKey {
        #[command(subcommand)]
        act: SigningKeyAct,
    },
    /// API keys.
    Key {
        #[command(subcommand)]
        act: KeyAct,
    },
    /// Provider accounts.
    Account {
        #[command(subcommand)]
        act: AccountAct,
    },
    /// The record of who changed and who saw what.
    Audit {
        #[command(subcommand)]
        act: audit::AuditAct,
    },
    /// Show which settings are in force for `api serve` and where each came from, without secrets; fails if any is wrong.
    Config(super::config::Shown),
    /// The platform as a whole.
    Platform {
        #[command(subcommand)]
        act: platform::PlatformAct,
    },
    /// Wrap with the current master key what older ones wrap. May be stopped, and run again.
    Rewrap {
        /// So long after every fifty tenants.
        #[arg(long, default_value_t = 100)]
        pause_ms: u64,
    },
    /// Long work.
    Jobs {
        #[command(subcommand)]
        act: jobs::JobsAct,
    },
    /// Keys that rotate.
    Keys {
        #[command(subcommand)]
        act: keys::KeysAct,
    },
    /// Have contacts archived and erased whose time is over, without waiting for the tenant's day.
    Retention {
        /// Of which tenant; of all if left out.
        #[arg(long)]
        tenant: Option<TenantId>,
        /// Only say what would be done.
        #[arg(long)]
        dry_run: bool,
    },
    /// After a restore, before anything is served: erase again whom this host's journal knows as erased, and list again who is not
    /// to be called. May be run again.
    ReplayJournal,
    /// Seal reasons about people that the release before wrote in the open. Once, when no process of that release runs any more;
    /// may be stopped, and run again.
    SealReasons,
    /// Stop all dialling on the platform, or let it go on: as `platform stop-all` and `platform resume`.
    StopAll {
        /// Stop or go on.
        #[arg(value_parser = ["on", "off"])]
        switch: String,
        /// Why, for those who ask.
        #[arg(long, default_value = "stopped by an operator")]
        reason: String,
    },
}

/// What to do with the keys that sign access tokens.
#[derive(Debug, Subcommand)]
pub(crate) enum SigningKeyAct {
    /// Make a new one, which signs from now on.
    Rotate {
        /// Let nothing hold that the old ones signed. Clients refresh their tokens; every process hears of it within a minute.
        #[arg(long)]
        leaked: bool,
    },
}

/// What to do with tenants.
#[derive(Debug, Subcommand)]
pub(crate) enum TenantAct {
    /// Make one.
    Create {
        /// What the business is called.
        name: String,
        /// Its zone.
        #[arg(long, default_value = "Europe/London")]
        zone: chrono_tz::Tz,
        /// Through which account it dials.
        #[arg(long)]
        account: Option<AccountId>,
        /// The voice agent that speaks for it.
        #[arg(long)]
        agent: Option<String>,
        /// The number that is shown to who is called.
        #[arg(long)]
        caller_number: Option<String>,
    },
    /// List all.
    List,
    /// Destroy all keys of a suspended tenant that leaves: nothing of it opens again. It can't be taken back.
    Shred {
        /// Which tenant.
        tenant: TenantId,
        /// Its name, letter by letter.
        #[arg(long)]
        confirm: String,
    },
    #[command(flatten)]
    Change(tenants::TenantChange),
}

/// What to do with API keys.
#[derive(Debug, Subcommand)]
pub(crate) enum KeyAct {
    /// Make one. It is shown once.
    Create {
        /// For which tenant.
        tenant: TenantId,
        /// For people.
        name: String,
        /// What it may do: `client_admin` or `client_user`.
        #[arg(long, default_value = "client_user")]
        role: Role,
    },
    /// Revoke one, at once.
    Revoke {
        /// Of which tenant.
        tenant: TenantId,
        /// Which key.
        key: shared::ids::ApiKeyId,
    },
}

/// What to do with provider accounts.
#[derive(Debug, Subcommand)]
pub(crate) enum AccountAct {
    /// Make one; its key is read from `PROVIDER_API_KEY` or `PROVIDER_API_KEY_FILE`.
    Create {
        /// For operators.
        name: String,
        /// Where the provider's API is.
        #[arg(long)]
        base_url: String,
        /// A tenant's own; the platform's if left out.
        #[arg(long)]
        tenant: Option<TenantId>,
        /// Calls at the same time.
        #[arg(long, default_value_t = 20)]
        max_concurrent: u32,
        /// Starts in one second.
        #[arg(long, default_value_t = 1.0)]
        starts_per_second: f64,
    },
    /// List all.
    List,
    #[command(flatten)]
    Change(accounts::AccountChange),
}

/// Does it, and prints what came of it as JSON.
pub(crate) async fn run(environment: &Environment, act: Act) -> anyhow::Result<()> {
    let base = Base::connect(environment)?;
    let result = match act {
        Act::Config(shown) => return super::config::run(environment, &shown),
        Act::Tenant { act } => tenant(environment, &base, act).await?,
        Act::User { act } => people::of_tenant(environment, &base, act).await?,
        Act::SuperAdmin { act } => people::of_platform(environment, &base, act).await?,
        Act::SigningKey { act: SigningKeyAct::Rotate { leaked } } => {
            let ring = KeyRing::new(base.keys.master.clone());
            let who = operator(environment)?;
            let id = api::rotate_signing_key(&base.db, &ring, &who, leaked).await?;
            let next = match leaked {
                true => {
                    "within a minute no process takes what the old ones signed: clients refresh, and nobody has to sign in anew. \
                         If somebody may have signed tokens with the old one, end the sessions that they would name"
                }
                false => {
                    "every process signs with it within a minute; the old one verifies for half an hour more"
                }
            };
            json!({ "signing_key_id": id, "old_ones_hold": !leaked, "next": [next] })
        }
        Act::Key { act } => key(environment, &base, act).await?,
        Act::Account { act } => account(environment, &base, act).await?,
        Act::Audit { act } => audit::run(environment, &base, act).await?,
        Act::Platform { act } => platform::run(environment, &base, act).await?,
        Act::Rewrap { pause_ms } => {
            rewrap::run(environment, &base, std::time::Duration::from_millis(pause_ms)).await?
        }
        Act::Jobs { act } => jobs::run(environment, &base, act).await?,
        Act::Keys { act } => keys::run(environment, &base, act).await?,
        Act::Retention { tenant, dry_run } => {
            keys::retention(environment, &base, tenant, dry_run).await?
        }
        Act::ReplayJournal => keys::replay(environment, &base).await?,
        Act::SealReasons => {
            let ring = KeyRing::new(base.keys.master.clone());
            let done = sealing::seal_reasons(&base.db, &ring, &operator(environment)?).await?;
            json!({ "sealed": done, "next": ["backups that are older hold them in the open"] })
        }
        Act::StopAll { switch, reason } => {
            let act = match switch.as_str() {
                "on" => platform::PlatformAct::StopAll { reason },
                _ => platform::PlatformAct::Resume,
            };
            platform::run(environment, &base, act).await?
        }
    };
    println!("{result}");
    Ok(())
}

async fn tenant(
    environment: &Environment,
    base: &Base,
    act: TenantAct,
) -> anyhow::Result<serde_json::Value> {
    let (name, zone, account, agent, caller_number) = match act {
        TenantAct::Change(act) => return tenants::run(environment, base, act).await,
        TenantAct::List => return tenants::list(base).await,
        TenantAct::Shred { tenant, confirm } => {
            return keys::shred(environment, base, tenant, &confirm).await;
        }
        TenantAct::Create { name, zone, account, agent, caller_number } => {
            (name, zone, account, agent, caller_number)
        }
    };
    let name = name.trim().to_owned();
    anyhow::ensure!(
        (1..=200).contains(&name.chars().count()),
        "the name must have from 1 to 200 characters"
    );
    let new = NewTenant { account, agent_id: agent, caller_number, ..NewTenant::new(name, zone) };
    let who = operator(environment)?;
    let mut tx = base.db.engine().await?;
    create::create(&mut tx, &base.keys.master, &new).await?;
    record::note(&mut tx, &who, "tenant.create", Some(new.id.0), &json!({})).await?;
    tx.commit().await?;
    let id = new.id;
    Ok(json!({
        "tenant_id": id,
        "next": [
            format!("api admin user create {id} --name NAME --email ADDRESS --role client_admin"),
            format!("api admin key create {id} NAME --role client_admin   (for programs)"),
            "it dials once it has an account (api admin account create), a voice agent and a caller number",
        ],
    }))
}

async fn key(
    environment: &Environment,
    base: &Base,
    act: KeyAct,
) -> anyhow::Result<serde_json::Value> {
    let who = operator(environment)?;
    let (KeyAct::Create { tenant, .. } | KeyAct::Revoke { tenant, .. }) = &act;
    let known = shared::tenants::store::directory::find(&base.db, *tenant).await?;
    known.with_context(|| tenants::unknown(*tenant))?;
    match act {
        KeyAct::Create { tenant, name, role } => {
            let name = name.trim();
            anyhow::ensure!(
                (1..=120).contains(&name.chars().count()),
                "the name must have from 1 to 120 characters"
            );
            let key = ApiKey::generate()?;
            let mut tx = base.db.engine().await?;
            let id = api_keys::store::create(&mut tx, tenant, name, role, &key).await?;
            told(&mut tx, &who, "api_key.create", (tenant, id.0)).await?;
            tx.commit().await?;
            Ok(json!({
                "key_id": id, "role": role.as_str(), "api_key": key.expose(),
                "next": ["keep the key: it is not shown again", "send it as Authorization: Bearer",
                    "it may whatever its role may; one with scopes is made over HTTP: POST /v1/api-keys"],
            }))
        }
        KeyAct::Revoke { tenant, key } => {
            let mut tx = base.db.engine().await?;
            let revoked = api_keys::store::revoke(&mut tx, tenant, key).await?;
            if revoked {
                told(&mut tx, &who, "api_key.revoke", (tenant, key.0)).await?;
            }
            tx.commit().await?;
            let next = match revoked {
                true => "no request is served with it from now on",
                false => "the tenant has no such key in use: nothing was changed",
            };
            Ok(json!({ "key_id": key, "revoked": revoked, "next": [next] }))
        }
    }
}

/// Tells what an operator did to something of a tenant: in the tenant's chain, which names no operator in the open, and in the
/// operators' record. Call it last.
async fn told(
    tx: &mut EngineTx,
    who: &str,
    action: &'static str,
    (tenant, entity): (TenantId, Uuid),
) -> anyhow::Result<()> {
    let entry = (action, entity);
    append(tx, Some(tenant), Chain::Changes, Actor::Platform, entry).await?;
    let detail = json!({ "tenant_id": tenant });
    Ok(record::note(tx, who, action, Some(entity), &detail).await?)
}

async fn account(
    environment: &Environment,
    base: &Base,
    act: AccountAct,
) -> anyhow::Result<serde_json::Value> {
    match act {
        AccountAct::Create { name, base_url, tenant, max_concurrent, starts_per_second } => {
            let key = environment.read(|env| env.secret("PROVIDER_API_KEY"))?;
            let new = NewAccount {
                id: AccountId::new(),
                tenant,
                name,
                base_url,
                simulator: false,
                max_concurrent,
                starts_per_second,
                // Only `worker provider check` may find the list worth trusting.
                list_trusted: false,
            };
            let mut tx = base.db.engine().await?;
            let (master, key) = (&base.keys.master, key.expose());
            account_store::create(&mut tx, master, &new, key, key).await?;
            let who = operator(environment)?;
            let detail = json!({ "tenant_id": tenant });
            record::note(&mut tx, &who, "account.create", Some(new.id.0), &detail).await?;
            tx.commit().await?;
            let id = new.id;
            Ok(json!({
                "account_id": id,
                "next": [
                    format!("api admin tenant create NAME --account {id} --agent AGENT --caller-number NUMBER"),
                    format!("have the provider send its webhooks to /v1/webhooks/retell/{id}"),
                ],
            }))
        }
        AccountAct::List => {
            let accounts = account_store::list(&base.db).await?;
            let view = |account: &Account| {
                json!({
                    "account_id": account.id,
                    "tenant_id": account.tenant,
                    "name": account.name,
                    "base_url": account.base_url,
                    "simulator": account.simulator,
                    "max_concurrent": account.max_concurrent,
                    "starts_per_second": account.starts_per_second,
                    "held_at": account.held_at,
                    "breaker_open": account.breaker_open,
                })
            };
            Ok(accounts.iter().map(view).collect())
        }
        AccountAct::Change(act) => accounts::run(environment, base, act).await,
    }
}
