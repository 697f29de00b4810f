//! The vendor's webhook signature.
//!
//! Header `X-Retell-Signature: v=<unix ms>,d=<64 hex digits>`, where `d` is HMAC-SHA256 under the
//! API key's bytes of the raw body followed at once by the milliseconds as decimal digits.

use ring::hmac;

/// The header that carries it.
pub const HEADER: &str = "x-retell-signature";

/// The header's value for a body sent at `timestamp_ms` (Unix time in milliseconds).
pub fn sign(api_key: &str, body: &[u8], timestamp_ms: i64) -> String {
    let mut context =
        hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, api_key.as_bytes()));
    context.update(body);
    context.update(timestamp_ms.to_string().as_bytes());
    format!("v={timestamp_ms},d={}", hex::encode(context.sign()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Computed with the vendor's own libraries (`retell-sdk`, npm 5.66.1 and Python 6.2.13).
    #[test]
    fn signs_as_the_vendors_own_libraries_do() {
        let key = "key_test_0123456789abcdef";
        let table = [
            (
                r#"{"event":"call_ended","call":{"call_id":"call_0001","call_status":"ended"}}"#,
                "cf4a71c2a7c63f2258e331837a2ca810b9f077e5964198cfe04e7694cb281bd2",
                "plain ASCII",
            ),
            (
                r#"{"event":"call_ended","call":{"transcript":"café £5"}}"#,
                "c8bede7022d14d7a0ecee7ff59d9d2b4750c0b326fadbba30d889bc32fb9bf2d",
                "UTF-8 is signed as bytes",
            ),
        ];
        for (body, digest, why) in table {
            let expected = format!("v=1735689600000,d={digest}");
            assert_eq!(sign(key, body.as_bytes(), 1_735_689_600_000), expected, "{why}");
        }
    }
}
