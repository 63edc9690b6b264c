//! Who sent a request: address, scheme and host, derived once and used alike by every policy.
//!
//! A proxy that stands in front tells them in `Forwarded` (RFC 7239) or `X-Forwarded-*`. Such
//! headers are believed only as far as an unbroken chain of trusted proxies reaches; from an
//! untrusted peer they are dropped by the server before anything sees them.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use http::HeaderMap;
use http::uri::Scheme;
use ipnet::IpNet;

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

    fn behind_proxy(mut self, headers: &HeaderMap, trusted: &[IpNet]) -> Self {
        self.by_proxy = true;
        let hops = if headers.contains_key("forwarded") { forwarded(headers) } else { x_forwarded(headers) };
        // The list grows to the right; the rightmost untrusted address is the client.
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

#[derive(Default)]
struct Hop {
    address: Option<IpAddr>,
    proto: Option<Scheme>,
    host: Option<String>,
}

/// RFC 7239 section 4: elements separated by commas, parameters by semicolons.
fn forwarded(headers: &HeaderMap) -> Vec<Hop> {
    let values = headers.get_all("forwarded").iter().filter_map(|value| value.to_str().ok());
    let elements = values.flat_map(|value| split_quoted(value, ','));
    elements
        .map(|element| {
            let mut hop = Hop::default();
            for parameter in split_quoted(element, ';') {
                let Some((name, value)) = parameter.split_once('=') else { continue };
                let value = value.trim().trim_matches('"');
                match name.trim().to_ascii_lowercase().as_str() {
                    "for" => hop.address = node(value),
                    "proto" => hop.proto = scheme(value),
                    "host" => hop.host = host(value),
                    _ => {}
                }
            }
            hop
        })
        .collect()
}

/// `X-Forwarded-For` is a list; `-Proto` and `-Host` speak of the leftmost hop, the client's.
fn x_forwarded(headers: &HeaderMap) -> Vec<Hop> {
    let values = headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
    let mut hops: Vec<Hop> =
        values.flat_map(|value| value.split(',')).map(|text| Hop { address: node(text.trim()), ..Hop::default() }).collect();
    let last = |name: &str| headers.get_all(name).iter().next_back().and_then(|value| value.to_str().ok()).map(str::trim);
    for hop in &mut hops {
        hop.proto = last("x-forwarded-proto").and_then(scheme);
        hop.host = last("x-forwarded-host").and_then(host);
    }
    hops
}

fn split_quoted(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    text.split(move |character| {
        quoted ^= character == '"';
        character == separator && !quoted
    })
}

/// An address with or without port: `192.0.2.1`, `192.0.2.1:80`, `[2001:db8::1]:80`. Obfuscated
/// and unknown nodes (RFC 7239 sections 6.2 and 6.3) are none.
fn node(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.split(']').next()).unwrap_or(text);
    let address = bare.parse().or_else(|_| bare.split(':').next().unwrap_or(bare).parse::<IpAddr>());
    address.ok().map(|address| address.to_canonical())
}

fn scheme(text: &str) -> Option<Scheme> {
    match text.to_ascii_lowercase().as_str() {
        "http" => Some(Scheme::HTTP),
        "https" => Some(Scheme::HTTPS),
        _ => None,
    }
}

fn host(text: &str) -> Option<String> {
    text.parse::<http::uri::Authority>()
        .ok()
        .filter(|authority| !authority.as_str().contains('@'))
        .map(|authority| authority.to_string())
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
    fn reads_the_standard_header_before_the_customary_ones() {
        let seen = client(
            "10.0.0.1",
            &[("forwarded", r#"for="[2001:db8::1]:4711";proto=https;host="a.example:8443""#), ("x-forwarded-for", "192.0.2.1")],
        );
        assert_eq!(seen.address.to_string(), "2001:db8::1");
        assert_eq!((seen.scheme, &*seen.host), (Scheme::HTTPS, "a.example:8443"));
    }
}
