//! Who sent a request: address, scheme and host, derived once and used alike by every policy.
//!
//! A proxy that stands in front tells them in `Forwarded` (RFC 7239) or `X-Forwarded-*`. Such
//! headers are believed only as far as an unbroken chain of trusted proxies reaches, and where both
//! are there only in what they agree about; from an untrusted peer they are dropped by the server
//! before anything sees them.

mod certificate;
mod hops;

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use http::HeaderMap;
use http::uri::Scheme;
use ipnet::IpNet;

pub use self::certificate::{ClientCertificate, SubjectName};
use self::hops::{FOR, FORWARDED, Hop};
use crate::host::Host;

/// What is known of the sender of a request; an extension of every request that the server takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// The address of the client; of the peer, if no trusted proxy says otherwise.
    pub address: IpAddr,
    /// The scheme that the client used.
    pub scheme: Scheme,
    /// The host that the client asked for, with the port if it named one.
    pub host: Host,
    /// The address at the other end of the connection.
    pub peer: IpAddr,
    /// Whether the peer is a trusted proxy.
    pub by_proxy: bool,
}

impl Client {
    /// The sender of a request that came over a connection from `peer`.
    pub fn of(peer: IpAddr, scheme: Scheme, host: impl Into<Host>, headers: &HeaderMap, trusted: &[IpNet]) -> Self {
        let peer = peer.to_canonical();
        let client = Self { address: peer, scheme, host: host.into(), peer, by_proxy: false };
        if trusted.is_empty() || !contains(trusted, peer) {
            return client;
        }
        client.behind_proxy(headers, trusted)
    }

    /// The client of a test or of a layer that is used without the server.
    pub fn local() -> Self {
        let peer = IpAddr::V4(Ipv4Addr::LOCALHOST);
        Self { address: peer, scheme: Scheme::HTTP, host: "localhost".into(), peer, by_proxy: false }
    }

    fn behind_proxy(self, headers: &HeaderMap, trusted: &[IpNet]) -> Self {
        let direct = Self { by_proxy: true, ..self };
        let told = |hops: Vec<Hop>| direct.clone().told(&hops, trusted);
        let standard = headers.contains_key(FORWARDED).then(|| told(hops::forwarded(headers)));
        let customary = headers.contains_key(FOR).then(|| told(hops::x_forwarded(headers)));
        match (standard, customary) {
            (Some(standard), Some(customary)) => direct.agreed(standard, customary),
            (standard, customary) => standard.or(customary).unwrap_or(direct),
        }
    }

    /// The list of hops grows to the right; the rightmost untrusted address is the client.
    fn told(mut self, hops: &[Hop], trusted: &[IpNet]) -> Self {
        for hop in hops.iter().rev() {
            let Some(address) = hop.address else { break };
            self.address = address;
            if let Some(proto) = &hop.proto {
                self.scheme = proto.clone();
            }
            if let Some(host) = &hop.host {
                self.host = host.as_str().into();
            }
            if !contains(trusted, address) {
                break;
            }
        }
        self
    }

    /// Most proxies write one of the two headers and hand on the other as the client sent it; which
    /// one that is nobody can tell. So what they differ about is not believed.
    fn agreed(self, standard: Self, customary: Self) -> Self {
        Self {
            address: if standard.address == customary.address { standard.address } else { self.address },
            scheme: if standard.scheme == customary.scheme { standard.scheme } else { self.scheme },
            host: if standard.host == customary.host { standard.host } else { self.host },
            ..self
        }
    }
}

/// The path of the route that answers, as it stands in the configuration: `/users/{id}`.
/// An extension of every request that a route answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MatchedRoute(Arc<str>);

impl MatchedRoute {
    /// The route with this path.
    pub fn new(path: Arc<str>) -> Self {
        Self(path)
    }

    /// The path as it stands in the configuration.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn contains(networks: &[IpNet], address: IpAddr) -> bool {
    networks.iter().any(|network| network.contains(&address))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(peer: &str, headers: &[(&'static str, &'static str)]) -> Client {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, http::HeaderValue::from_static(value));
        }
        let trusted: Vec<IpNet> = ["10.0.0.0/8", "fd00::/8"].iter().filter_map(|net| net.parse().ok()).collect();
        let peer = peer.parse().unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        Client::of(peer, Scheme::HTTP, "gate", &map, &trusted)
    }

    #[test]
    fn believes_only_an_unbroken_chain_of_trusted_proxies() {
        for (peer, value, expected) in [
            ("192.0.2.9", "198.51.100.1", "192.0.2.9"),
            ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
            ("10.0.0.1", "203.0.113.7, 198.51.100.1, 10.0.0.2", "198.51.100.1"),
            ("10.0.0.1", "203.0.113.7, unknown, 10.0.0.2", "10.0.0.2"),
            ("::ffff:10.0.0.1", "198.51.100.1:4711", "198.51.100.1"),
        ] {
            assert_eq!(client(peer, &[("x-forwarded-for", value)]).address.to_string(), expected, "{peer} {value}");
        }
    }

    #[test]
    fn believes_of_two_headers_what_they_agree_about() {
        let standard = r#"for="[2001:db8::1]:4711";proto=https;host="a.example:8443""#;
        let seen = client("10.0.0.1", &[("forwarded", standard)]);
        assert_eq!(seen.address.to_string(), "2001:db8::1");
        assert_eq!((&seen.scheme, &*seen.host), (&Scheme::HTTPS, "a.example:8443"));

        let same = [("x-forwarded-for", "2001:db8::1"), ("x-forwarded-proto", "https"), ("x-forwarded-host", "a.example:8443")];
        assert_eq!(client("10.0.0.1", &[&[("forwarded", standard)], &same[..]].concat()), seen);
        let other = [("forwarded", standard), ("x-forwarded-for", "192.0.2.1"), ("x-forwarded-proto", "https")];
        let seen = client("10.0.0.1", &other);
        assert_eq!((seen.address.to_string().as_str(), &seen.scheme, &*seen.host), ("10.0.0.1", &Scheme::HTTPS, "gate"));
    }
}
