//! One request and its answer: which connection carries it, and what comes back.

use std::sync::atomic::Ordering;

use http::{StatusCode, Version as HttpVersion};
use hyper::body::Incoming;
use spikard_middleware::{Body, Request, Response};

use super::Shared;
use super::balance::{Lease, Outcome, Target};
use super::connection::{Answered, Connection, Head};
use super::failure::{Chain, Failure};
use super::headers::clean_answer;
use super::http2::{Opened, Session};
use super::plan::Plan;
use super::target::Version;
use super::tunnel;
use super::upload::within;

/// A request without answer.
struct Lost {
    /// Of the target that gave none.
    lease: Lease,
    failure: Failure,
    /// The request, where it may be sent over another connection: nothing of it was sent, or no
    /// harm can come of it.
    again: Option<Box<Request>>,
}

type Attempt = Result<Response, Box<Lost>>;

/// A request on its way over HTTP/1.1.
struct Sent {
    connection: Connection,
    head: Head,
    /// Whether the connection has carried others before.
    kept: bool,
}

/// What became of a request before anything had to be waited for.
#[expect(clippy::large_enum_variant, reason = "the large one is the one that nearly all requests are")]
enum Begun {
    /// There was a connection for it.
    Sent(Plan, Lease, Sent),
    /// There was none.
    Waiting(Box<(Plan, Lease, Request)>),
    Refused(Failure),
}

impl Shared {
    /// Sends a request to a target, or else to another.
    pub(super) fn forward(&self, request: Request) -> impl Future<Output = Result<Response, Failure>> + Send {
        // A request is large, and each future that it is handed to moves it once more: mostly, it
        // is sent before there is a future.
        let begun = self.begin(request);
        async move {
            let (plan, lost) = match begun {
                Begun::Sent(mut plan, lease, sent) => match self.receive(lease, &mut plan, sent).await {
                    Ok(response) => return Ok(response),
                    Err(lost) => (plan, lost),
                },
                // What is rare is boxed: it would make room for itself in every request.
                Begun::Waiting(waiting) => {
                    let (plan, lease, request) = *waiting;
                    return Box::pin(self.forward_slowly(lease, plan, request, true)).await;
                }
                Begun::Refused(failure) => return Err(failure),
            };
            match *lost {
                // Its target had closed the connection while it was idle.
                Lost { lease, again: Some(request), .. } => Box::pin(self.forward_slowly(lease, plan, *request, false)).await,
                Lost { lease, failure, .. } => Err(reported(&lease, failure)),
            }
        }
    }

    fn begin(&self, mut request: Request) -> Begun {
        let plan = match Plan::of(self, &mut request) {
            Ok(plan) => plan,
            Err(failure) => return Begun::Refused(failure),
        };
        let Some(lease) = self.balancer.choose(plan.key, &[]) else { return Begun::Refused(Failure::NoTarget) };
        let kept = if self.version(&lease, &plan) == Version::Http1 { lease.pool.take() } else { None };
        match kept {
            Some(connection) => {
                let sent = send(&lease, &plan, connection, request, true);
                Begun::Sent(plan, lease, sent)
            }
            None => Begun::Waiting(Box::new((plan, lease, request))),
        }
    }

    /// Tries one target after the other; `kept`: with the first, over a connection that was kept,
    /// if there is one.
    async fn forward_slowly(
        &self,
        mut lease: Lease,
        mut plan: Plan,
        mut request: Request,
        mut kept: bool,
    ) -> Result<Response, Failure> {
        let mut tried = Vec::new();
        loop {
            let attempt = self.attempt(lease, &mut plan, request, kept).await;
            kept = true;
            let Lost { lease: last, failure, again } = match attempt {
                Ok(response) => return Ok(response),
                Err(lost) => *lost,
            };
            let failure = reported(&last, failure);
            tried.push(last.target());
            // It may count as in flight at one target only.
            drop(last);
            let Some(again) = again else { return Err(failure) };
            let Some(next) = self.balancer.choose(plan.key, &tried) else { return Err(failure) };
            tracing::warn!("upstream {}; the next target is tried", Chain(&failure));
            (lease, request) = (next, *again);
        }
    }

    async fn attempt(&self, mut lease: Lease, plan: &mut Plan, mut request: Request, kept: bool) -> Attempt {
        let version = self.version(&lease, plan);
        let connection = match version {
            _ if !kept => None,
            Version::Http1 => lease.pool.take().map(Opened::Http1),
            Version::Http2 => lease.session.current().map(Opened::Http2),
        };
        if let Some(connection) = connection {
            match self.over(lease, plan, connection, request, true).await.map_err(|lost| *lost) {
                // The target had closed the connection while it was idle.
                Err(Lost { lease: same, again: Some(again), .. }) => {
                    same.session.forget();
                    (lease, request) = (same, *again);
                }
                done => return done.map_err(Box::new),
            }
        }
        match self.open(&lease, version).await {
            Ok(connection) => self.over(lease, plan, connection, request, false).await,
            Err(failure) => Err(Box::new(Lost { lease, failure, again: Some(Box::new(request)) })),
        }
    }

    fn version(&self, target: &Target, plan: &Plan) -> Version {
        // Only connections of HTTP/1.1 can be switched to another protocol.
        let http1 = plan.switch.is_some() || target.http1_only.load(Ordering::Relaxed);
        if http1 { Version::Http1 } else { self.version }
    }

    async fn over(&self, lease: Lease, plan: &mut Plan, connection: Opened, mut request: Request, kept: bool) -> Attempt {
        match connection {
            Opened::Http1(connection) => {
                let sent = send(&lease, plan, connection, request, kept);
                self.receive(lease, plan, sent).await
            }
            Opened::Http2(session) => {
                plan.for_http2(&mut request, &lease);
                self.over_http2(lease, plan, session, request).await
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

    async fn receive(&self, lease: Lease, plan: &mut Plan, sent: Sent) -> Attempt {
        let Sent { mut connection, head, kept } = sent;
        let answer = connection.receive(head, self.response_timeout, plan.upload.as_ref()).await;
        let again = || if kept && plan.repeat() { connection.unanswered() } else { None };
        let (lease, answer) = received(lease, answer, again)?;
        let upgrade = plan.wishes.upgrade.as_ref().filter(|asked| tunnel::is_agreed(asked, &answer));
        match (answer.status() == StatusCode::SWITCHING_PROTOCOLS, upgrade, plan.switch.take()) {
            (false, ..) => {
                let upload = plan.upload.take().filter(|upload| !upload.is_over());
                finished(lease, answer, |lease, body| connection.body(body, lease, upload, self.response_timeout))
            }
            (true, Some(_), Some(switch)) => {
                lease.report(Outcome::Answered(answer.status()));
                Ok(switch.begin(connection, lease, answer))
            }
            (true, ..) => {
                let failure = broken(&lease, "it switched to a protocol that was not asked for");
                lost(lease, failure)
            }
        }
    }

    async fn over_http2(&self, lease: Lease, plan: &Plan, session: Session, request: Request) -> Attempt {
        let answer = within(self.response_timeout, plan.upload.as_ref(), session.exchange(request)).await;
        let (lease, answer) = received(lease, answer, || None)?;
        finished(lease, answer, Lease::until_end_of)
    }
}

/// There is no answer, and there will be none.
fn lost(lease: Lease, failure: Failure) -> Attempt {
    Err(Box::new(Lost { lease, failure, again: None }))
}

/// Tells the target of a failure that is final.
fn reported(lease: &Lease, failure: Failure) -> Failure {
    if let Some(outcome) = failure.outcome() {
        lease.report(outcome);
    }
    failure
}

/// Sends a request over HTTP/1.1.
fn send(target: &Target, plan: &Plan, mut connection: Connection, mut request: Request, kept: bool) -> Sent {
    plan.for_http1(&mut request, target);
    let head = connection.send(request);
    Sent { connection, head, kept }
}

/// The answer, or what to make of it that there is none.
fn received(
    lease: Lease,
    answer: Option<Answered>,
    again: impl FnOnce() -> Option<Request>,
) -> Result<(Lease, http::Response<Incoming>), Box<Lost>> {
    let (failure, again) = match answer {
        Some(Ok(answer)) => return Ok((lease, answer)),
        None => (Failure::Slow { target: lease.to_string() }, None),
        Some(Err(mut error)) => {
            let unsent = error.take_message();
            let error = error.into_error();
            let failure = if error.is_user() { Failure::Body(error) } else { broken(&lease, error) };
            (failure, unsent.or_else(again).map(Box::new))
        }
    };
    Err(Box::new(Lost { lease, failure, again }))
}

/// The answer as the client may get it.
fn finished(lease: Lease, answer: http::Response<Incoming>, body: impl FnOnce(Lease, Incoming) -> Body) -> Attempt {
    let (mut parts, incoming) = answer.into_parts();
    if let Err(cause) = clean_answer(parts.status, &mut parts.headers) {
        let failure = broken(&lease, cause);
        return lost(lease, failure);
    }
    lease.report(Outcome::Answered(parts.status));
    parts.version = HttpVersion::HTTP_11;
    Ok(Response::from_parts(parts, body(lease, incoming)))
}

fn unreachable(target: &Target, cause: std::io::Error) -> Failure {
    Failure::Unreachable { target: target.to_string(), cause }
}

fn broken(target: &Target, cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Failure {
    Failure::Broken { target: target.to_string(), cause: cause.into() }
}
