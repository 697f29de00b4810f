//! Provider accounts: releasing one that is held, another key, other limits.

use clap::Subcommand;
use serde_json::{Value, json};
use shared::config::Environment;
use shared::ids::AccountId;
use shared::operators::accounts;

use super::{Base, operator};

/// What to change of an account.
#[derive(Debug, Subcommand)]
pub(crate) enum AccountChange {
    /// Let an account dial again that is held after 401, 402, 403, an unpaid bill, or a restore.
    Release {
        /// Which account.
        account: AccountId,
    },
    /// Give it another key, read from `PROVIDER_API_KEY` or `PROVIDER_API_KEY_FILE`.
    Key {
        /// Which account.
        account: AccountId,
        /// For so many hours webhooks that the old key signed are still taken.
        #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(i32).range(1..=168))]
        old_for_hours: i32,
    },
    /// Set what it may do at most.
    #[command(group = clap::ArgGroup::new("limit").required(true).multiple(true))]
    Limits {
        /// Which account.
        account: AccountId,
        /// Calls at the same time.
        #[arg(long, group = "limit", value_parser = clap::value_parser!(i32).range(1..=10_000))]
        max_concurrent: Option<i32>,
        /// Starts in one second, more than 0 and at most 10000.
        #[arg(long, group = "limit", value_parser = rate)]
        starts_per_second: Option<f64>,
    },
}

fn rate(text: &str) -> Result<f64, &'static str> {
    let rate: f64 = text.parse().map_err(|_| "expected a number")?;
    let sound = rate > 0.0 && rate <= 10_000.0;
    sound.then_some(rate).ok_or("expected more than 0 and at most 10000")
}

/// Does it, and says what came of it.
pub(super) async fn run(
    environment: &Environment,
    base: &Base,
    act: AccountChange,
) -> anyhow::Result<Value> {
    let who = operator(environment)?;
    match act {
        AccountChange::Release { account } => {
            let held = accounts::release(&base.db, &who, account).await?;
            let then = match held.held_at {
                Some(_) => {
                    "its tenants are looked at at once, in fair order; if the vendor still refuses, the next dial holds it again"
                }
                None => "it was not held: nothing was changed",
            };
            Ok(json!({
                "account_id": account,
                "released": held.held_at.is_some(),
                "was_held_since": held.held_at,
                "was_held_for": held.held_reason,
                "then": then,
            }))
        }
        AccountChange::Key { account, old_for_hours } => {
            let key = environment.read(|env| env.secret("PROVIDER_API_KEY"))?;
            let key = key.expose();
            anyhow::ensure!(
                (8..=512).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic()),
                "PROVIDER_API_KEY: expected 8 to 512 visible characters without a space"
            );
            let master = &base.keys.master;
            let replaced =
                accounts::replace_key(&base.db, master, &who, account, key, old_for_hours).await?;
            Ok(json!({
                "account_id": account,
                "old_key_signs_until": replaced.old_until,
                "older_key_refused_from_now_on": replaced.dropped_older,
                "then": "every worker uses the new key within 30 seconds: revoke the old one at the vendor after that, not before; \
                         mark the new one there as the one that signs webhooks",
                "held": replaced.was_held.then_some("it was held: the vendor is asked within two minutes whether it takes the new key"),
            }))
        }
        AccountChange::Limits { account, max_concurrent, starts_per_second } => {
            let (before, after) =
                accounts::change_limits(&base.db, &who, account, max_concurrent, starts_per_second)
                    .await?;
            Ok(json!({
                "account_id": account,
                "before": before,
                "after": after,
                "then": "holds from the next look on; of the two limits of calls at the same time the lesser counts; \
                         calls under way beyond it go on",
            }))
        }
    }
}
