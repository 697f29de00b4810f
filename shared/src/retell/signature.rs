//! The signature on the provider's webhooks: `X-Retell-Signature: v=<unix ms>,d=<64 hex>`.
//!
//! `d` is HMAC-SHA256 over the raw body followed at once by the decimal time, keyed by the API key that the vendor's
//! dashboard marks for webhooks. Source: the vendor's own SDKs (TypeScript 5.66, Python 6.2), and its page on secure
//! webhooks.

use chrono::{DateTime, Utc};
use ring::hmac;

/// The header that carries the signature.
pub const HEADER: &str = "x-retell-signature";

/// How far the signature's time may be from ours, in either direction, in milliseconds; just as far is near enough.
const TOLERANCE_MS: u64 = 300_000;

/// Why a webhook is not taken for the provider's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// The header is not of the form `v=<digits>,d=<64 lower-case hex digits>`.
    #[error("the signature header is malformed")]
    Malformed,
    /// Signed more than five minutes ago, or more than five minutes ahead: perhaps a replay.
    #[error("the signature's time is too far from now")]
    Stale,
    /// No key of ours made it over this body.
    #[error("the signature does not match")]
    Mismatch,
}

/// The header's value for `body`, signed with `key` at `at`.
pub fn sign(key: &str, body: &[u8], at: DateTime<Utc>) -> String {
    let millis = at.timestamp_millis().to_string();
    let tag = hmac::sign(&hmac_key(key), &message(body, &millis));
    format!("v={millis},d={}", hex::encode(tag))
}

/// Checks the header's value `header` for the raw `body`, and answers when it was signed.
///
/// Any of `keys` will do: while a key is replaced, the old and the new are both given. An empty key counts as none,
/// since anybody can sign with it.
///
/// # Errors
/// [`SignatureError`].
pub fn verify<K: AsRef<str>>(
    keys: &[K],
    header: &str,
    body: &[u8],
    now: DateTime<Utc>,
) -> Result<DateTime<Utc>, SignatureError> {
    let (millis, tag) = parse(header).ok_or(SignatureError::Malformed)?;
    let signed_at: i64 = millis.parse().map_err(|_| SignatureError::Malformed)?;
    if now.timestamp_millis().abs_diff(signed_at) > TOLERANCE_MS {
        return Err(SignatureError::Stale);
    }
    let message = message(body, millis);
    let keys = keys.iter().map(AsRef::as_ref).filter(|key| !key.is_empty());
    for key in keys {
        if hmac::verify(&hmac_key(key), &message, &tag).is_ok() {
            return DateTime::from_timestamp_millis(signed_at).ok_or(SignatureError::Malformed);
        }
    }
    Err(SignatureError::Mismatch)
}

/// The decimal time as it was written, and the tag.
fn parse(header: &str) -> Option<(&str, [u8; 32])> {
    let (millis, digits) = header.strip_prefix("v=")?.split_once(",d=")?;
    // One of the vendor's SDKs writes the number anew before hashing, so that a leading zero has two readings.
    let decimal = !millis.is_empty() && millis.bytes().all(|byte| byte.is_ascii_digit());
    if !decimal || (millis.len() > 1 && millis.starts_with('0')) {
        return None;
    }
    if digits.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return None;
    }
    let mut tag = [0; 32];
    hex::decode_to_slice(digits, &mut tag).ok()?;
    Some((millis, tag))
}

fn hmac_key(key: &str) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes())
}

fn message(body: &[u8], millis: &str) -> Vec<u8> {
    [body, millis.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use proptest::prelude::*;

    use super::*;

    const KEY: &str = "key_test_0123456789abcdef";
    const BODY: &str =
        r#"{"event":"call_ended","call":{"call_id":"call_0001","call_status":"ended"}}"#;
    const HEADER: &str = "v=1735689600000,\
        d=cf4a71c2a7c63f2258e331837a2ca810b9f077e5964198cfe04e7694cb281bd2";

    fn at(millis: i64) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(millis).unwrap()
    }

    fn signed() -> DateTime<Utc> {
        at(1_735_689_600_000)
    }

    fn check(header: &str, now: DateTime<Utc>) -> Result<DateTime<Utc>, SignatureError> {
        verify(&[KEY], header, BODY.as_bytes(), now)
    }

    #[test]
    fn signatures_are_those_of_the_vendors_own_libraries() {
        let accented = r#"{"event":"call_ended","call":{"transcript":"café £5"}}"#;
        let accented_header = "v=1735689600000,\
            d=c8bede7022d14d7a0ecee7ff59d9d2b4750c0b326fadbba30d889bc32fb9bf2d";
        for (body, header) in [(BODY, HEADER), (accented, accented_header)] {
            assert_eq!(sign(KEY, body.as_bytes(), signed()), header);
            assert_eq!(verify(&[KEY], header, body.as_bytes(), signed()), Ok(signed()));
        }
    }

    #[test]
    fn five_minutes_either_way_are_tolerated_and_not_a_millisecond_more() {
        for (millis, expected, why) in [
            (300_000, Ok(signed()), "just old enough"),
            (-300_000, Ok(signed()), "our clock is behind"),
            (300_001, Err(SignatureError::Stale), "a replay"),
            (-300_001, Err(SignatureError::Stale), "from the future"),
        ] {
            assert_eq!(
                check(HEADER, signed() + TimeDelta::milliseconds(millis)),
                expected,
                "{why}"
            );
        }
    }

    #[test]
    fn the_header_is_read_strictly() {
        let hex = &HEADER["v=1735689600000,d=".len()..];
        for (header, why) in [
            (String::new(), "nothing"),
            (format!(" {HEADER}"), "white space before"),
            (format!("{HEADER} "), "white space after"),
            (format!("v=1735689600000, d={hex}"), "white space inside"),
            (format!("d={hex},v=1735689600000"), "the wrong order"),
            (format!("V=1735689600000,d={hex}"), "a capital name"),
            (format!("v=01735689600000,d={hex}"), "a leading zero"),
            (format!("v=+1735689600000,d={hex}"), "a sign"),
            (format!("v=-1735689600000,d={hex}"), "a sign"),
            (format!("v=,d={hex}"), "no time"),
            (format!("v=99999999999999999999,d={hex}"), "no such time"),
            (format!("v=1735689600000,d={}", hex.to_uppercase()), "capital digits"),
            (format!("v=1735689600000,d={}", &hex[2..]), "too short"),
            (format!("v=1735689600000,d={hex}00"), "too long"),
            (format!("{HEADER},d={hex}"), "two of them"),
            ("v=1735689600000,d=".into(), "no tag"),
        ] {
            assert_eq!(check(&header, signed()), Err(SignatureError::Malformed), "{why}");
        }
        let far = format!("v={},d={hex}", i64::MAX);
        assert_eq!(check(&far, signed()), Err(SignatureError::Stale), "no overflow");
    }

    #[test]
    fn another_body_time_or_key_does_not_match() {
        let mismatch = Err(SignatureError::Mismatch);
        let other_body = verify(&[KEY], HEADER, b"{}", signed());
        assert_eq!(other_body, mismatch, "another body");
        let other_time = HEADER.replacen("600000", "600001", 1);
        assert_eq!(check(&other_time, signed()), mismatch, "another time");
        let other_tag = HEADER.replacen("d=c", "d=d", 1);
        assert_eq!(check(&other_tag, signed()), mismatch, "another tag");
        let verify_with = |keys: &[&str]| verify(keys, HEADER, BODY.as_bytes(), signed());
        assert_eq!(verify_with(&["key_other"]), mismatch, "another key");
        assert_eq!(verify_with(&[]), mismatch, "no key");
        let unsigned = sign("", BODY.as_bytes(), signed());
        let forged = verify(&["", KEY], &unsigned, BODY.as_bytes(), signed());
        assert_eq!(forged, mismatch, "an empty key is no key");
    }

    #[test]
    fn while_keys_rotate_either_will_do() {
        for keys in [["key_new", KEY], [KEY, "key_new"]] {
            assert_eq!(verify(&keys, HEADER, BODY.as_bytes(), signed()), Ok(signed()));
        }
    }

    proptest! {
        #[test]
        fn what_is_signed_verifies(body: Vec<u8>, millis in 0i64..4_000_000_000_000) {
            let header = sign(KEY, &body, at(millis));
            prop_assert_eq!(verify(&[KEY], &header, &body, at(millis)), Ok(at(millis)));
        }

        #[test]
        fn no_header_makes_the_reader_panic(header in "v=[0-9]{0,25},d=[0-9a-f]{0,70}|.{0,80}") {
            let _ = check(&header, signed());
        }
    }
}
