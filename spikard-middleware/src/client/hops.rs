//! What proxies say of the clients that they speak for: `Forwarded` (RFC 7239) and the customary
//! `X-Forwarded-*`, read strictly.
//!
//! A client can send the beginning of a field that a proxy then goes on with. So nothing is
//! guessed: a line that is malformed, an open quote say, is one hop of which nothing is known.

use std::net::IpAddr;

use http::uri::{Authority, Scheme};
use http::{HeaderMap, HeaderName, HeaderValue, header};

pub(super) const FORWARDED: HeaderName = header::FORWARDED;
pub(super) const FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// What is said of one hop.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Hop {
    pub(super) address: Option<IpAddr>,
    pub(super) proto: Option<Scheme>,
    pub(super) host: Option<String>,
}

/// The hops of `Forwarded`, the client's first.
pub(super) fn forwarded(headers: &HeaderMap) -> Vec<Hop> {
    let lines = headers.get_all(FORWARDED).iter();
    lines.flat_map(|line| line.to_str().ok().and_then(elements).unwrap_or_else(unknown)).collect()
}

/// The hops of `X-Forwarded-For`. `-Proto` and `-Host` speak of the leftmost one, the client's.
pub(super) fn x_forwarded(headers: &HeaderMap) -> Vec<Hop> {
    let last = |name: &str| headers.get_all(name).iter().next_back().and_then(|value| value.to_str().ok()).map(str::trim);
    let hop = |text: &str| Hop {
        address: node(text.trim()),
        proto: last("x-forwarded-proto").and_then(scheme),
        host: last("x-forwarded-host").and_then(host),
    };
    let hops = |line: &HeaderValue| line.to_str().map_or_else(|_| unknown(), |text| text.split(',').map(hop).collect());
    headers.get_all(FOR).iter().flat_map(hops).collect()
}

fn unknown() -> Vec<Hop> {
    vec![Hop::default()]
}

/// RFC 7239 section 4: elements separated by commas, parameters by semicolons. None if the line is
/// malformed. Escapes in quotes count as that: nothing that is read here needs any.
fn elements(line: &str) -> Option<Vec<Hop>> {
    let is_balanced = line.matches('"').count().is_multiple_of(2) && !line.contains('\\');
    if is_balanced { split_quoted(line, ',').map(element).collect() } else { None }
}

fn element(text: &str) -> Option<Hop> {
    let mut hop = Hop::default();
    for parameter in split_quoted(text, ';').map(str::trim).filter(|parameter| !parameter.is_empty()) {
        let (name, value) = parameter.split_once('=')?;
        let value = value.strip_prefix('"').map_or(Some(value), |rest| rest.strip_suffix('"'))?;
        if value.contains('"') {
            return None;
        }
        match name.to_ascii_lowercase().as_str() {
            "for" => hop.address = node(value),
            "proto" => hop.proto = scheme(value),
            "host" => hop.host = host(value),
            _ => {}
        }
    }
    Some(hop)
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
    let (bare, port) = match text.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?,
        None if text.matches(':').count() == 1 => text.split_at(text.find(':')?),
        None => (text, ""),
    };
    let is_port = port.is_empty() || port.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok());
    bare.parse().ok().filter(|_: &IpAddr| is_port).map(|address| address.to_canonical())
}

fn scheme(text: &str) -> Option<Scheme> {
    match text.to_ascii_lowercase().as_str() {
        "http" => Some(Scheme::HTTP),
        "https" => Some(Scheme::HTTPS),
        _ => None,
    }
}

fn host(text: &str) -> Option<String> {
    text.parse::<Authority>().ok().filter(|authority| !authority.as_str().contains('@')).map(|authority| authority.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(name: &HeaderName, lines: &[&[u8]]) -> Vec<String> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(name, HeaderValue::from_bytes(line).unwrap());
        }
        let hops = if *name == FOR { x_forwarded(&headers) } else { forwarded(&headers) };
        hops.iter().map(|hop| hop.address.map_or("?".into(), |address| address.to_string())).collect()
    }

    #[test]
    fn reads_every_hop_of_the_standard_header() {
        for (line, expected) in [
            ("for=192.0.2.1;proto=http;by=203.0.113.43", &["192.0.2.1"][..]),
            (r#"For="[2001:db8::1]:4711", for=192.0.2.1:80"#, &["2001:db8::1", "192.0.2.1"]),
            (r#"for=unknown, for=_hidden, for="192.0.2.1";ext="a, b; for=6.6.6.6""#, &["?", "?", "192.0.2.1"]),
            ("proto=https", &["?"]),
        ] {
            assert_eq!(addresses(&FORWARDED, &[line.as_bytes()]), expected, "{line}");
        }
    }

    #[test]
    fn nothing_that_a_client_begins_swallows_what_a_proxy_adds() {
        const ADDED: &str = r#", for="[2001:db8::9]:80";proto=https"#;
        for begun in [
            r#"for=6.6.6.6;x=""#,
            r#"for="6.6.6.6:"#,
            r#"for="6.6.6.6"#,
            r#"for="6.6.6.6;x=\"#,
            r#"for=6.6.6.6;x="\""#,
            "for=6.6.6.6;x",
            r#"for=6.6.6.6 ""#,
        ] {
            for added in [ADDED, ", for=192.0.2.9"] {
                let last = addresses(&FORWARDED, &[format!("{begun}{added}").as_bytes()]).pop();
                assert!(last.as_deref().is_some_and(|last| last != "6.6.6.6"), "{begun}{added}: {last:?}");
            }
        }
        assert_eq!(addresses(&FOR, &[b"6.6.6.6", b"\xe9, 192.0.2.9"]), ["6.6.6.6", "?"]);
        assert_eq!(addresses(&FORWARDED, &[b"for=6.6.6.6", b"for=\xe9, for=192.0.2.9"]), ["6.6.6.6", "?"]);
    }

    #[test]
    fn an_address_is_all_of_its_text() {
        for text in ["192.0.2.1:", "192.0.2.1:x", "192.0.2.1 x", "[192.0.2.1", "[2001:db8::1]x", "2001:db8::1:80:x", ""] {
            assert_eq!(node(text), None, "{text}");
        }
        for text in ["192.0.2.1", "192.0.2.1:80", "[2001:db8::1]:80", "[2001:db8::1]", "2001:db8::1", "::ffff:192.0.2.1"] {
            assert!(node(text).is_some(), "{text}");
        }
    }
}
