//! What signing in stands on: hashes, tokens, counts, and the word that something ended.

use std::sync::Arc;
use std::time::Duration;

use shared::db::Db;
use shared::people::Endings;
use shared::people::store::sessions;
use shared::queue::Queues;
use shared::tenants::KeyRing;

use super::hasher::{Cost, Hasher};
use super::throttle::Throttle;
use super::tokens::Tokens;

/// How often signing keys are looked after, and what ended long ago is removed.
const LOOK: Duration = Duration::from_secs(60 * 60);

/// How people sign in to this process.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// `PUBLIC_URL`: where the API is reached; requests of pages from elsewhere are refused. Without it the request's own `Host`
    /// is compared.
    pub public_url: Option<String>,
    /// `API_PROXIES`: how many proxies of ours stand before this process, each of which adds to `X-Forwarded-For`.
    pub proxies: usize,
    /// What a password's hash costs.
    pub cost: Cost,
}

/// Signing in: shared by all handlers.
#[derive(Debug, Clone)]
pub struct People(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    hasher: Hasher,
    tokens: Tokens,
    throttle: Throttle,
    endings: Endings,
    origin: Option<String>,
    proxies: usize,
}

impl People {
    /// Signing in, with these settings. Computes one hash.
    ///
    /// # Errors
    /// A cost that argon2 doesn't take.
    pub fn new(queues: &Queues, settings: &Settings) -> anyhow::Result<Self> {
        // As many hashes at a time as there are cores, and 19 MiB for each.
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        Ok(Self(Arc::new(Parts {
            hasher: Hasher::new(settings.cost, cores.min(8))?,
            tokens: Tokens::new(),
            throttle: Throttle::new(queues.clone()),
            endings: Endings::new(queues.clone()),
            origin: settings.public_url.as_deref().map(origin),
            proxies: settings.proxies,
        })))
    }

    /// Where to hear, and to tell, that a session, key or access ended.
    pub fn endings(&self) -> &Endings {
        &self.0.endings
    }

    /// How many passwords were hashed or verified: for tests, which see that nobody is spared the work.
    pub fn hashes_computed(&self) -> u64 {
        self.0.hasher.computed()
    }

    /// Looks after signing keys and removes what ended long ago, every hour, until the future is dropped.
    pub async fn look_after(&self, db: &Db, ring: &KeyRing) {
        loop {
            if let Err(error) = self.0.tokens.look_after((db, ring)).await {
                tracing::warn!(error = %error, "signing keys could not be looked after");
            }
            match sessions::sweep(db).await {
                Ok(0) => {}
                Ok(removed) => tracing::info!(removed, "sessions and links that ended long ago"),
                Err(error) => tracing::warn!(error = error.cause(), "old sessions stay for now"),
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    pub(crate) fn hasher(&self) -> &Hasher {
        &self.0.hasher
    }

    pub(super) fn tokens(&self) -> &Tokens {
        &self.0.tokens
    }

    pub(crate) fn throttle(&self) -> &Throttle {
        &self.0.throttle
    }

    pub(super) fn origin(&self) -> Option<&str> {
        self.0.origin.as_deref()
    }

    pub(super) fn proxies(&self) -> usize {
        self.0.proxies
    }
}

/// Scheme and authority of an address.
fn origin(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("https", url));
    format!("{scheme}://{}", rest.split('/').next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_scheme_and_authority() {
        for (url, expected) in [
            ("https://api.example.com", "https://api.example.com"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("https://example.com/vio", "https://example.com"),
        ] {
            assert_eq!(origin(url), expected);
        }
    }
}
