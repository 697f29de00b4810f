//! Provider accounts: their clients, kept for half a minute so that a changed key is soon noticed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use shared::calls::store::accounts as store;
use shared::crypto::{CryptoError, PlatformField};
use shared::db::{self, Db};
use shared::ids::AccountId;
use shared::tenants::KeyRing;

use crate::provider::{Client, ClientSettings, DialTimeouts, Dialler, Endpoint, EndpointError};

/// How long an account is used as it was read.
const KEEP: Duration = Duration::from_secs(30);

/// One account, ready to be used.
#[derive(Debug)]
pub struct Account {
    /// Which.
    pub id: AccountId,
    /// Our simulator, not a vendor.
    pub simulator: bool,
    /// Asks for calls; one request each, never repeated.
    pub dialler: Dialler,
    /// Asks about calls.
    pub client: Client,
}

/// Why an account can't be used.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// Its row can't be read.
    #[error(transparent)]
    Db(#[from] db::Error),
    /// Its key can't be opened.
    #[error("the account's key can't be opened: {0}")]
    Crypto(#[from] CryptoError),
    /// Its address or key is no good.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// It is gone.
    #[error("there is no such account")]
    Gone,
}

/// Accounts that were used lately.
#[derive(Debug, Default)]
pub struct Accounts {
    kept: Mutex<HashMap<AccountId, (Instant, Arc<Account>)>>,
}

impl Accounts {
    /// The account, as it was at most half a minute ago.
    ///
    /// # Errors
    /// [`AccountError`].
    pub async fn of(
        &self,
        db: &Db,
        keys: &KeyRing,
        id: AccountId,
    ) -> Result<Arc<Account>, AccountError> {
        if let Some(account) = self.lately(id) {
            return Ok(account);
        }
        let row = store::find(db, id).await?.ok_or(AccountError::Gone)?;
        let account = Arc::new(open(keys, &row)?);
        // A poisoned lock means that a thread died between two map operations; the map itself is whole.
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.insert(id, (Instant::now(), Arc::clone(&account)));
        Ok(account)
    }

    fn lately(&self, id: AccountId) -> Option<Arc<Account>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, account) = kept.get(&id)?;
        (at.elapsed() < KEEP).then(|| Arc::clone(account))
    }
}

fn open(keys: &KeyRing, row: &store::AccountRow) -> Result<Account, AccountError> {
    let key =
        keys.master().open_platform(PlatformField::ProviderApiKey, row.id.0, &row.key_sealed)?;
    let key = std::str::from_utf8(&key).map_err(|_| EndpointError::BadKey)?;
    let endpoint = if row.simulator {
        Endpoint::simulator(&row.base_url, key)?
    } else {
        Endpoint::vendor(&row.base_url, key)?
    };
    Ok(Account {
        id: row.id,
        simulator: row.simulator,
        dialler: Dialler::new(endpoint.clone(), DialTimeouts::default())?,
        client: Client::new(endpoint, ClientSettings::default())?,
    })
}
