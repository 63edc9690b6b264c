//! Whom we speak for: `Forwarded` (RFC 7239), `X-Forwarded-*` and `Via` (RFC 9110 section 7.6.3).
//!
//! A chain that came through trusted proxies is continued; in every other case it begins here.

use std::fmt::Write as _;
use std::net::IpAddr;
use std::ops::Range;

use bytes::Bytes;
use http::header::{FORWARDED, VIA};
use http::uri::Scheme;
use http::{HeaderMap, HeaderName, HeaderValue, Version};
use spikard_middleware::Client;

const FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const HOST_ASKED: HeaderName = HeaderName::from_static("x-forwarded-host");

/// Says on behalf of whom a request is made. What a stranger says of it never comes here: the
/// server drops it, in every spelling.
pub(super) fn announce(headers: &mut HeaderMap, client: Option<&Client>, version: Version) {
    let via = if version == Version::HTTP_2 { "2 spikard" } else { "1.1 spikard" };
    headers.append(VIA, HeaderValue::from_static(via));
    let Some(client) = client else {
        for name in [&FORWARDED, &FOR, &PROTO, &HOST_ASKED] {
            headers.remove(name);
        }
        return;
    };
    let origin = Origin::of(client);
    let proxy = client.by_proxy.then_some(client.peer);
    let forwarded = chain(headers, &FORWARDED, proxy, origin.element(), forwarded_for);
    let addresses = chain(headers, &FOR, proxy, origin.address(), |address| address.to_string());
    headers.insert(FORWARDED, forwarded);
    headers.insert(FOR, addresses);
    headers.insert(PROTO, HeaderValue::from_static(if client.scheme == Scheme::HTTPS { "https" } else { "http" }));
    let host = client.host.as_header();
    if host.is_empty() {
        headers.remove(HOST_ASKED);
    } else {
        headers.insert(HOST_ASKED, host.clone());
    }
}

/// What came before through trusted proxies, or the beginning, and behind it the last proxy.
fn chain(
    headers: &HeaderMap,
    name: &HeaderName,
    proxy: Option<IpAddr>,
    beginning: HeaderValue,
    node: impl Fn(IpAddr) -> String,
) -> HeaderValue {
    let Some(proxy) = proxy else { return beginning };
    let mut before: Vec<&str> = headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect();
    if before.is_empty() {
        before.extend(beginning.to_str().ok());
    }
    let all = format!("{}, {}", before.join(", "), node(proxy));
    HeaderValue::try_from(all).unwrap_or(beginning)
}

/// The client as `for=192.0.2.1;proto=http;host="a.example:8080"`: one text, of which the address
/// is a part.
struct Origin {
    element: Bytes,
    address: Range<usize>,
}

impl Origin {
    fn of(client: &Client) -> Self {
        let host = client.host.as_str();
        let mut text = String::with_capacity(64 + host.len());
        // Only IPv6 has brackets, and brackets need quotes (RFC 7239 section 6).
        let (open, close) = if client.address.is_ipv6() { ("for=\"[", "]\"") } else { ("for=", "") };
        text.push_str(open);
        let start = text.len();
        push_address(&mut text, client.address);
        let address = start..text.len();
        text.push_str(close);
        text.push_str(";proto=");
        text.push_str(client.scheme.as_str());
        // HTTP/1.0 may name none.
        if !host.is_empty() {
            let plain = host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte));
            let (open, close) = if plain { (";host=", "") } else { (";host=\"", "\"") };
            text.push_str(open);
            text.push_str(host);
            text.push_str(close);
        }
        Self { element: text.into(), address }
    }

    fn element(&self) -> HeaderValue {
        value(self.element.clone())
    }

    fn address(&self) -> HeaderValue {
        value(self.element.slice(self.address.clone()))
    }
}

/// Writes an address: the one that every request has, without the detours of a formatter.
fn push_address(text: &mut String, address: IpAddr) {
    let IpAddr::V4(address) = address else {
        let _ = write!(text, "{address}");
        return;
    };
    for (number, octet) in address.octets().into_iter().enumerate() {
        let digit = |digit: u8| char::from(b'0' + digit % 10);
        if number > 0 {
            text.push('.');
        }
        if octet >= 100 {
            text.push(digit(octet / 100));
        }
        if octet >= 10 {
            text.push(digit(octet / 10));
        }
        text.push(digit(octet));
    }
}

/// Addresses, schemes and hosts hold nothing that a header cannot.
fn value(text: Bytes) -> HeaderValue {
    HeaderValue::from_maybe_shared(text).unwrap_or(HeaderValue::from_static("unknown"))
}

fn forwarded_for(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => format!("for={address}"),
        IpAddr::V6(address) => format!("for=\"[{address}]\""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn announced(client: Option<&Client>, sent: &[(&'static str, &'static str)]) -> Vec<String> {
        let mut headers = HeaderMap::new();
        for (name, value) in sent {
            headers.append(*name, HeaderValue::from_static(value));
        }
        announce(&mut headers, client, Version::HTTP_11);
        headers.remove(VIA);
        let mut lines: Vec<String> = headers.iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
        lines.sort_unstable();
        lines
    }

    #[test]
    fn a_chain_begins_here_unless_a_trusted_proxy_began_it() {
        let client = Client { address: "2001:db8::1".parse().unwrap(), host: "a.example:8080".into(), ..Client::local() };
        assert_eq!(
            announced(Some(&client), &[("x-forwarded-for", "6.6.6.6"), ("forwarded", "for=6.6.6.6")]),
            [
                "forwarded: for=\"[2001:db8::1]\";proto=http;host=\"a.example:8080\"",
                "x-forwarded-for: 2001:db8::1",
                "x-forwarded-host: a.example:8080",
                "x-forwarded-proto: http"
            ]
        );
        assert!(announced(None, &[("x-forwarded-proto", "https")]).is_empty());
    }

    #[test]
    fn an_address_is_written_as_everywhere() {
        for address in ["0.0.0.0", "9.10.99.100", "109.200.255.1", "2001:db8::1", "::ffff:192.0.2.1"] {
            let mut text = String::new();
            push_address(&mut text, address.parse().unwrap());
            assert_eq!(text, address);
        }
    }

    #[test]
    fn a_trusted_chain_is_continued() {
        let client = Client {
            address: "192.0.2.1".parse().unwrap(),
            peer: "10.0.0.1".parse().unwrap(),
            scheme: Scheme::HTTPS,
            by_proxy: true,
            ..Client::local()
        };
        assert_eq!(
            announced(Some(&client), &[("x-forwarded-for", "192.0.2.1"), ("x-forwarded-for", "10.0.0.2")]),
            [
                "forwarded: for=192.0.2.1;proto=https;host=localhost, for=10.0.0.1",
                "x-forwarded-for: 192.0.2.1, 10.0.0.2, 10.0.0.1",
                "x-forwarded-host: localhost",
                "x-forwarded-proto: https"
            ]
        );
    }
}
