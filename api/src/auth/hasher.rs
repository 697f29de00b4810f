//! Hashing passwords: argon2id, away from the threads that serve, and never so many at a time that memory runs out.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use ring::rand::{SecureRandom, SystemRandom};
use shared::crypto::CryptoError;
use shared::people::password::NewPassword;
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use crate::http::Problem;

/// At most so many wait for their turn; who comes later is asked to come again. A hash takes some 30 ms, so that the last of
/// them waits two seconds on two cores.
const MOST_WAITING: usize = 128;

const SALT_BYTES: usize = 16;

/// What a hash costs whoever makes one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    /// Memory, in KiB.
    pub memory_kib: u32,
    /// Passes over it.
    pub passes: u32,
}

impl Default for Cost {
    /// What OWASP's Password Storage Cheat Sheet asks of argon2id: 19 MiB, two passes, one lane.
    fn default() -> Self {
        Self { memory_kib: 19 * 1024, passes: 2 }
    }
}

/// Hashes and verifies passwords.
#[derive(Debug, Clone)]
pub(crate) struct Hasher {
    argon2: Argon2<'static>,
    slots: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
    computed: Arc<AtomicU64>,
    /// The hash of no password that anybody knows: verified in place of one that isn't there.
    nobody: Arc<str>,
}

impl Hasher {
    /// A hasher that computes `at_once` hashes at a time.
    pub(crate) fn new(cost: Cost, at_once: usize) -> anyhow::Result<Self> {
        let params = Params::new(cost.memory_kib, cost.passes, 1, None)
            .map_err(|_| anyhow::anyhow!("argon2 does not take this cost"))?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let mut nobody = Zeroizing::new([0; 32]);
        SystemRandom::new().fill(nobody.as_mut_slice()).map_err(|_| CryptoError::NoRandomness)?;
        let nobody = hash(&argon2, nobody.as_slice())?.into();
        Ok(Self {
            argon2,
            slots: Arc::new(Semaphore::new(at_once.max(1))),
            waiting: Arc::default(),
            computed: Arc::default(),
            nobody,
        })
    }

    /// The hash of a new password, in PHC form.
    pub(crate) async fn hash(&self, password: &str) -> Result<String, Problem> {
        let password = Zeroizing::new(password.to_owned());
        let argon2 = self.argon2.clone();
        self.run(move || hash(&argon2, password.as_bytes())).await?.map_err(Problem::Internal)
    }

    /// Whether `password` is the one of `hash`. Without a hash the answer is no, after the same work.
    pub(crate) async fn verify(&self, password: &str, hash: Option<&str>) -> Result<bool, Problem> {
        let password = Zeroizing::new(password.to_owned());
        let known = hash.is_some();
        let hash = hash.unwrap_or(&self.nobody).to_owned();
        let argon2 = self.argon2.clone();
        let same = self
            .run(move || {
                let parsed = PasswordHash::new(&hash)
                    .map_err(|_| anyhow::anyhow!("a stored hash is none of argon2's"))?;
                // The parameters are the hash's own, so that older ones go on to hold.
                anyhow::Ok(argon2.verify_password(password.as_bytes(), &parsed).is_ok())
            })
            .await?;
        Ok(same.map_err(Problem::Internal)? && known)
    }

    /// How many hashes were computed: what a sign-in of nobody must not save.
    pub(crate) fn computed(&self) -> u64 {
        self.computed.load(Ordering::Relaxed)
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Problem> {
        let _place = Place::take(&self.waiting)?;
        let turn = Arc::clone(&self.slots).acquire_owned().await;
        let turn = turn.map_err(|error| Problem::Internal(error.into()))?;
        self.computed.fetch_add(1, Ordering::Relaxed);
        let done = tokio::task::spawn_blocking(move || {
            // Held until the work ends, even if whoever asked has gone away.
            let _turn = turn;
            work()
        });
        done.await.map_err(|error| Problem::Internal(error.into()))
    }
}

/// The hash of a password at the usual cost, for a command that serves nobody meanwhile.
///
/// # Errors
/// No randomness.
pub fn hash_password(password: &NewPassword) -> anyhow::Result<String> {
    let Cost { memory_kib, passes } = Cost::default();
    let params = Params::new(memory_kib, passes, 1, None)
        .map_err(|_| anyhow::anyhow!("argon2 does not take this cost"))?;
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    hash(&argon2, password.expose().as_bytes())
}

/// A place in the queue, given back when dropped.
struct Place(Arc<AtomicUsize>);

impl Place {
    fn take(waiting: &Arc<AtomicUsize>) -> Result<Self, Problem> {
        let before = waiting.fetch_add(1, Ordering::AcqRel);
        let place = Self(Arc::clone(waiting));
        if before >= MOST_WAITING { Err(Problem::Busy) } else { Ok(place) }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

fn hash(argon2: &Argon2<'_>, password: &[u8]) -> anyhow::Result<String> {
    let mut salt = [0; SALT_BYTES];
    SystemRandom::new().fill(&mut salt).map_err(|_| CryptoError::NoRandomness)?;
    let hash: argon2::password_hash::phc::PasswordHash = argon2
        .hash_password_with_salt(password, &salt)
        .map_err(|_| anyhow::anyhow!("argon2 refused a password"))?;
    Ok(hash.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cheap(at_once: usize) -> Hasher {
        Hasher::new(Cost { memory_kib: 64, passes: 1 }, at_once).unwrap()
    }

    #[tokio::test]
    async fn a_password_is_known_by_its_hash_and_nobody_has_one() {
        let hasher = cheap(2);
        let hash = hasher.hash("Correct4Horse").await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=64,t=1,p=1$"), "{hash}");
        assert_ne!(hash, hasher.hash("Correct4Horse").await.unwrap(), "salted");
        assert!(hasher.verify("Correct4Horse", Some(&hash)).await.unwrap());
        assert!(!hasher.verify("correct4Horse", Some(&hash)).await.unwrap());
        let before = hasher.computed();
        assert!(!hasher.verify("Correct4Horse", None).await.unwrap());
        assert_eq!(hasher.computed(), before + 1, "the same work for nobody");
    }

    #[tokio::test]
    async fn who_comes_when_too_many_wait_is_asked_to_come_again() {
        let hasher = cheap(1);
        let taken: Vec<_> =
            (0..MOST_WAITING).map(|_| Place::take(&hasher.waiting).ok().unwrap()).collect();
        assert!(matches!(hasher.hash("Correct4Horse").await, Err(Problem::Busy)));
        assert_eq!(hasher.computed(), 0);
        drop(taken);
        assert!(hasher.hash("Correct4Horse").await.is_ok());
    }

    #[test]
    fn the_usual_cost_is_what_owasp_asks() {
        let hash = Hasher::new(Cost::default(), 1).unwrap().nobody;
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
    }
}
