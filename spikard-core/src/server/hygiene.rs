//! Which requests are taken at all: what hyper lets through although two readers could understand
//! it differently is refused here, before a route is looked for.
//!
//! RFC 9112 section 3.2 (Host), RFC 3986 (paths), RFC 9110 section 9.3 (methods).

use http::header::{CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use http::request::Parts;
use http::{HeaderValue, Method, Uri, Version};
use percent_encoding::percent_decode_str;
use spikard_middleware::problem::{self, Refusal};

use super::Heads;

/// Why a request is not taken.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) refusal: Refusal,
    pub(super) detail: &'static str,
    /// Whether it is unsure where the next request would begin, or for whom it would be.
    pub(super) closes: bool,
}

/// A fault after which it is unsure where the next request begins.
pub(super) const fn doubtful(detail: &'static str) -> Fault {
    Fault { refusal: problem::BAD_REQUEST, detail, closes: true }
}

const fn harmless(refusal: Refusal, detail: &'static str) -> Fault {
    Fault { refusal, detail, closes: false }
}

/// Checks a request head and gives it one form: the target is a path, the host is in `Host`.
pub(super) fn admit(parts: &mut Parts, heads: Heads) -> Result<(), Fault> {
    method(&parts.method)?;
    framing(parts)?;
    if parts.headers.len() > heads.fields {
        return Err(harmless(problem::HEADERS_TOO_LARGE, "request has too many header fields"));
    }
    if parts.uri.path_and_query().map_or(0, |path| path.as_str().len()) > heads.uri {
        return Err(harmless(problem::URI_TOO_LONG, "request target is longer than the limit"));
    }
    host(parts)?;
    let is_asterisk = parts.uri.path() == "*" && parts.method == Method::OPTIONS;
    if is_asterisk { Ok(()) } else { path(parts.uri.path()) }
}

/// What is wrong with a path that is answered 400 whatever the routes are.
pub(crate) fn refused_path(text: &str) -> Option<&'static str> {
    path(text).err().map(|fault| fault.detail)
}

fn method(method: &Method) -> Result<(), Fault> {
    match *method {
        Method::CONNECT => Err(doubtful("CONNECT is for forward proxies, expected a method on a resource")),
        _ => Ok(()),
    }
}

/// What hyper does not refuse by itself; Content-Length beside Transfer-Encoding is in `head`.
fn framing(parts: &Parts) -> Result<(), Fault> {
    // HTTP/2 takes equal ones; an upstream that speaks HTTP/1.1 may not.
    if parts.version == Version::HTTP_2 && parts.headers.get_all(CONTENT_LENGTH).iter().nth(1).is_some() {
        return Err(doubtful("request has more than one Content-Length"));
    }
    let mut encodings = parts.headers.get_all(TRANSFER_ENCODING).iter();
    let Some(encoding) = encodings.next() else { return Ok(()) };
    if encodings.next().is_some() {
        return Err(doubtful("request has more than one Transfer-Encoding"));
    }
    if encoding.as_bytes().eq_ignore_ascii_case(b"chunked") {
        Ok(())
    } else {
        Err(doubtful("Transfer-Encoding is not `chunked`"))
    }
}

/// Exactly one host, valid, and the same wherever it is said.
fn host(parts: &mut Parts) -> Result<(), Fault> {
    let mut hosts = parts.headers.get_all(HOST).iter();
    let header = hosts.next();
    if hosts.next().is_some() {
        return Err(doubtful("request has more than one Host"));
    }
    let authority = parts.uri.authority();
    if let Some(host) = header
        && !is_host(host.as_bytes())
    {
        return Err(doubtful("Host is not a host name or address with an optional port"));
    }
    let Some(authority) = authority else {
        let may_lack = parts.version <= Version::HTTP_10;
        return if header.is_some() || may_lack { Ok(()) } else { Err(doubtful("request has no Host")) };
    };
    match header {
        Some(host) if !authority.as_str().as_bytes().eq_ignore_ascii_case(host.as_bytes()) => {
            return Err(doubtful("Host and the request target name different hosts"));
        }
        Some(_) => {}
        None if parts.version == Version::HTTP_11 => return Err(doubtful("request has no Host")),
        None => {
            let host = HeaderValue::from_str(authority.as_str()).ok().filter(|host| is_host(host.as_bytes()));
            let host = host.ok_or(doubtful("authority is not a host name or address with an optional port"))?;
            parts.headers.insert(HOST, host);
        }
    }
    if let Some(path) = parts.uri.path_and_query() {
        parts.uri = Uri::from(path.clone());
    }
    Ok(())
}

/// A name, an IPv4 address or an IPv6 address in brackets, and a port or none.
fn is_host(host: &[u8]) -> bool {
    let (is_named, port) = if let Some(rest) = host.strip_prefix(b"[") {
        let Some(end) = rest.iter().position(|byte| *byte == b']') else { return false };
        let is_address = std::str::from_utf8(&rest[..end]).is_ok_and(|text| text.parse::<std::net::Ipv6Addr>().is_ok());
        (is_address, &rest[end + 1..])
    } else {
        let end = host.iter().position(|byte| *byte == b':').unwrap_or(host.len());
        let is_name = end > 0 && host[..end].iter().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(byte));
        (is_name, &host[end..])
    };
    is_named && (port.is_empty() || is_port(port))
}

fn is_port(port: &[u8]) -> bool {
    let digits = port.strip_prefix(b":").and_then(|digits| std::str::from_utf8(digits).ok());
    digits.is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()) && digits.parse::<u16>().is_ok())
}

/// A path that no two readers resolve differently.
fn path(path: &str) -> Result<(), Fault> {
    let bad = |detail| Err(harmless(problem::BAD_REQUEST, detail));
    if !path.starts_with('/') {
        return Err(doubtful("request target is not a path"));
    }
    if !is_suspicious(path.as_bytes()) {
        return Ok(());
    }
    for segment in path.split('/') {
        if !is_encoded_well(segment.as_bytes()) {
            return bad("path has a percent sign without two hexadecimal digits");
        }
        let (mut dots, mut length) = (0, 0);
        for byte in percent_decode_str(segment) {
            match byte {
                0 => return bad("path has a NUL"),
                b'\\' => return bad("path has a backslash"),
                b'.' => dots += 1,
                _ => {}
            }
            length += 1;
        }
        if dots == length && (1..=2).contains(&length) {
            return bad("path has a `.` or `..` segment");
        }
    }
    Ok(())
}

/// Most paths have nothing that would need a closer look.
fn is_suspicious(path: &[u8]) -> bool {
    let mut before = 0;
    path.iter().any(|byte| {
        let after_slash = before == b'/';
        before = *byte;
        matches!(byte, b'%' | b'\\') || (*byte == b'.' && after_slash)
    })
}

fn is_encoded_well(segment: &[u8]) -> bool {
    let starts = segment.iter().enumerate().filter(|(_, byte)| **byte == b'%');
    let mut codes = starts.map(|(start, _)| segment.get(start + 1..start + 3));
    codes.all(|code| code.is_some_and(|code| code.iter().all(u8::is_ascii_hexdigit)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADS: Heads = Heads { fields: 3, uri: 20 };

    fn admitted(target: &str, version: Version, headers: &[(&'static str, &str)]) -> Result<Parts, Fault> {
        let mut request = http::Request::builder().uri(target).version(version);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (mut parts, ()) = request.body(()).unwrap_or_else(|error| panic!("{target}: {error}")).into_parts();
        admit(&mut parts, HEADS).map(|()| parts)
    }

    fn path_is_taken(path: &str) -> bool {
        admitted(path, Version::HTTP_11, &[("host", "a")]).is_ok()
    }

    #[test]
    fn takes_one_valid_host_and_nothing_else() {
        for host in ["a", "a.example", "a_b.example:8080", "127.0.0.1", "[::1]", "[2001:db8::1]:443", "xn--bcher-kva.example"] {
            assert!(admitted("/", Version::HTTP_11, &[("host", host)]).is_ok(), "{host}");
        }
        for host in [
            "", " ", "a b", "a,b", "u@a", "u:p@a", "a/b", "a?b", "a#b", "a:", "a:b", "a:65536", "a:1:2", ":80", "::1", "[::1",
            "[a]", "[::1]a", "a\\b", "a%00b", "\u{e4}",
        ] {
            let fault = admitted("/", Version::HTTP_11, &[("host", host)]).err();
            assert!(fault.is_some_and(|fault| fault.closes), "{host:?}");
        }
        assert!(admitted("/", Version::HTTP_11, &[("host", "a"), ("host", "a")]).is_err());
        assert!(admitted("/", Version::HTTP_11, &[]).is_err());
        assert!(admitted("/", Version::HTTP_10, &[]).is_ok());
    }

    #[test]
    fn the_host_of_the_target_and_the_header_are_the_same_and_end_up_in_the_header() {
        for version in [Version::HTTP_11, Version::HTTP_2] {
            let parts = admitted("http://a:1/x?y", version, &[("host", "A:1")]).unwrap_or_else(|fault| panic!("{fault:?}"));
            assert_eq!((parts.uri.to_string().as_str(), &parts.headers[HOST]), ("/x?y", &HeaderValue::from_static("A:1")));
            assert!(admitted("http://a/", version, &[("host", "b")]).is_err());
            assert!(admitted("http://u@a/", version, &[("host", "u@a")]).is_err());
        }
        let parts = admitted("http://a/", Version::HTTP_2, &[]).unwrap_or_else(|fault| panic!("{fault:?}"));
        assert_eq!(parts.headers[HOST], "a");
        assert!(admitted("http://u@a/", Version::HTTP_2, &[]).is_err());
        assert!(admitted("http://a/", Version::HTTP_11, &[]).is_err());
    }

    #[test]
    fn takes_a_path_that_has_one_meaning() {
        for path in ["/", "//", "/a//b", "/.well-known", "/...", "/a.b", "/%2f", "/%C3%A4", "/a%20b", "/..a", "/?a=/../"] {
            assert!(path_is_taken(path), "{path}");
        }
        for path in [
            "/.", "/..", "/../a", "/a/..", "/a/./b", "/%2e", "/%2E.", "/.%2e/a", "/%2e%2e", "/a%00", "/a%5cb", "/..%5c", "/%",
            "/%a", "/%zz", "/a%2",
        ] {
            assert!(!path_is_taken(path), "{path}");
        }
        assert!(admitted("*", Version::HTTP_11, &[("host", "a")]).is_err(), "only OPTIONS asks for `*`");
    }

    #[test]
    fn a_head_may_reach_its_limits_and_not_pass_them() {
        let uri = |length: usize| format!("/{}?q", "a".repeat(length - 3));
        assert!(path_is_taken(&uri(20)));
        let fault = admitted(&uri(21), Version::HTTP_11, &[("host", "a")]).err();
        assert_eq!(fault.map(|fault| fault.refusal), Some(problem::URI_TOO_LONG));
        let fields = [("host", "a"), ("x", "1"), ("x", "2"), ("x", "3")];
        assert!(admitted("/", Version::HTTP_11, &fields[..3]).is_ok());
        let fault = admitted("/", Version::HTTP_11, &fields).err();
        assert_eq!(fault.map(|fault| fault.refusal), Some(problem::HEADERS_TOO_LARGE));
    }

    #[test]
    fn takes_no_transfer_encoding_but_chunked_and_no_length_twice() {
        for (values, taken) in [
            (&["chunked"][..], true),
            (&["Chunked"], true),
            (&["gzip, chunked"], false),
            (&["chunked", "chunked"], false),
            (&[""], false),
        ] {
            let mut headers = vec![("host", "a")];
            headers.extend(values.iter().map(|value| ("transfer-encoding", *value)));
            assert_eq!(admitted("/", Version::HTTP_11, &headers).is_ok(), taken, "{values:?}");
        }
        let lengths = [("host", "a"), ("content-length", "5"), ("content-length", "5")];
        assert!(admitted("/", Version::HTTP_2, &lengths).is_err());
    }
}
