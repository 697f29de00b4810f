//! Where a provider account is reached, and with which key.

use std::fmt;

use reqwest::Url;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};

/// Why an account can't be spoken to at all. Carries no part of its settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// Not an address of a web server.
    #[error("the provider's address is not an http or https URL")]
    NotAnAddress,
    /// The key, and what is said about people, would travel in the open.
    #[error("the provider's address is not https")]
    NotEncrypted,
    /// Empty, or not fit for a header.
    #[error("the provider's API key is not valid")]
    BadKey,
    /// The HTTP client could not be made: no trusted certificates on this machine, for instance.
    #[error("the HTTP client could not be set up")]
    NoClient,
}

/// A provider account's address and API key. `Debug` shows the address only.
#[derive(Clone)]
pub struct Endpoint {
    base: Url,
    bearer: HeaderValue,
    simulated: bool,
}

impl Endpoint {
    /// The vendor itself, at an https address such as `https://api.retellai.com`.
    ///
    /// # Errors
    /// [`EndpointError`].
    pub fn vendor(base: &str, api_key: &str) -> Result<Self, EndpointError> {
        let endpoint = Self::new(base, api_key, false)?;
        match endpoint.base.scheme() {
            "https" => Ok(endpoint),
            _ => Err(EndpointError::NotEncrypted),
        }
    }

    /// Our simulator of the vendor: the only place to which numbers reserved for drama are sent.
    ///
    /// # Errors
    /// [`EndpointError`].
    pub fn simulator(base: &str, api_key: &str) -> Result<Self, EndpointError> {
        Self::new(base, api_key, true)
    }

    fn new(base: &str, api_key: &str, simulated: bool) -> Result<Self, EndpointError> {
        let base = Url::parse(base).map_err(|_| EndpointError::NotAnAddress)?;
        if !matches!(base.scheme(), "http" | "https") {
            return Err(EndpointError::NotAnAddress);
        }
        if api_key.is_empty() {
            return Err(EndpointError::BadKey);
        }
        let mut bearer = HeaderValue::from_str(&format!("Bearer {api_key}"))
            .map_err(|_| EndpointError::BadKey)?;
        bearer.set_sensitive(true);
        Ok(Self { base, bearer, simulated })
    }

    /// Whether this is the simulator.
    pub fn is_simulated(&self) -> bool {
        self.simulated
    }

    /// The address of `segments` below the base; each is escaped, so that an id can't lead elsewhere.
    pub(super) fn address(&self, segments: &[&str]) -> Url {
        let mut address = self.base.clone();
        address
            .path_segments_mut()
            .expect("http and https addresses have a path")
            .pop_if_empty()
            .extend(segments);
        address
    }

    pub(super) fn headers(&self) -> HeaderMap {
        HeaderMap::from_iter([(AUTHORIZATION, self.bearer.clone())])
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint")
            .field("host", &self.base.host_str())
            .field("simulated", &self.simulated)
            .finish_non_exhaustive()
    }
}

/// A client with what both ways have in common: our TLS, no proxy, no redirects, HTTP/1.1.
///
/// A redirect would send the key elsewhere; a proxy from the environment would see everything, and might repeat a
/// request.
pub(super) fn client_builder() -> reqwest::ClientBuilder {
    // Fails only if a provider is installed already, and then there is one. Left to chance, reqwest finds none.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .user_agent(concat!("vioconcierge/", env!("CARGO_PKG_VERSION")))
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .http1_only()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_checked_before_it_is_used() {
        for (base, key, error, why) in [
            ("http://api.vendor.example", "k", EndpointError::NotEncrypted, "in the open"),
            ("api.vendor.example", "k", EndpointError::NotAnAddress, "no scheme"),
            ("data:x", "k", EndpointError::NotAnAddress, "no server"),
            ("https://api.vendor.example", "", EndpointError::BadKey, "no key"),
            ("https://api.vendor.example", "k\n", EndpointError::BadKey, "two lines"),
        ] {
            assert_eq!(Endpoint::vendor(base, key).unwrap_err(), error, "{why}");
        }
    }

    #[test]
    fn an_id_stays_one_segment_of_the_address() {
        let endpoint = Endpoint::simulator("http://sim.example/base/", "key_secret").unwrap();
        let address = endpoint.address(&["v2", "get-call", "../a?b/c"]);
        assert_eq!(address.as_str(), "http://sim.example/base/v2/get-call/..%2Fa%3Fb%2Fc");
        let printed = format!("{endpoint:?} {:?}", endpoint.headers());
        assert!(!printed.contains("secret"), "{printed}");
    }
}
