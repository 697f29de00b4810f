//! Telling clients what is left: `RateLimit` and `RateLimit-Policy` of the IETF's draft
//! (draft-ietf-httpapi-ratelimit-headers, version 10), structured fields of RFC 9651.

use std::sync::{Arc, OnceLock};

use axum::http::{HeaderMap, HeaderName, HeaderValue};

use super::Count;

const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// Where the count of a request is noted, for its answer, whatever that will be.
#[derive(Debug, Clone, Default)]
pub(crate) struct Note(Arc<OnceLock<Count>>);

impl Note {
    /// Notes the count. A request is counted once.
    pub(crate) fn set(&self, count: Count) {
        let _first_wins = self.0.set(count);
    }

    /// Adds the headers, if the request was counted.
    pub(crate) fn tell(&self, headers: &mut HeaderMap) {
        let Some(count) = self.0.get() else { return };
        let (mut left, mut policy) = (String::new(), String::new());
        for (name, of) in [("tenant", Some(count.tenant)), ("keys", count.keys)] {
            let Some(of) = of else { continue };
            let comma = if left.is_empty() { "" } else { ", " };
            left += &format!("{comma}\"{name}\";r={};t={}", of.requests, of.seconds);
            policy += &format!("{comma}\"{name}\";q={};w=60", of.quota);
        }
        for (name, value) in [(RATE_LIMIT, left), (RATE_LIMIT_POLICY, policy)] {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(name, value);
            }
        }
    }
}
