//! The headers that concern one connection only, and never travel on (RFC 9110 section 7.6.1).

use http::header::{CONNECTION, CONTENT_LENGTH, COOKIE, EXPECT, HOST, TE, TRANSFER_ENCODING, UPGRADE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version};
use http_body::Body as HttpBody;
use spikard_middleware::Request;

/// What a client asked of the connection, to be asked of the upstream's in turn.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Wishes {
    /// The protocols it wants to switch to.
    pub(super) upgrade: Option<HeaderValue>,
    /// Whether it takes trailers.
    trailers: bool,
    /// Whether it sends its body only when told to.
    pub(super) consent: bool,
}

impl Wishes {
    /// Takes the hop-by-hop headers out of a request.
    ///
    /// Names that the client lists in `Connection` are the server's to remove, before any policy
    /// adds a header for the upstream: otherwise a client could have that header removed.
    pub(super) fn take(request: &mut Request) -> Self {
        let mut wishes = Self::default();
        let mut found: Vec<HeaderName> = Vec::new();
        for (name, value) in request.headers() {
            match name.as_str() {
                "te" => wishes.trailers |= tokens(value).any(|token| token.eq_ignore_ascii_case("trailers")),
                "upgrade" if has_token(request.headers(), &CONNECTION, "upgrade") => wishes.upgrade = Some(value.clone()),
                "expect" => wishes.consent |= value.as_bytes().eq_ignore_ascii_case(b"100-continue"),
                "connection"
                | "keep-alive"
                | "proxy-connection"
                | "proxy-authenticate"
                | "proxy-authorization"
                | "transfer-encoding"
                | "http2-settings"
                | "upgrade" => {}
                // HTTP adds it anew where the body has a length.
                "content-length" if request.body().size_hint().exact() != length_of(value) => {}
                _ => continue,
            }
            if !found.contains(name) {
                found.push(name.clone());
            }
        }
        // RFC 9110 section 7.8: upgrades of HTTP/1.0 are ignored. An upgrade to HTTP/2 would take
        // later requests past every policy.
        let upgradable = request.version() == Version::HTTP_11 && request.method() != Method::CONNECT;
        wishes.upgrade =
            wishes.upgrade.filter(|value| upgradable && !tokens(value).any(|token| token.eq_ignore_ascii_case("h2c")));
        let headers = request.headers_mut();
        for name in found {
            headers.remove(name);
        }
        wishes
    }

    /// Puts the wishes into a request over HTTP/1.1.
    pub(super) fn put_http1(&self, headers: &mut HeaderMap) {
        let connection = match (&self.upgrade, self.trailers) {
            (None, false) => return,
            (None, true) => "te",
            (Some(_), false) => "upgrade",
            (Some(_), true) => "upgrade, te",
        };
        headers.insert(CONNECTION, HeaderValue::from_static(connection));
        if let Some(upgrade) = &self.upgrade {
            headers.insert(UPGRADE, upgrade.clone());
        }
        if self.trailers {
            headers.insert(TE, HeaderValue::from_static("trailers"));
        }
    }

    /// Puts the wishes into a request over HTTP/2, which has no `Connection` (RFC 9113 section 8.2.2).
    pub(super) fn put_http2(&self, headers: &mut HeaderMap) {
        headers.remove(CONNECTION);
        if self.trailers {
            headers.insert(TE, HeaderValue::from_static("trailers"));
        }
    }
}

/// Removes what a client listed in `Connection`. To be called on every request before any policy
/// sees it.
pub(crate) fn remove_nominated(headers: &mut HeaderMap) {
    // These are read later: they frame the message, or ask something of the connection.
    let kept = [CONNECTION, TE, UPGRADE, TRANSFER_ENCODING, CONTENT_LENGTH, EXPECT, HOST];
    // Mostly it is not there.
    let names: Vec<HeaderName> = headers.get_all(CONNECTION).iter().flat_map(nominated).collect();
    for name in names {
        if !kept.contains(&name) {
            headers.remove(name);
        }
    }
}

/// The names of headers in a value of `Connection`.
fn nominated(value: &HeaderValue) -> impl Iterator<Item = HeaderName> {
    // Mostly it says one of these alone.
    const OPTIONS: [&str; 3] = ["keep-alive", "close", "upgrade"];
    let is_option = |token: &str| OPTIONS.iter().any(|option| token.eq_ignore_ascii_case(option));
    tokens(value).filter(move |token| !is_option(token)).filter_map(|token| token.parse().ok())
}

/// Takes the hop-by-hop headers out of an answer.
///
/// # Errors
/// When the body is coded in a way that its receiver could not undo.
pub(super) fn clean_answer(status: StatusCode, headers: &mut HeaderMap) -> Result<(), &'static str> {
    // A 426 says in `Upgrade` what is required (RFC 9110 section 15.5.22).
    let upgrade = if status == StatusCode::UPGRADE_REQUIRED { headers.get(UPGRADE).cloned() } else { None };
    let mut found: Vec<HeaderName> = Vec::new();
    for (name, value) in &*headers {
        match name.as_str() {
            "connection" => found.extend(nominated(value)),
            "transfer-encoding" if !value.as_bytes().eq_ignore_ascii_case(b"chunked") => {
                return Err("transfer-encoding other than chunked");
            }
            // A length beside it would contradict it (RFC 9112 section 6.3).
            "transfer-encoding" => found.push(CONTENT_LENGTH),
            // HTTP writes it anew, once.
            "content-length" if length_of(value).is_none() || headers.get_all(name).iter().count() > 1 => {}
            "keep-alive" | "proxy-connection" | "proxy-authenticate" | "te" | "upgrade" => {}
            _ => continue,
        }
        found.push(name.clone());
    }
    for name in found {
        headers.remove(name);
    }
    if let Some(upgrade) = upgrade {
        headers.insert(UPGRADE, upgrade);
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    }
    Ok(())
}

/// Joins what HTTP/2 may send in parts (RFC 9113 section 8.2.3) and no earlier version may.
pub(super) fn join_cookies(headers: &mut HeaderMap) {
    let crumbs: Vec<&[u8]> = headers.get_all(COOKIE).iter().map(HeaderValue::as_bytes).collect();
    if crumbs.len() > 1
        && let Ok(cookie) = HeaderValue::from_bytes(&crumbs.join(&b"; "[..]))
    {
        headers.insert(COOKIE, cookie);
    }
}

/// The members of a comma-separated value.
pub(super) fn tokens(value: &HeaderValue) -> impl Iterator<Item = &str> {
    value.to_str().unwrap_or_default().split(',').map(str::trim).filter(|token| !token.is_empty())
}

fn has_token(headers: &HeaderMap, name: &HeaderName, wanted: &str) -> bool {
    headers.get_all(name).iter().flat_map(tokens).any(|token| token.eq_ignore_ascii_case(wanted))
}

fn length_of(value: &HeaderValue) -> Option<u64> {
    value.to_str().ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use spikard_middleware::Body;

    fn request(headers: &[(&'static str, &'static str)], body: Body) -> Request {
        let mut request = Request::new(body);
        for (name, value) in headers {
            request.headers_mut().append(*name, HeaderValue::from_static(value));
        }
        request
    }

    fn names(headers: &HeaderMap) -> Vec<&str> {
        let mut names: Vec<&str> = headers.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn what_concerns_one_connection_does_not_travel_on() {
        let mut request = request(
            &[
                ("connection", "keep-alive"),
                ("keep-alive", "timeout=5"),
                ("proxy-connection", "close"),
                ("te", "gzip;q=0.5, trailers"),
                ("transfer-encoding", "chunked"),
                ("expect", "100-continue"),
                ("upgrade", "websocket"),
                ("trailer", "x-sum"),
                ("accept", "*/*"),
            ],
            Body::empty(),
        );
        let wishes = Wishes::take(&mut request);
        assert_eq!(names(request.headers()), ["accept", "trailer"]);
        assert_eq!(wishes, Wishes { upgrade: None, trailers: true, consent: true });
        wishes.put_http1(request.headers_mut());
        assert_eq!(
            (&request.headers()["te"], &request.headers()["connection"]),
            (&"trailers".parse().unwrap(), &"te".parse().unwrap())
        );
    }

    #[test]
    fn a_length_that_is_not_the_bodys_does_not_travel_on() {
        for (length, body, kept) in [("3", "abc", true), ("4", "abc", false), ("5", "", false), ("0", "", true)] {
            let mut request = request(&[("content-length", length)], Body::from(body));
            Wishes::take(&mut request);
            assert_eq!(request.headers().contains_key(CONTENT_LENGTH), kept, "{length} {body:?}");
        }
    }

    #[test]
    fn an_upgrade_is_asked_for_only_where_it_is_meant_and_never_to_http2() {
        for (connection, upgrade, asked) in [
            ("upgrade", "websocket", true),
            ("close, Upgrade", "foo/2", true),
            ("close", "websocket", false),
            ("upgrade", "websocket, h2c", false),
        ] {
            let mut request = request(&[("connection", connection), ("upgrade", upgrade)], Body::empty());
            assert_eq!(Wishes::take(&mut request).upgrade.is_some(), asked, "{connection} {upgrade}");
            assert!(!request.headers().contains_key(UPGRADE));
        }
    }

    #[test]
    fn a_header_that_connection_names_goes_before_any_policy_runs() {
        let mut request = request(
            &[
                ("connection", "X-Hop, close"),
                ("connection", "host, upgrade"),
                ("x-hop", "1"),
                ("host", "a"),
                ("upgrade", "websocket"),
            ],
            Body::empty(),
        );
        remove_nominated(request.headers_mut());
        assert_eq!(names(request.headers()), ["connection", "host", "upgrade"]);
    }

    #[test]
    fn cookies_in_parts_are_joined() {
        let mut request = request(&[("cookie", "a=1"), ("cookie", "b=2; c=3")], Body::empty());
        join_cookies(request.headers_mut());
        let cookies: Vec<_> = request.headers().get_all(COOKIE).iter().collect();
        assert_eq!(cookies, ["a=1; b=2; c=3"]);
    }

    #[test]
    fn an_answer_loses_its_hop_and_a_length_that_contradicts() {
        let mut answer = request(
            &[
                ("connection", "x-hop"),
                ("x-hop", "1"),
                ("transfer-encoding", "chunked"),
                ("content-length", "9"),
                ("etag", "\"a\""),
            ],
            Body::empty(),
        );
        assert_eq!(clean_answer(StatusCode::OK, answer.headers_mut()), Ok(()));
        assert_eq!(names(answer.headers()), ["etag"]);
        let mut twice = request(&[("content-length", "5"), ("content-length", "5")], Body::empty());
        assert_eq!(clean_answer(StatusCode::OK, twice.headers_mut()), Ok(()));
        assert!(twice.headers().is_empty());
        let mut coded = request(&[("transfer-encoding", "gzip, chunked")], Body::empty());
        assert!(clean_answer(StatusCode::OK, coded.headers_mut()).is_err());
    }
}
