//! What an answer is stored under: the URL that the client asked for, and what the answer says that it
//! varies by (RFC 9111 sections 2 and 4.1).

use std::fmt::Write as _;
use std::sync::Arc;

use http::header::{ACCEPT_ENCODING, HOST, VARY};
use http::uri::{Authority, PathAndQuery};
use http::{HeaderMap, HeaderName, HeaderValue, Uri};

use super::list::items;
use crate::client::Client;
use crate::service::Request;

/// Parameters of the query that make no difference.
pub(super) struct IgnoredQuery(Vec<String>);

impl IgnoredQuery {
    pub(super) fn new(names: &[String]) -> Self {
        Self(names.to_vec())
    }

    fn contains(&self, parameter: &str) -> bool {
        let name = parameter.split_once('=').map_or(parameter, |(name, _)| name);
        self.0.iter().any(|ignored| match ignored.strip_suffix('*') {
            Some(beginning) => name.starts_with(beginning),
            None => name == ignored,
        })
    }

    fn append(&self, query: &str, url: &mut String) {
        if self.0.is_empty() {
            url.extend(["?", query]);
            return;
        }
        let mut before = '?';
        for parameter in query.split('&').filter(|parameter| !self.contains(parameter)) {
            url.push(before);
            url.push_str(parameter);
            before = '&';
        }
    }
}

/// The URL that a request is about: `http://shop.example/a?b`.
pub(super) fn url(request: &Request, ignored: &IgnoredQuery) -> String {
    let uri = request.uri();
    let client = request.extensions().get::<Client>();
    let host = client.map(|client| &*client.host).or_else(|| uri.authority().map(Authority::as_str));
    let host = host.or_else(|| request.headers().get(HOST).and_then(|host| host.to_str().ok())).unwrap_or_default();
    let scheme = client.map_or("http", |client| client.scheme.as_str());
    let mut url = String::with_capacity(scheme.len() + host.len() + uri.path().len() + 64);
    url.extend([scheme, "://", &host.to_ascii_lowercase(), uri.path()]);
    if let Some(query) = uri.query() {
        ignored.append(query, &mut url);
    }
    url
}

/// The URL that a reference in an answer to `url` names, if it is of the same origin (RFC 9111 section 4.4).
pub(super) fn same_origin(url: &str, reference: &HeaderValue) -> Option<Arc<str>> {
    let reference = Uri::try_from(reference.as_bytes()).ok()?;
    let base = Uri::try_from(url).ok()?;
    let (scheme, host) = (base.scheme_str()?, base.authority()?.as_str());
    let same = |given: &str, own: &str| given.eq_ignore_ascii_case(own);
    if !reference.scheme_str().is_none_or(|given| same(given, scheme))
        || !reference.authority().is_none_or(|given| same(given.as_str(), host))
    {
        return None;
    }
    let path = reference.path_and_query().map(PathAndQuery::as_str).filter(|path| path.starts_with('/'))?;
    Some(format!("{scheme}://{host}{path}").into())
}

/// The request headers by which an answer was chosen, with their values in the request for it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Selecting(Vec<(HeaderName, Option<String>)>);

impl Selecting {
    /// None where the answer is for one request only: `Vary: *`, or something that cannot be read.
    pub(super) fn of(answer: &HeaderMap, request: &HeaderMap) -> Option<Self> {
        let mut found: Vec<(HeaderName, Option<String>)> = Vec::new();
        for line in answer.get_all(VARY) {
            for name in items(line.to_str().ok()?) {
                // `*` is a valid name for the crate that reads it.
                let name = if name == "*" { return None } else { HeaderName::try_from(name).ok()? };
                if found.iter().all(|(other, _)| *other != name) {
                    let value = value(request, &name);
                    found.push((name, value));
                }
            }
        }
        Some(Self(found))
    }

    /// Whether the answer would be chosen for this request, too.
    pub(super) fn matches(&self, request: &HeaderMap) -> bool {
        self.0.iter().all(|(name, value)| *value == self::value(request, name))
    }

    /// What tells requests for `url` apart that get different answers.
    pub(super) fn variant(&self, url: &str, request: &HeaderMap) -> String {
        let mut text = url.to_owned();
        for (name, _) in &self.0 {
            // Writing to a String does not fail.
            let _ = write!(text, "\n{name}: {}", value(request, name).unwrap_or_default());
        }
        text
    }

    pub(super) fn size(&self) -> usize {
        self.0.iter().map(|(name, value)| 64 + name.as_str().len() + value.as_ref().map_or(0, String::len)).sum()
    }
}

/// The value of a field as it is compared: space and empty members make no difference. Codings make none
/// by case and order either, as long as none has a weight.
fn value(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let mut lines = headers.get_all(name).iter().peekable();
    lines.peek()?;
    let text = lines.map(|line| String::from_utf8_lossy(line.as_bytes()).into_owned()).collect::<Vec<_>>().join(",");
    let mut members: Vec<_> = items(&text).collect();
    if *name != ACCEPT_ENCODING || text.contains(';') {
        return Some(members.join(","));
    }
    members.sort_unstable_by_key(|coding| coding.to_ascii_lowercase());
    Some(members.join(",").to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use axum_core::body::Body;

    use super::*;

    fn of(uri: &str, ignored: &[&str]) -> String {
        let ignored: Vec<String> = ignored.iter().map(ToString::to_string).collect();
        let request = http::Request::get(uri).header("host", "Shop.example:81").body(Body::empty()).unwrap();
        url(&request, &IgnoredQuery::new(&ignored))
    }

    fn headers(fields: &[(&'static str, &str)]) -> HeaderMap {
        fields.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap())).collect()
    }

    #[test]
    fn a_url_is_told_apart_by_host_path_and_query() {
        assert_eq!(of("/A/%2f?b&c=1", &[]), "http://shop.example:81/A/%2f?b&c=1");
        assert_eq!(of("/?utm_source=x&a=1&utm_id&fbclid=9&b", &["utm_*", "fbclid"]), "http://shop.example:81/?a=1&b");
        assert_eq!(of("/?utm_id=1", &["utm_*"]), "http://shop.example:81/");
    }

    #[test]
    fn a_request_gets_what_was_chosen_for_one_like_it() {
        let answer = headers(&[("vary", "Accept-Encoding, x-tenant"), ("vary", "X-Tenant")]);
        let stored = Selecting::of(&answer, &headers(&[("accept-encoding", "gzip, BR"), ("x-tenant", "a")])).unwrap();
        for (encoding, tenant, expected) in [
            ("br,gzip", "a", true),
            ("gzip , br", "a", true),
            ("gzip", "a", false),
            ("gzip, br;q=0", "a", false),
            ("br,gzip", "A", false),
        ] {
            let request = headers(&[("accept-encoding", encoding), ("x-tenant", tenant)]);
            assert_eq!(stored.matches(&request), expected, "{encoding} {tenant}");
            assert_eq!(stored.variant("u", &request) == "u\naccept-encoding: br,gzip\nx-tenant: a", expected);
        }
        assert!(!stored.matches(&headers(&[("accept-encoding", "br,gzip")])), "absent is not equal to any value");
        assert_eq!(Selecting::of(&headers(&[("vary", "accept, *")]), &HeaderMap::new()), None);
    }

    #[test]
    fn only_a_reference_into_the_same_origin_is_followed() {
        let named = |reference| same_origin("http://a.example/x", &HeaderValue::from_static(reference));
        assert_eq!(named("/y?z").as_deref(), Some("http://a.example/y?z"));
        assert_eq!(named("HTTP://A.example/y").as_deref(), Some("http://a.example/y"));
        assert_eq!(named("https://a.example/y"), None);
        assert_eq!(named("http://b.example/y"), None);
    }
}
