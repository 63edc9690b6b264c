//! What is known of a request beside the request itself, and the form it gets for an upstream.

use std::time::Duration;

use bytes::Bytes;
use http::header::{EXPECT, HOST};
use http::request::Parts;
use http::uri::{Authority, PathAndQuery};
use http::{HeaderValue, Method, Uri, Version};
use spikard_middleware::{Body, Client, Request};
use tokio::time::Instant;

use super::balance::Target;
use super::failure::Failure;
use super::guard::Permit;
use super::headers::{Wishes, join_cookies};
use super::tunnel::Switch;
use super::upload::Progress;
use super::{Shared, forwarded, path};

/// The plan of a request, whatever connection it will get.
pub(super) struct Plan {
    /// What decides on the target, if that is something of the request.
    pub(super) key: Option<u64>,
    pub(super) wishes: Wishes,
    /// The host that the upstream is told, if it is not its own.
    host: Option<HeaderValue>,
    pub(super) upload: Option<Progress>,
    /// The client's side of the tunnel that it asks for.
    pub(super) switch: Option<Switch>,
    may_repeat: bool,
    /// What the request is made of, where rules say that it may be sent once more.
    spare: Option<Box<Parts>>,
    /// How many times it was sent once more by those rules.
    pub(super) again: u32,
    /// How long to wait before the next time.
    pub(super) wait: Duration,
    /// What lets the request through to the upstream this time.
    pub(super) permit: Option<Permit>,
    /// When the head of an answer has to be there.
    deadline: Option<Instant>,
}

impl Plan {
    /// Makes a request ready for the upstream.
    pub(super) fn of(shared: &Shared, request: &mut Request) -> Result<Self, Failure> {
        if path::is_ambiguous(request.uri().path()) {
            return Err(Failure::Path);
        }
        let key = shared.balancer.key(request);
        let version = request.version();
        let wishes = Wishes::take(request);
        let switch = wishes.upgrade.is_some().then(|| Switch::of(request));
        // What our own parts know of a request is nothing to hyper.
        let known = std::mem::take(request.extensions_mut());
        let path = shared.path.apply(request.uri(), known.get());
        let asked = std::mem::replace(request.uri_mut(), path.into());
        let headers = request.headers_mut();
        if version == Version::HTTP_2 {
            join_cookies(headers);
        }
        forwarded::announce(headers, known.get::<Client>(), version);
        let host = if shared.preserve_host { host_of(headers.get(HOST), &asked) } else { None };
        let upload = Progress::of(request.body_mut());
        // RFC 9110 section 9.2.2. TRACE is safe too, but nobody would miss it.
        let is_safe = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
        let is_alone = upload.is_none() && switch.is_none();
        let may_repeat = is_safe && is_alone;
        let rules = shared.guard.retries.as_ref().filter(|rules| is_alone && rules.has_method(request.method()));
        let spare = rules.map(|_| copy(request));
        let deadline = (!shared.total_timeout.is_zero()).then(|| Instant::now() + shared.total_timeout);
        let (again, wait, permit) = (0, Duration::ZERO, None);
        Ok(Self { key, wishes, host, upload, switch, may_repeat, spare, again, wait, permit, deadline })
    }

    /// Gives a request the form of HTTP/1.1.
    pub(super) fn for_http1(&self, request: &mut Request, target: &Target) {
        if request.uri().authority().is_some() {
            *request.uri_mut() = path_of(request).into();
        }
        *request.version_mut() = Version::HTTP_11;
        let headers = request.headers_mut();
        headers.insert(HOST, self.host.as_ref().unwrap_or(&target.address.host).clone());
        self.wishes.put_http1(headers);
        if let Some(upload) = self.upload.as_ref().filter(|_| self.wishes.consent) {
            headers.insert(EXPECT, HeaderValue::from_static("100-continue"));
            upload.hold(request);
        }
    }

    /// Gives a request the form of HTTP/2, in which the URI names the host.
    pub(super) fn for_http2(&self, request: &mut Request, target: &Target) {
        let headers = request.headers_mut();
        headers.remove(HOST);
        headers.remove(EXPECT);
        self.wishes.put_http2(headers);
        let asked = self.host.as_ref().map(|host| Bytes::copy_from_slice(host.as_bytes()));
        let authority = asked.and_then(|host| Authority::from_maybe_shared(host).ok());
        *request.uri_mut() = target.address.absolute(authority, path_of(request));
        *request.version_mut() = Version::HTTP_2;
    }

    /// Whether a request may be sent once more although it was sent: it asks for nothing but an
    /// answer, and this is the first time. It could be the request that makes targets close.
    pub(super) fn repeat(&mut self) -> bool {
        std::mem::take(&mut self.may_repeat)
    }

    /// Whether there is a `spare`, which costs a copy.
    pub(super) fn has_spare(&self) -> bool {
        self.spare.is_some()
    }

    /// The request as it was, where rules say that it may be sent once more.
    pub(super) fn spare(&self) -> Option<Request> {
        self.spare.as_ref().map(|parts| Request::from_parts(Parts::clone(parts), Body::empty()))
    }

    /// As much of `limit` as there is time for in all.
    pub(super) fn at_most(&self, limit: Duration) -> Duration {
        self.deadline.map_or(limit, |deadline| limit.min(deadline.saturating_duration_since(Instant::now())))
    }

    /// Whether there is no time left.
    pub(super) fn is_late(&self) -> bool {
        self.at_most(Duration::MAX).is_zero()
    }
}

fn copy(request: &Request) -> Box<Parts> {
    let (mut parts, ()) = http::Request::new(()).into_parts();
    parts.method = request.method().clone();
    parts.uri = request.uri().clone();
    parts.version = request.version();
    parts.headers = request.headers().clone();
    Box::new(parts)
}

/// The host that a client asked for. The server moves it to `Host`; elsewhere HTTP/2 has it in
/// the URI.
fn host_of(header: Option<&HeaderValue>, uri: &Uri) -> Option<HeaderValue> {
    let header = header.filter(|host| !host.is_empty()).cloned();
    header.or_else(|| uri.authority()?.as_str().parse().ok())
}

fn path_of(request: &Request) -> PathAndQuery {
    request.uri().path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::UpstreamConfig;
    use crate::proxy::Upstream;
    use spikard_middleware::{Body, BuildContext};

    #[test]
    fn the_host_that_was_asked_for_outlives_a_change_of_the_version() {
        for (preserve_host, host) in [(true, "gate:80"), (false, "target:1")] {
            let config = UpstreamConfig { preserve_host, ..UpstreamConfig::to("http://target:1") };
            let upstream = Upstream::build(&config, &BuildContext::default()).unwrap();
            let lease = upstream.0.balancer.choose(None, &[]).unwrap();
            let mut request = http::Request::get("/a").header(HOST, "gate:80").body(Body::empty()).unwrap();
            let plan = Plan::of(&upstream.0, &mut request).unwrap_or_else(|failure| panic!("{failure}"));
            plan.for_http2(&mut request, &lease);
            assert_eq!(request.uri().to_string(), format!("http://{host}/a"));
            plan.for_http1(&mut request, &lease);
            assert_eq!((request.uri().to_string().as_str(), &request.headers()[HOST]), ("/a", &host.parse().unwrap()));
        }
    }

    #[test]
    fn only_a_safe_request_without_body_is_sent_twice_and_never_three_times() {
        let upstream = Upstream::build(&UpstreamConfig::to("http://target:1"), &BuildContext::default()).unwrap();
        for (method, body, repeats) in [
            ("GET", "", true),
            ("HEAD", "", true),
            ("OPTIONS", "", true),
            ("GET", "x", false),
            ("POST", "", false),
            ("PUT", "", false),
        ] {
            let mut request = http::Request::builder().method(method).uri("/a").body(Body::from(body)).unwrap();
            let mut plan = Plan::of(&upstream.0, &mut request).unwrap_or_else(|failure| panic!("{failure}"));
            assert_eq!([plan.repeat(), plan.repeat()], [repeats, false], "{method} {body:?}");
        }
    }
}
