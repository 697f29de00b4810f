//! Unwrapped tenant keys, kept for a minute so that not every dial unwraps them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use uuid::Uuid;

use crate::crypto::{CryptoError, MasterKeys, TenantKeys};
use crate::db::{self, Db, TenantTx};
use crate::ids::TenantId;

/// A rotated or destroyed key is noticed after this long.
const KEEP: Duration = Duration::from_secs(60);
/// At most this many tenants' keys are kept; the rest is unwrapped when asked for.
const MOST: usize = 4_096;
/// In whose name the platform's own keys are wrapped. No tenant has this id: ids of tenants carry a time.
const PLATFORM: TenantId = TenantId(Uuid::nil());

/// The master keys, and the tenant keys that were unwrapped lately.
pub struct KeyRing {
    master: MasterKeys,
    kept: Mutex<HashMap<TenantId, (Instant, Arc<TenantKeys>)>>,
}

/// A tenant's keys are not to be had.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The rows could not be read.
    #[error(transparent)]
    Db(#[from] db::Error),
    /// The rows could not be unwrapped.
    #[error("a tenant's keys can't be unwrapped: {0}")]
    Crypto(#[from] CryptoError),
}

impl std::fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KeyRing(..)")
    }
}

impl KeyRing {
    /// A ring with nothing unwrapped yet.
    pub fn new(master: MasterKeys) -> Self {
        Self { master, kept: Mutex::default() }
    }

    /// The master keys, for what belongs to no tenant.
    pub fn master(&self) -> &MasterKeys {
        &self.master
    }

    /// The keys of the transaction's tenant.
    ///
    /// # Errors
    /// [`KeyError`].
    pub async fn of(&self, tx: &mut TenantTx) -> Result<Arc<TenantKeys>, KeyError> {
        let tenant = tx.tenant();
        if let Some(keys) = self.lately(tenant) {
            return Ok(keys);
        }
        let rows = super::store::key_rows(tx).await?;
        let keys = Arc::new(TenantKeys::unwrap(&self.master, tenant.0, rows)?);
        self.keep(tenant, &keys);
        Ok(keys)
    }

    /// The platform's own keys: equality of what is compared before a tenant is known, and what belongs to none. Made when
    /// they are first asked for.
    ///
    /// # Errors
    /// [`KeyError`].
    pub async fn platform(&self, db: &Db) -> Result<Arc<TenantKeys>, KeyError> {
        if let Some(keys) = self.lately(PLATFORM) {
            return Ok(keys);
        }
        let rows = super::store::platform_keys::of_platform(db, &self.master, PLATFORM.0).await?;
        let keys = Arc::new(TenantKeys::unwrap(&self.master, PLATFORM.0, rows)?);
        self.keep(PLATFORM, &keys);
        Ok(keys)
    }

    fn keep(&self, tenant: TenantId, keys: &Arc<TenantKeys>) {
        // A poisoned lock means that a thread died between two map operations; the map itself is whole.
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MOST {
            kept.clear();
        }
        kept.insert(tenant, (Instant::now(), Arc::clone(keys)));
    }

    fn lately(&self, tenant: TenantId) -> Option<Arc<TenantKeys>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, keys) = kept.get(&tenant)?;
        (at.elapsed() < KEEP).then(|| Arc::clone(keys))
    }
}
