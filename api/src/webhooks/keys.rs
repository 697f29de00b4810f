//! The keys by which webhooks are verified, kept for half a minute.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use shared::calls::store::accounts::{AccountRow, all, find};
use shared::crypto::{MasterKeys, PlatformField};
use shared::ids::AccountId;
use zeroize::Zeroizing;

use crate::app::App;
use crate::http::Problem;

/// A key that was taken away is forgotten after this long.
const KEEP: Duration = Duration::from_secs(30);
/// A signature that no kept key made has the keys read again, unless they are younger than this: a new key holds at
/// once, and whoever sends rubbish doesn't have PostgreSQL asked each time.
const FRESH: Duration = Duration::from_secs(1);

/// The keys of one account: the current one, and while they rotate, the one before.
pub(super) type Keys = Vec<Zeroizing<String>>;

/// Keys that were read lately. Cheap to clone; clones share them.
#[derive(Clone, Default)]
pub struct WebhookKeys(Arc<Mutex<HashMap<AccountId, (Instant, Keys)>>>);

impl fmt::Debug for WebhookKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookKeys(..)")
    }
}

impl WebhookKeys {
    fn younger_than(&self, age: Duration, account: AccountId) -> Option<Keys> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, keys) = kept.get(&account)?;
        (at.elapsed() < age).then(|| keys.clone())
    }

    fn keep(&self, master: &MasterKeys, row: &AccountRow) -> Result<Keys, Problem> {
        let sealed = [Some(&row.webhook_key_sealed), row.webhook_key_old.as_ref()];
        let keys = sealed
            .into_iter()
            .flatten()
            .map(|sealed| {
                let key =
                    master.open_platform(PlatformField::ProviderWebhookKey, row.id.0, sealed)?;
                Ok(Zeroizing::new(String::from_utf8_lossy(&key).into_owned()))
            })
            .collect::<Result<Keys, Problem>>()?;
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.insert(row.id, (Instant::now(), keys.clone()));
        Ok(keys)
    }
}

/// Whether a key of this account makes `holds` true. An account that doesn't exist has no key.
pub(super) async fn any_of_account(
    app: &App,
    account: AccountId,
    holds: impl Fn(&Keys) -> bool,
) -> Result<bool, Problem> {
    for age in [KEEP, FRESH] {
        if let Some(keys) = app.webhook_keys.younger_than(age, account) {
            if holds(&keys) {
                return Ok(true);
            }
            continue;
        }
        let Some(row) = find(&app.db, account).await? else { return Ok(false) };
        return Ok(holds(&app.webhook_keys.keep(app.keys.master(), &row)?));
    }
    Ok(false)
}

/// The account whose key makes `holds` true: the requirements' one address doesn't say whose webhook it is.
pub(super) async fn whose(
    app: &App,
    holds: impl Fn(&Keys) -> bool,
) -> Result<Option<AccountId>, Problem> {
    for row in all(&app.db).await? {
        let keys = match app.webhook_keys.younger_than(FRESH, row.id) {
            Some(keys) => keys,
            None => app.webhook_keys.keep(app.keys.master(), &row)?,
        };
        if holds(&keys) {
            return Ok(Some(row.id));
        }
    }
    Ok(None)
}
