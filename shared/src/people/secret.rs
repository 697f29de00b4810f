//! Random secrets that are shown once and stored as hashes: refresh tokens, links, recovery codes.

use std::fmt;

use data_encoding::BASE32_NOPAD;
use ring::digest::{SHA256, digest};
use ring::rand::{SecureRandom, SystemRandom};
use zeroize::Zeroizing;

use crate::crypto::CryptoError;

/// Random bytes of a token: so many that a plain hash of it can't be searched for.
const TOKEN_BYTES: usize = 32;
/// Random bytes of a recovery code: 120 bits, so that a plain hash is enough (ASVS 5.0, 6.5.2: from 112 on).
const CODE_BYTES: usize = 15;
/// Letters of a code: five bits each.
const CODE_LETTERS: usize = CODE_BYTES * 8 / 5;
/// Recovery codes that are made at a time.
pub const RECOVERY_CODES: usize = 10;

/// What a token is for: how it begins, so that scanners of leaked secrets know one, and none is taken for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Gets the next access token of a session.
    Refresh,
    /// Sets a password.
    Link,
}

impl Purpose {
    fn prefix(self) -> &'static str {
        match self {
            Self::Refresh => "vior_",
            Self::Link => "viol_",
        }
    }
}

/// SHA-256 of a secret: what is stored.
pub type SecretHash = [u8; 32];

fn hash(text: &str) -> SecretHash {
    let digest = digest(&SHA256, text.as_bytes());
    *digest.as_ref().first_chunk().expect("SHA-256 gives 32 bytes")
}

fn random<const N: usize>() -> Result<Zeroizing<[u8; N]>, CryptoError> {
    let mut bytes = Zeroizing::new([0; N]);
    SystemRandom::new().fill(bytes.as_mut_slice()).map_err(|_| CryptoError::NoRandomness)?;
    Ok(bytes)
}

/// A token as its holder has it.
#[derive(Clone)]
pub struct Token(Zeroizing<String>);

impl Token {
    /// A new random token.
    ///
    /// # Errors
    /// [`CryptoError::NoRandomness`].
    pub fn generate(purpose: Purpose) -> Result<Self, CryptoError> {
        let bytes = random::<TOKEN_BYTES>()?;
        let digits = Zeroizing::new(hex::encode(bytes.as_slice()));
        Ok(Self(Zeroizing::new(format!("{}{}", purpose.prefix(), digits.as_str()))))
    }

    /// The token in `text`; `None` if none of this purpose looks like that.
    pub fn parse(purpose: Purpose, text: &str) -> Option<Self> {
        let digits = text.strip_prefix(purpose.prefix())?;
        let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        let is_token = digits.len() == 2 * TOKEN_BYTES && digits.bytes().all(hex);
        is_token.then(|| Self(Zeroizing::new(text.to_owned())))
    }

    /// The token, to hand it over.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What is stored of it.
    pub fn hash(&self) -> SecretHash {
        hash(&self.0)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}

/// A code that takes the place of a lost second factor, once: `abcd-efgh-ijkl-mnop-qrst-uvwx`.
#[derive(Clone, PartialEq, Eq)]
pub struct RecoveryCode(Zeroizing<String>);

impl RecoveryCode {
    /// A new random code.
    ///
    /// # Errors
    /// [`CryptoError::NoRandomness`].
    pub fn generate() -> Result<Self, CryptoError> {
        let bytes = random::<CODE_BYTES>()?;
        Ok(Self(Zeroizing::new(BASE32_NOPAD.encode(bytes.as_slice()).to_ascii_lowercase())))
    }

    /// The code in `text`, however it is spaced and in whatever case; `None` if none looks like that.
    pub fn parse(text: &str) -> Option<Self> {
        // Longer than any spacing of these letters: not read at all.
        if text.len() > 64 {
            return None;
        }
        let kept: Zeroizing<String> = Zeroizing::new(
            text.chars()
                .filter(|c| !c.is_whitespace() && *c != '-')
                .map(|c| c.to_ascii_lowercase())
                .collect(),
        );
        let known = |byte: u8| byte.is_ascii_lowercase() || (b'2'..=b'7').contains(&byte);
        (kept.len() == CODE_LETTERS && kept.bytes().all(known)).then_some(Self(kept))
    }

    /// The code, to show it: in groups of four.
    pub fn expose(&self) -> String {
        self.0.as_bytes().chunks(4).map(String::from_utf8_lossy).collect::<Vec<_>>().join("-")
    }

    /// What is stored of it.
    pub fn hash(&self) -> SecretHash {
        hash(&self.0)
    }
}

impl fmt::Debug for RecoveryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecoveryCode(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_back_for_its_purpose_only() {
        let token = Token::generate(Purpose::Refresh).unwrap();
        let text = token.expose().to_owned();
        assert_eq!(Token::parse(Purpose::Refresh, &text).unwrap().hash(), token.hash());
        assert_eq!(format!("{token:?}"), "Token(..)");
        for (text, why) in [
            (text.replacen("vior_", "viol_", 1), "a link's"),
            (text.to_uppercase(), "capitals"),
            (format!("{text}0"), "too long"),
            (String::new(), "nothing"),
        ] {
            assert!(Token::parse(Purpose::Refresh, &text).is_none(), "{why}");
        }
    }

    #[test]
    fn a_recovery_code_is_read_as_people_type_it() {
        let code = RecoveryCode::generate().unwrap();
        let shown = code.expose();
        assert_eq!(shown.len(), 29);
        for text in
            [shown.clone(), shown.to_uppercase(), shown.replace('-', ""), shown.replace('-', " ")]
        {
            assert_eq!(RecoveryCode::parse(&text).unwrap().hash(), code.hash());
        }
        for (text, why) in [
            ("", "nothing"),
            ("abcd-efgh-ijkl-mnop-qrst-uvw", "too short"),
            ("abcd-efgh-ijkl-mnop-qrst-uvw1", "1 is no letter of base 32"),
            ("123456", "a code of the app"),
        ] {
            assert!(RecoveryCode::parse(text).is_none(), "{why}");
        }
    }
}
