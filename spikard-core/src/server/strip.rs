//! Headers that no client may set: those that policies set for upstreams, and what only a trusted
//! proxy may say of the client.
//!
//! CGI and WSGI spell headers with `_` for `-`, so a name counts in both spellings.

use http::{HeaderMap, HeaderName};

/// The headers that are dropped from requests.
#[derive(Debug, Default)]
pub(super) struct Strip {
    names: Vec<String>,
    /// The bit of each length that a name has, so that most headers cost one test.
    lengths: u64,
}

impl Strip {
    pub(super) fn new(names: &[HeaderName]) -> Self {
        let names: Vec<String> = names.iter().map(|name| dashed(name.as_str())).collect();
        let lengths = names.iter().fold(0, |lengths, name| lengths | bit(name.len()));
        Self { names, lengths }
    }

    /// Drops what no client may set; also what a proxy may, unless one is `trusted`.
    pub(super) fn apply(&self, headers: &mut HeaderMap, trusted: bool) {
        let refused = |name: &&HeaderName| {
            let name = name.as_str();
            let reserved = self.lengths & bit(name.len()) != 0 && self.names.contains(&dashed(name));
            reserved || (is_forwarded(name) && (!trusted || name.contains('_')))
        };
        if headers.keys().any(|name| refused(&name)) {
            let names: Vec<HeaderName> = headers.keys().filter(refused).cloned().collect();
            for name in names {
                headers.remove(name);
            }
        }
    }
}

fn bit(length: usize) -> u64 {
    1 << (length % 64)
}

fn dashed(name: &str) -> String {
    name.replace('_', "-")
}

fn is_forwarded(name: &str) -> bool {
    const PREFIX: &[u8] = b"x-forwarded-";
    match name.as_bytes().first() {
        Some(b'f') => name == "forwarded",
        Some(b'x') if name.len() > PREFIX.len() => {
            name.bytes().zip(PREFIX).all(|(byte, expected)| byte == *expected || (byte == b'_' && *expected == b'-'))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn kept(trusted: bool) -> Vec<String> {
        let strip = Strip::new(&[HeaderName::from_static("x-claims"), HeaderName::from_static("x_user_id")]);
        let mut headers = HeaderMap::new();
        for name in [
            "host",
            "forwarded",
            "x-forwarded-for",
            "x_forwarded-for",
            "x-forwarded-proto",
            "x-forward",
            "x-claims",
            "x_claims",
            "x-user-id",
            "x_user_id",
            "x-claimz",
        ] {
            headers.append(HeaderName::from_static(name), HeaderValue::from_static("v"));
        }
        strip.apply(&mut headers, trusted);
        let mut kept: Vec<String> = headers.keys().map(ToString::to_string).collect();
        kept.sort();
        kept
    }

    #[test]
    fn drops_reserved_headers_in_both_spellings_and_forwarding_from_strangers() {
        assert_eq!(kept(false), ["host", "x-claimz", "x-forward"]);
        assert_eq!(kept(true), ["forwarded", "host", "x-claimz", "x-forward", "x-forwarded-for", "x-forwarded-proto"]);
    }
}
