//! One request and its answer: which connection carries it, and what comes back.

use std::sync::atomic::Ordering;

use http::{StatusCode, Version as HttpVersion};
use hyper::body::Incoming;
use spikard_middleware::{Body, Request, Response};

use super::connection::{Answered, Connection, Head};
use super::failure::{Chain, Failure};
use super::headers::clean_answer;
use super::http2::{Opened, Session};
use super::plan::Plan;
use super::target::Version;
use super::tunnel;
use super::upload::within;
use super::{Shared, Target};

/// A request without answer.
struct Lost {
    failure: Failure,
    /// The request, where it may be sent over another connection: nothing of it was sent, or no
    /// harm can come of it.
    again: Option<Box<Request>>,
}

type Attempt = Result<Response, Box<Lost>>;

impl From<Failure> for Box<Lost> {
    fn from(failure: Failure) -> Self {
        Self::new(Lost { failure, again: None })
    }
}

/// A request on its way over HTTP/1.1.
struct Sent {
    connection: Connection,
    head: Head,
    /// Whether the connection has carried others before.
    kept: bool,
}

/// What became of a request before anything had to be waited for.
enum Begun {
    /// There was a connection for it.
    Sent(Plan, Sent),
    /// There was none.
    Waiting(Box<(Plan, Request)>),
    Refused(Failure),
}

impl Shared {
    /// Sends a request to the target whose turn it is, or else to the next.
    pub(super) fn forward(&self, request: Request) -> impl Future<Output = Result<Response, Failure>> + Send {
        let first = self.turn.fetch_add(1, Ordering::Relaxed);
        // A request is large, and each future that it is handed to moves it once more: mostly, it
        // is sent before there is a future.
        let begun = self.begin(self.target(first), request);
        async move {
            let (plan, lost) = match begun {
                Begun::Sent(mut plan, sent) => match self.receive(self.target(first), &mut plan, sent).await {
                    Ok(response) => return Ok(response),
                    Err(lost) => (plan, lost),
                },
                // What is rare is boxed: it would make room for itself in every request.
                Begun::Waiting(waiting) => return Box::pin(self.forward_slowly(first, waiting.0, waiting.1, true)).await,
                Begun::Refused(failure) => return Err(failure),
            };
            match *lost {
                Lost { again: Some(request), .. } => Box::pin(self.forward_slowly(first, plan, *request, false)).await,
                Lost { failure, .. } => Err(failure),
            }
        }
    }

    fn target(&self, number: usize) -> &Target {
        &self.targets[number % self.targets.len()]
    }

    fn begin(&self, target: &Target, mut request: Request) -> Begun {
        let plan = match Plan::of(self, &mut request) {
            Ok(plan) => plan,
            Err(failure) => return Begun::Refused(failure),
        };
        let kept = if self.version(target, &plan) == Version::Http1 { target.pool.take() } else { None };
        match kept {
            Some(connection) => {
                let sent = send(target, &plan, connection, request, true);
                Begun::Sent(plan, sent)
            }
            None => Begun::Waiting(Box::new((plan, request))),
        }
    }

    /// Tries one target after the other; `kept`: with the first, over a connection that was kept,
    /// if there is one.
    async fn forward_slowly(
        &self,
        first: usize,
        mut plan: Plan,
        mut request: Request,
        mut kept: bool,
    ) -> Result<Response, Failure> {
        let mut tried = 0;
        loop {
            let attempt = self.attempt(self.target(first.wrapping_add(tried)), &mut plan, request, kept).await;
            tried += 1;
            kept = true;
            match attempt.map_err(|lost| *lost) {
                Ok(response) => return Ok(response),
                Err(Lost { failure, again: Some(again) }) if tried < self.targets.len() => {
                    tracing::warn!("upstream {}; the next target is tried", Chain(&failure));
                    request = *again;
                }
                Err(Lost { failure, .. }) => return Err(failure),
            }
        }
    }

    async fn attempt(&self, target: &Target, plan: &mut Plan, mut request: Request, kept: bool) -> Attempt {
        let version = self.version(target, plan);
        let connection = match version {
            _ if !kept => None,
            Version::Http1 => target.pool.take().map(Opened::Http1),
            Version::Http2 => target.session.current().map(Opened::Http2),
        };
        if let Some(connection) = connection {
            match self.over(target, plan, connection, request, true).await.map_err(|lost| *lost) {
                // The target had closed the connection while it was idle.
                Err(Lost { again: Some(again), .. }) => {
                    target.session.forget();
                    request = *again;
                }
                done => return done.map_err(Box::new),
            }
        }
        match self.open(target, version).await {
            Ok(connection) => self.over(target, plan, connection, request, false).await,
            Err(failure) => Err(Box::new(Lost { failure, again: Some(Box::new(request)) })),
        }
    }

    fn version(&self, target: &Target, plan: &Plan) -> Version {
        // Only connections of HTTP/1.1 can be switched to another protocol.
        let http1 = plan.switch.is_some() || target.http1_only.load(Ordering::Relaxed);
        if http1 { Version::Http1 } else { self.version }
    }

    async fn over(&self, target: &Target, plan: &mut Plan, connection: Opened, mut request: Request, kept: bool) -> Attempt {
        match connection {
            Opened::Http1(connection) => {
                let sent = send(target, plan, connection, request, kept);
                self.receive(target, plan, sent).await
            }
            Opened::Http2(session) => {
                plan.for_http2(&mut request, target);
                self.over_http2(target, plan, session, request).await
            }
        }
    }

    async fn open(&self, target: &Target, version: Version) -> Result<Opened, Failure> {
        match version {
            Version::Http1 => self.connect(target, version).await,
            Version::Http2 => {
                let opened = target.session.open(self.connect_timeout, self.connect(target, version)).await;
                let opened = opened.unwrap_or_else(|| Err(unreachable(target, std::io::ErrorKind::TimedOut.into())));
                if matches!(opened, Ok(Opened::Http1(_))) {
                    target.http1_only.store(true, Ordering::Relaxed);
                }
                opened
            }
        }
    }

    async fn connect(&self, target: &Target, version: Version) -> Result<Opened, Failure> {
        let opened = target.address.connect(version, &self.tls, self.connect_timeout).await;
        let (stream, version) = opened.map_err(|cause| unreachable(target, cause))?;
        match version {
            Version::Http1 => Connection::open(stream).await.map(Opened::Http1),
            Version::Http2 => Session::open(stream).await.map(Opened::Http2),
        }
        .map_err(|error| unreachable(target, std::io::Error::other(error)))
    }

    async fn receive(&self, target: &Target, plan: &mut Plan, sent: Sent) -> Attempt {
        let Sent { mut connection, head, kept } = sent;
        let answer = connection.receive(head, self.response_timeout, plan.upload.as_ref()).await;
        let again = || if kept && plan.repeat() { connection.unanswered() } else { None };
        let answer = received(target, answer, again)?;
        let upgrade = plan.wishes.upgrade.as_ref().filter(|asked| tunnel::is_agreed(asked, &answer));
        match (answer.status() == StatusCode::SWITCHING_PROTOCOLS, upgrade, plan.switch.take()) {
            (false, ..) => {
                let upload = plan.upload.take().filter(|upload| !upload.is_over());
                finished(target, answer, |body| connection.body(body, &target.pool, upload, self.response_timeout))
            }
            (true, Some(_), Some(switch)) => Ok(switch.begin(connection, answer)),
            (true, ..) => Err(broken(target, "it switched to a protocol that was not asked for").into()),
        }
    }

    async fn over_http2(&self, target: &Target, plan: &Plan, session: Session, request: Request) -> Attempt {
        let answer = within(self.response_timeout, plan.upload.as_ref(), session.exchange(request)).await;
        finished(target, received(target, answer, || None)?, Body::new)
    }
}

/// Sends a request over HTTP/1.1.
fn send(target: &Target, plan: &Plan, mut connection: Connection, mut request: Request, kept: bool) -> Sent {
    plan.for_http1(&mut request, target);
    let head = connection.send(request);
    Sent { connection, head, kept }
}

/// The answer, or what to make of it that there is none.
fn received(
    target: &Target,
    answer: Option<Answered>,
    again: impl FnOnce() -> Option<Request>,
) -> Result<http::Response<Incoming>, Box<Lost>> {
    let (failure, again) = match answer {
        Some(Ok(answer)) => return Ok(answer),
        None => (Failure::Slow { target: target.address.to_string() }, None),
        Some(Err(mut error)) => {
            let unsent = error.take_message();
            let error = error.into_error();
            let failure = if error.is_user() { Failure::Body(error) } else { broken(target, error) };
            (failure, unsent.or_else(again).map(Box::new))
        }
    };
    Err(Box::new(Lost { failure, again }))
}

/// The answer as the client may get it.
fn finished(target: &Target, answer: http::Response<Incoming>, body: impl FnOnce(Incoming) -> Body) -> Attempt {
    let (mut parts, incoming) = answer.into_parts();
    clean_answer(parts.status, &mut parts.headers).map_err(|cause| broken(target, cause))?;
    parts.version = HttpVersion::HTTP_11;
    Ok(Response::from_parts(parts, body(incoming)))
}

fn unreachable(target: &Target, cause: std::io::Error) -> Failure {
    Failure::Unreachable { target: target.address.to_string(), cause }
}

fn broken(target: &Target, cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Failure {
    Failure::Broken { target: target.address.to_string(), cause: cause.into() }
}
