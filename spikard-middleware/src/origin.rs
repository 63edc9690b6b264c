//! Origins (RFC 6454): how settings must spell them, and what is known of the origin of a request.

/// The `Origin` of the request is one that the `cors` policy allows; an extension that the policy
/// sets. Routes that read forms and bodies without a media type take them from such pages too
/// (they refuse other sites: no preflight stands before these requests).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AllowedOrigin;

/// Checks that `text` is an origin as a browser sends it (section 6.2): `https://app.example`, in
/// lower case, without default port or path. Another spelling would never match.
///
/// # Errors
/// What it is and what is expected, with the origin that was probably meant.
pub(crate) fn check(text: &str) -> Result<(), String> {
    if is_origin(text) {
        return Ok(());
    }
    let meant = repaired(text);
    if is_origin(&meant) {
        return Err(format!("`{text}` is not an origin as browsers send it, expected `{meant}`"));
    }
    Err(format!("`{text}` is not an origin, expected `scheme://host` or `scheme://host:port`"))
}

/// Whether `label.label` is a host name that a browser may send.
pub(crate) fn is_name(text: &str) -> bool {
    text.split('.').all(|label| {
        !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte))
    })
}

fn is_origin(text: &str) -> bool {
    let Some((scheme, authority)) = text.split_once("://") else { return false };
    let scheme_fits = scheme.starts_with(|first: char| first.is_ascii_lowercase())
        && scheme.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"+-.".contains(&byte));
    let (host, port) = match authority.rfind(':') {
        Some(at) if !authority.ends_with(']') => (&authority[..at], Some(&authority[at + 1..])),
        _ => (authority, None),
    };
    let port_fits = port.is_none_or(|port| {
        let number = port.parse::<u16>().ok();
        number.is_some_and(|number| number.to_string() == port && default_port(scheme) != Some(number))
    });
    scheme_fits && port_fits && (is_name(host) || is_bracketed_address(host))
}

/// An IPv6 address in brackets, in its shortest form.
fn is_bracketed_address(host: &str) -> bool {
    let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    bare.is_some_and(|bare| bare.parse::<std::net::Ipv6Addr>().is_ok_and(|address| address.to_string() == bare))
}

fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" => Some(80),
        "https" => Some(443),
        _ => None,
    }
}

fn repaired(text: &str) -> String {
    let lower = text.trim().trim_end_matches('/').to_ascii_lowercase();
    let scheme = lower.split("://").next().unwrap_or_default();
    let suffix = default_port(scheme).map(|port| format!(":{port}"));
    suffix.and_then(|suffix| lower.strip_suffix(&suffix)).map_or_else(|| lower.clone(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_what_a_browser_sends() {
        for origin in
            ["https://app.example", "http://localhost:8080", "http://[::1]:3000", "capacitor://localhost", "https://127.0.0.1"]
        {
            assert_eq!(check(origin), Ok(()));
        }
    }

    #[test]
    fn refuses_what_no_browser_sends_and_says_what_was_meant() {
        for (origin, meant) in [
            ("https://App.Example/", Some("https://app.example")),
            ("HTTPS://app.example:443", Some("https://app.example")),
            ("http://app.example:080", None),
            ("https://user@app.example", None),
            ("https://app.example/path", None),
            ("app.example", None),
            ("https://app..example", None),
            ("https://b\u{fc}cher.example", None),
            ("null", None),
        ] {
            let message = check(origin).unwrap_err();
            match meant {
                Some(meant) => assert!(message.ends_with(&format!("expected `{meant}`")), "{message}"),
                None => assert!(message.ends_with("expected `scheme://host` or `scheme://host:port`"), "{message}"),
            }
        }
    }
}
