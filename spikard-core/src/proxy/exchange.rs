//! One request and its answer: which connection carries it, in which form, and what comes back.

use std::sync::atomic::Ordering;

use bytes::Bytes;
use http::header::{EXPECT, HOST};
use http::uri::{Authority, PathAndQuery};
use http::{HeaderValue, StatusCode, Version as HttpVersion};
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use spikard_middleware::{Body, Client, Request, Response};

use super::connection::Connection;
use super::failure::{Chain, Failure};
use super::headers::{Wishes, clean_answer, join_cookies};
use super::http2::{Opened, Session};
use super::target::Version;
use super::tunnel::{self, Switch};
use super::upload::{Progress, within};
use super::{Shared, Target, forwarded, path};
use crate::routes::PathParams;

/// What is known of a request beside the request itself, whatever connection it will get.
struct Plan {
    path: PathAndQuery,
    wishes: Wishes,
    /// The host that the upstream is told, if it is not its own.
    host: Option<HeaderValue>,
    upload: Option<Progress>,
    /// The client's side of the tunnel that it asks for.
    switch: Option<Switch>,
}

/// A request without answer. Where nothing was sent, another connection or target may be tried.
struct Lost {
    failure: Failure,
    unsent: Option<Request>,
}

type Attempt = Result<Response, Box<Lost>>;

impl Plan {
    /// Makes a request ready for the upstream.
    fn of(shared: &Shared, mut request: Request) -> Result<(Self, Request), Failure> {
        if path::is_ambiguous(request.uri().path()) {
            return Err(Failure::Path);
        }
        let path = shared.path.apply(request.uri(), request.extensions().get::<PathParams>());
        let version = request.version();
        let wishes = Wishes::take(&mut request);
        let switch = wishes.upgrade.is_some().then(|| Switch::of(&mut request));
        let client = request.extensions_mut().remove::<Client>();
        // The server moves it to `Host`; elsewhere HTTP/2 has it here.
        let authority = request.uri().authority().filter(|_| shared.preserve_host);
        let authority = authority.and_then(|authority| authority.as_str().parse().ok());
        let headers = request.headers_mut();
        if version == HttpVersion::HTTP_2 {
            join_cookies(headers);
        }
        forwarded::announce(headers, client.as_ref(), version);
        let host = headers.get(HOST).filter(|host| shared.preserve_host && !host.is_empty()).cloned().or(authority);
        let (parts, body) = request.into_parts();
        let (body, upload) = Progress::of(body);
        Ok((Self { path, wishes, host, upload, switch }, Request::from_parts(parts, body)))
    }

    /// Gives a request the form of HTTP/1.1.
    fn for_http1(&self, request: &mut Request, target: &Target) {
        *request.uri_mut() = self.path.clone().into();
        *request.version_mut() = HttpVersion::HTTP_11;
        let headers = request.headers_mut();
        headers.insert(HOST, self.host.as_ref().unwrap_or(&target.address.host).clone());
        self.wishes.put_http1(headers);
        if let Some(upload) = self.upload.as_ref().filter(|_| self.wishes.consent) {
            headers.insert(EXPECT, HeaderValue::from_static("100-continue"));
            upload.hold(request);
        }
    }

    /// Gives a request the form of HTTP/2, in which the URI names the host.
    fn for_http2(&self, request: &mut Request, target: &Target) {
        let headers = request.headers_mut();
        headers.remove(HOST);
        headers.remove(EXPECT);
        self.wishes.put_http2(headers);
        let asked = self.host.as_ref().map(|host| Bytes::copy_from_slice(host.as_bytes()));
        let authority = asked.and_then(|host| Authority::from_maybe_shared(host).ok());
        *request.uri_mut() = target.address.absolute(authority, self.path.clone());
        *request.version_mut() = HttpVersion::HTTP_2;
    }
}

impl Shared {
    /// Sends a request to the target whose turn it is, or else to the next.
    pub(super) async fn forward(&self, request: Request) -> Result<Response, Failure> {
        let (mut plan, mut request) = Plan::of(self, request)?;
        let first = self.turn.fetch_add(1, Ordering::Relaxed);
        let mut tried = 0;
        loop {
            let target = &self.targets[first.wrapping_add(tried) % self.targets.len()];
            tried += 1;
            match self.attempt(target, &mut plan, request).await.map_err(|lost| *lost) {
                Ok(response) => return Ok(response),
                Err(Lost { failure, unsent: Some(unsent) }) if tried < self.targets.len() => {
                    tracing::warn!("upstream {}; the next target is tried", Chain(&failure));
                    request = unsent;
                }
                Err(Lost { failure, .. }) => return Err(failure),
            }
        }
    }

    async fn attempt(&self, target: &Target, plan: &mut Plan, mut request: Request) -> Attempt {
        // Only connections of HTTP/1.1 can be switched to another protocol.
        let http1 = plan.switch.is_some() || target.http1_only.load(Ordering::Relaxed);
        let version = if http1 { Version::Http1 } else { self.version };
        loop {
            let kept = match version {
                Version::Http1 => target.pool.take().map(Opened::Http1),
                Version::Http2 => target.session.current().map(Opened::Http2),
            };
            let is_new = kept.is_none();
            // What is rare is boxed: it would make room for itself in every request.
            let connection = match kept {
                Some(connection) => connection,
                None => match Box::pin(self.open(target, version)).await {
                    Ok(connection) => connection,
                    Err(failure) => return Err(Box::new(Lost { failure, unsent: Some(request) })),
                },
            };
            let attempt = match connection {
                Opened::Http1(connection) => self.over_http1(target, connection, plan, request).await,
                Opened::Http2(session) => Box::pin(self.over_http2(target, session, plan, request)).await,
            };
            match attempt.map_err(|lost| *lost) {
                // The target had closed the connection while it was idle.
                Err(Lost { unsent: Some(unsent), .. }) if !is_new => {
                    target.session.forget();
                    request = unsent;
                }
                done => return done.map_err(Box::new),
            }
        }
    }

    async fn open(&self, target: &Target, version: Version) -> Result<Opened, Failure> {
        match version {
            Version::Http1 => self.connect(target, version).await,
            Version::Http2 => {
                let opened = target.session.open(self.connect(target, version)).await;
                if matches!(opened, Ok(Opened::Http1(_))) {
                    target.http1_only.store(true, Ordering::Relaxed);
                }
                opened
            }
        }
    }

    async fn connect(&self, target: &Target, version: Version) -> Result<Opened, Failure> {
        let unreachable = |cause| Failure::Unreachable { target: target.address.to_string(), cause };
        let opened = target.address.connect(version, &self.tls, self.connect_timeout).await;
        let (stream, version) = opened.map_err(unreachable)?;
        match version {
            Version::Http1 => Connection::open(stream).await.map(Opened::Http1),
            Version::Http2 => Session::open(stream).await.map(Opened::Http2),
        }
        .map_err(|error| unreachable(std::io::Error::other(error)))
    }

    async fn over_http1(&self, target: &Target, mut connection: Connection, plan: &mut Plan, mut request: Request) -> Attempt {
        plan.for_http1(&mut request, target);
        let answer = within(self.response_timeout, plan.upload.as_ref(), connection.exchange(request)).await;
        let answer = received(target, answer)?;
        let upgrade = plan.wishes.upgrade.as_ref().filter(|asked| tunnel::is_agreed(asked, &answer));
        match (answer.status() == StatusCode::SWITCHING_PROTOCOLS, upgrade, plan.switch.take()) {
            (false, ..) => {
                let upload = plan.upload.take().filter(|upload| !upload.is_over());
                finished(target, answer, |body| connection.body(body, &target.pool, upload, self.response_timeout))
            }
            (true, Some(_), Some(switch)) => Ok(switch.begin(connection, answer)),
            (true, ..) => Err(broken(target, "it switched to a protocol that was not asked for")),
        }
    }

    async fn over_http2(&self, target: &Target, session: Session, plan: &mut Plan, mut request: Request) -> Attempt {
        plan.for_http2(&mut request, target);
        let answer = within(self.response_timeout, plan.upload.as_ref(), session.exchange(request)).await;
        finished(target, received(target, answer)?, Body::new)
    }
}

/// The answer, or what to make of it that there is none.
fn received(
    target: &Target,
    answer: Option<Result<http::Response<Incoming>, TrySendError<Request>>>,
) -> Result<http::Response<Incoming>, Box<Lost>> {
    let (failure, unsent) = match answer {
        Some(Ok(answer)) => return Ok(answer),
        None => (Failure::Slow { target: target.address.to_string() }, None),
        Some(Err(mut error)) => {
            let unsent = error.take_message();
            let error = error.into_error();
            let failure = if error.is_user() { Failure::Body(error) } else { broken(target, error).failure };
            (failure, unsent)
        }
    };
    Err(Box::new(Lost { failure, unsent }))
}

/// The answer as the client may get it.
fn finished(target: &Target, answer: http::Response<Incoming>, body: impl FnOnce(Incoming) -> Body) -> Attempt {
    let (mut parts, incoming) = answer.into_parts();
    clean_answer(parts.status, &mut parts.headers).map_err(|cause| broken(target, cause))?;
    parts.version = HttpVersion::HTTP_11;
    Ok(Response::from_parts(parts, body(incoming)))
}

fn broken(target: &Target, cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Box<Lost> {
    Box::new(Lost { failure: Failure::Broken { target: target.address.to_string(), cause: cause.into() }, unsent: None })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::UpstreamConfig;
    use crate::proxy::Upstream;
    use spikard_middleware::BuildContext;

    #[test]
    fn the_host_that_was_asked_for_outlives_a_change_of_the_version() {
        for (preserve_host, host) in [(true, "gate:80"), (false, "target:1")] {
            let config = UpstreamConfig { preserve_host, ..UpstreamConfig::to("http://target:1") };
            let upstream = Upstream::build(&config, &BuildContext::default()).unwrap();
            let request = http::Request::get("/a").header(HOST, "gate:80").body(Body::empty()).unwrap();
            let (plan, mut request) = Plan::of(&upstream.0, request).unwrap_or_else(|failure| panic!("{failure}"));
            plan.for_http2(&mut request, &upstream.0.targets[0]);
            assert_eq!(request.uri().to_string(), format!("http://{host}/a"));
            plan.for_http1(&mut request, &upstream.0.targets[0]);
            assert_eq!((request.uri().to_string().as_str(), &request.headers()[HOST]), ("/a", &host.parse().unwrap()));
        }
    }
}
