//! Host names of routes: exact (`api.example.com`) or with a wildcard in front (`*.example.com`).

use std::fmt;

/// The host of a route. Names are compared without case and without port.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum HostPattern {
    /// This name only.
    Exact(String),
    /// Any name that ends in this text, which starts with a dot.
    Wildcard(String),
    /// Every name.
    Any,
}

impl HostPattern {
    /// Reads the host of a route.
    ///
    /// # Errors
    /// When it is not a host name, or has a `*` elsewhere than as its first label.
    pub fn parse(text: &str) -> Result<Self, String> {
        let name = text.to_ascii_lowercase();
        let (bare, pattern) = match name.strip_prefix("*.") {
            Some(rest) => (rest, Self::Wildcard(format!(".{rest}"))),
            None => (name.as_str(), Self::Exact(name.clone())),
        };
        let label = |label: &str| {
            !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
        };
        let address = bare.starts_with('[') && bare.ends_with(']');
        if address || bare.split('.').all(label) {
            Ok(pattern)
        } else {
            Err(format!("host is `{text}`, expected a name such as `api.example.com` or `*.example.com`, without port"))
        }
    }

    /// Whether the pattern takes the host of a request (lower case, without port).
    pub fn matches(&self, host: &str) -> bool {
        match self {
            Self::Exact(name) => name == host,
            Self::Wildcard(suffix) => host.len() > suffix.len() && host.ends_with(suffix.as_str()),
            Self::Any => true,
        }
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(name) => formatter.write_str(name),
            Self::Wildcard(suffix) => write!(formatter, "*{suffix}"),
            Self::Any => formatter.write_str("any host"),
        }
    }
}

/// The name in a `Host` value or authority: lower case, without port.
pub(crate) fn name_of(authority: &str) -> String {
    let name = match authority.rfind(':') {
        Some(colon) if !authority[colon..].contains(']') => &authority[..colon],
        _ => authority,
    };
    name.trim_end_matches('.').to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wildcard_takes_names_below_it_and_nothing_beside_it() {
        let pattern = HostPattern::parse("*.Example.com").unwrap();
        let hosts = ["a.example.com", "a.b.example.com", "example.com", "evilexample.com", ".example.com"];
        assert_eq!(hosts.map(|host| pattern.matches(host)), [true, true, false, false, false]);
    }

    #[test]
    fn refuses_what_is_not_a_host_name() {
        for text in ["", "a b", "a.*.com", "*", "example.com:80", "http://x", "a..b"] {
            assert!(HostPattern::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_name_of_an_authority_has_no_port_and_no_case() {
        let names = ["A.example:8080", "[::1]:80", "[::1]", "a.example."].map(name_of);
        assert_eq!(names, ["a.example", "[::1]", "[::1]", "a.example"]);
    }
}
