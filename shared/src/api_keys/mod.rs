//! API keys: who knocks, and for which tenant.

mod scopes;
pub mod store;

use std::fmt;
use std::str::FromStr;

use ring::digest::{SHA256, digest};
use ring::rand::{SecureRandom, SystemRandom};
use zeroize::Zeroizing;

pub use scopes::Scopes;

use crate::crypto::CryptoError;

/// What a key may do, or somebody of the tenant.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "TenantRole", rename_all = "snake_case")]
pub enum Role {
    /// Everything in one tenant.
    ClientAdmin,
    /// Reads one tenant; notes and voice text only if the tenant's policy says so.
    ClientUser,
}

impl Role {
    /// The word in the database and in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ClientAdmin => "client_admin",
            Self::ClientUser => "client_user",
        }
    }
}

/// The word is no role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a role is client_admin or client_user")]
pub struct UnknownRole;

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        [Self::ClientAdmin, Self::ClientUser]
            .into_iter()
            .find(|role| role.as_str() == word)
            .ok_or(UnknownRole)
    }
}

/// How keys begin, so that scanners of leaked secrets know one.
const PREFIX: &str = "vio_";
/// Random bytes of a key. So many that its plain hash can't be searched for.
const RANDOM_BYTES: usize = 32;

/// A key as its holder has it. Shown once, when made; we keep its hash.
#[derive(Clone)]
pub struct ApiKey(Zeroizing<String>);

impl ApiKey {
    /// A new random key.
    ///
    /// # Errors
    /// [`CryptoError::NoRandomness`].
    pub fn generate() -> Result<Self, CryptoError> {
        let mut bytes = Zeroizing::new([0; RANDOM_BYTES]);
        SystemRandom::new().fill(bytes.as_mut_slice()).map_err(|_| CryptoError::NoRandomness)?;
        Ok(Self(Zeroizing::new(format!("{PREFIX}{}", hex::encode(bytes.as_slice())))))
    }

    /// The key in `text`; `None` if no key looks like that.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix(PREFIX)?;
        let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        let is_key = digits.len() == 2 * RANDOM_BYTES && digits.bytes().all(hex);
        is_key.then(|| Self(Zeroizing::new(text.to_owned())))
    }

    /// The key, to hand it over.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What is stored of it: SHA-256.
    pub fn hash(&self) -> [u8; 32] {
        let digest = digest(&SHA256, self.0.as_bytes());
        *digest.as_ref().first_chunk().expect("SHA-256 gives 32 bytes")
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_back_and_nothing_else_is_a_key() {
        let key = ApiKey::generate().unwrap();
        let text = key.expose().to_owned();
        assert_eq!(ApiKey::parse(&text).unwrap().hash(), key.hash());
        assert_ne!(ApiKey::generate().unwrap().hash(), key.hash());
        assert_eq!(format!("{key:?}"), "ApiKey(..)");
        for (text, why) in [
            (text.replacen("vio_", "", 1), "no prefix"),
            (text.to_uppercase(), "capitals"),
            (text[..text.len() - 1].to_owned(), "too short"),
            (format!("{text}0"), "too long"),
            (format!("vio_{}", "é".repeat(32)), "no digits"),
        ] {
            assert!(ApiKey::parse(&text).is_none(), "{why}");
        }
    }
}
