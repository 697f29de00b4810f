//! The keys by which webhooks are verified, kept for half a minute.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

use shared::calls::store::accounts::{AccountRow, all, find};
use shared::crypto::{MasterKeys, PlatformField};
use shared::ids::AccountId;
use zeroize::Zeroizing;

use crate::app::App;
use crate::http::Problem;

/// A rotated key is noticed after this long.
const KEEP: Duration = Duration::from_secs(30);

/// The keys of one account: the current one, and while they rotate, the one before.
pub(super) type Keys = Vec<Zeroizing<String>>;

type Kept = HashMap<AccountId, (Instant, Keys)>;
static KEPT: LazyLock<Mutex<Kept>> = LazyLock::new(Mutex::default);

/// The keys of an account; none if there is no such account.
pub(super) async fn of_account(app: &App, account: AccountId) -> Result<Keys, Problem> {
    if let Some(keys) = lately(account) {
        return Ok(keys);
    }
    match find(&app.db, account).await? {
        Some(row) => keep(app.keys.master(), &row),
        None => Ok(Keys::new()),
    }
}

/// The keys of all accounts: the requirements' one address doesn't say whose webhook it is.
pub(super) async fn of_all(app: &App) -> Result<Vec<(AccountId, Keys)>, Problem> {
    let rows = all(&app.db).await?;
    rows.iter().map(|row| Ok((row.id, keep(app.keys.master(), row)?))).collect()
}

fn lately(account: AccountId) -> Option<Keys> {
    let kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    let (at, keys) = kept.get(&account)?;
    (at.elapsed() < KEEP).then(|| keys.clone())
}

fn keep(master: &MasterKeys, row: &AccountRow) -> Result<Keys, Problem> {
    let sealed = [Some(&row.webhook_key_sealed), row.webhook_key_old.as_ref()];
    let keys = sealed
        .into_iter()
        .flatten()
        .map(|sealed| {
            let key = master.open_platform(PlatformField::ProviderWebhookKey, row.id.0, sealed)?;
            Ok(Zeroizing::new(String::from_utf8_lossy(&key).into_owned()))
        })
        .collect::<Result<Keys, Problem>>()?;
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    kept.insert(row.id, (Instant::now(), keys.clone()));
    Ok(keys)
}
