//! From where a request comes, for counting sign-ins and nothing else. Never logged, never stored but as a keyed hash.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::HeaderMap;
use axum::http::request::Parts;

use crate::app::App;
use crate::http::Problem;
use crate::http::contract::{Draft, Takes};

/// The network from which a request comes, in words: of IPv6 the first 64 bits, since one customer has them all.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct ClientAddress(String);

impl ClientAddress {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The peer's own address; or behind `proxies` proxies of ours, what the outermost of them saw. What stands further left in
    /// the header was written by the client, and is not believed.
    fn of(peer: Option<IpAddr>, headers: &HeaderMap, proxies: usize) -> Self {
        let forwarded: Vec<&str> = headers
            .get_all("x-forwarded-for")
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .map(str::trim)
            .collect();
        let seen = match proxies {
            0 => peer,
            _ => forwarded
                .len()
                .checked_sub(proxies)
                .and_then(|at| forwarded.get(at))
                .and_then(|text| text.parse().ok())
                .or(peer),
        };
        Self(seen.map_or_else(|| "unknown".to_owned(), network))
    }
}

impl std::fmt::Debug for ClientAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ClientAddress(..)")
    }
}

fn network(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{}/64", Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

impl Takes for ClientAddress {
    fn describe(_draft: &mut Draft<'_>) {}
}

impl FromRequestParts<App> for ClientAddress {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        let peer = peer.map(|ConnectInfo(address)| address.ip());
        Ok(Self::of(peer, &parts.headers, app.people.proxies()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_our_own_proxies_saw_is_believed() {
        let peer = Some("192.0.2.1".parse().unwrap());
        for (proxies, header, expected, why) in [
            (0, "203.0.113.9", "192.0.2.1", "no proxy: the header is the client's"),
            (1, "203.0.113.9", "203.0.113.9", "one proxy: what it saw"),
            (1, "198.51.100.7, 203.0.113.9", "203.0.113.9", "what stands before was made up"),
            (2, "198.51.100.7, 203.0.113.9", "198.51.100.7", "two proxies"),
            (3, "198.51.100.7, 203.0.113.9", "192.0.2.1", "fewer than there should be"),
            (1, "someone", "192.0.2.1", "no address"),
            (1, "", "192.0.2.1", "nothing"),
            (1, "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64", "a network of IPv6"),
            (1, "::ffff:203.0.113.9", "203.0.113.9", "IPv4 written as IPv6"),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert("x-forwarded-for", header.parse().unwrap());
            assert_eq!(ClientAddress::of(peer, &headers, proxies).as_str(), expected, "{why}");
        }
        assert_eq!(ClientAddress::of(None, &HeaderMap::new(), 1).as_str(), "unknown");
    }
}
