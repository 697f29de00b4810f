//! Codes of an authenticator app: time-based one-time passwords (RFC 6238) of six digits, every 30 seconds, HMAC-SHA-1, the
//! only form that every app reads.
//!
//! Written here rather than taken from a crate: it is one HMAC of `ring`, and a code must not work twice, which needs the
//! time step that it belongs to; the crates answer yes or no.

use std::fmt;

use chrono::{DateTime, Utc};
use data_encoding::BASE32_NOPAD;
use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};
use zeroize::Zeroizing;

use crate::crypto::CryptoError;

/// Bytes of a secret: what RFC 4226, 4, recommends.
const SECRET_BYTES: usize = 20;
const STEP_SECONDS: i64 = 30;
const DIGITS: u32 = 6;
/// A phone's clock may be one step off, either way (RFC 6238, 5.2).
const DRIFT: i64 = 1;

/// The secret that app and server share.
#[derive(Clone)]
pub struct TotpSecret(Zeroizing<Vec<u8>>);

impl TotpSecret {
    /// A new random secret.
    ///
    /// # Errors
    /// [`CryptoError::NoRandomness`].
    pub fn generate() -> Result<Self, CryptoError> {
        let mut bytes = Zeroizing::new(vec![0; SECRET_BYTES]);
        SystemRandom::new().fill(&mut bytes).map_err(|_| CryptoError::NoRandomness)?;
        Ok(Self(bytes))
    }

    /// The secret whose bytes were sealed.
    pub fn from_bytes(bytes: Zeroizing<Vec<u8>>) -> Self {
        Self(bytes)
    }

    /// The bytes, to be sealed.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The secret as an app takes it by hand: base 32.
    pub fn to_base32(&self) -> Zeroizing<String> {
        Zeroizing::new(BASE32_NOPAD.encode(&self.0))
    }

    /// What an app reads as a picture. Names the product only: an address in it would be kept by whatever shows the picture.
    pub fn to_uri(&self) -> Zeroizing<String> {
        let secret = self.to_base32();
        Zeroizing::new(format!(
            "otpauth://totp/VioConcierge?secret={}&issuer=VioConcierge&algorithm=SHA1&digits={DIGITS}&period={STEP_SECONDS}",
            secret.as_str()
        ))
    }

    /// The time step whose code is `code`, near `now` and after the step `last` that was used before; `None` if there is none.
    pub fn step_of(&self, code: &str, now: DateTime<Utc>, last: i64) -> Option<i64> {
        let current = now.timestamp().div_euclid(STEP_SECONDS);
        let mut found = None;
        // Every step is computed, so that time tells nothing about which one it was.
        for step in current - DRIFT..=current + DRIFT {
            let expected = self.code(step);
            let same = ring::hmac::Key::new(hmac::HMAC_SHA256, &self.0);
            let tag = hmac::sign(&same, expected.as_bytes());
            if hmac::verify(&same, code.as_bytes(), tag.as_ref()).is_ok() && step > last {
                found = Some(step);
            }
        }
        found
    }

    /// The code at `now`: what an app shows.
    pub fn code_at(&self, now: DateTime<Utc>) -> Zeroizing<String> {
        self.code(now.timestamp().div_euclid(STEP_SECONDS))
    }

    /// RFC 4226, 5.3.
    fn code(&self, step: i64) -> Zeroizing<String> {
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &self.0);
        let tag = hmac::sign(&key, &step.to_be_bytes());
        let bytes = tag.as_ref();
        let offset = usize::from(bytes.last().copied().unwrap_or_default() & 0x0f);
        let cut = bytes.get(offset..offset + 4).and_then(|four| four.first_chunk::<4>());
        let number = u32::from_be_bytes(cut.copied().unwrap_or_default()) & 0x7fff_ffff;
        Zeroizing::new(format!("{:06}", number % 10_u32.pow(DIGITS)))
    }
}

impl fmt::Debug for TotpSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TotpSecret(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    fn secret() -> TotpSecret {
        TotpSecret::from_bytes(Zeroizing::new(b"12345678901234567890".to_vec()))
    }

    /// RFC 6238, appendix B, cut to six digits.
    #[test]
    fn codes_are_those_of_the_rfc() {
        for (seconds, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(secret().code_at(at(seconds)).as_str(), code, "{seconds}");
        }
    }

    #[test]
    fn a_code_holds_near_its_time_and_once() {
        let code = secret().code_at(at(1_000_000_000));
        let step = 1_000_000_000 / 30;
        for (seconds, last, expected, why) in [
            (0, 0, Some(step), "its own step"),
            (-30, 0, Some(step), "a phone that is ahead"),
            (30, 0, Some(step), "a phone that is behind"),
            (60, 0, None, "two steps late"),
            (-60, 0, None, "two steps early"),
            (0, step, None, "used before"),
            (0, step + 1, None, "a later one was used before"),
            (0, step - 1, Some(step), "an earlier one was used before"),
        ] {
            assert_eq!(
                secret().step_of(&code, at(1_000_000_000 + seconds), last),
                expected,
                "{why}"
            );
        }
        for wrong in ["", "000000", "12345", "abcdef", "0812345678"] {
            assert_eq!(secret().step_of(wrong, at(1_000_000_000), 0), None, "{wrong}");
        }
    }

    #[test]
    fn an_app_is_told_the_secret_and_no_name() {
        assert_eq!(secret().to_base32().as_str(), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        assert!(secret().to_uri().contains("secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer"));
        assert_eq!(format!("{:?}", secret()), "TotpSecret(..)");
    }
}
