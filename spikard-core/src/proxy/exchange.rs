//! One try of a request at one target: which connection carries it, and what comes back.

use std::sync::atomic::Ordering;
use std::time::Duration;

use http::response::Parts;
use http::{StatusCode, Version as HttpVersion};
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use spikard_middleware::{Request, Response};

use super::Shared;
use super::balance::{Lease, Outcome, Target};
use super::connection::{Connection, Head};
use super::failure::Failure;
use super::guard::Retries;
use super::headers::clean_answer;
use super::http2::{Opened, Session};
use super::plan::Plan;
use super::target::Version;
use super::tunnel;
use super::upload::within;
use crate::config::RetryFailure;

/// A request that got no answer, or none that the client is to have.
pub(super) struct Lost {
    /// Of the target that gave none. It has been told, unless the request is sent `Anew`.
    pub(super) lease: Lease,
    pub(super) failure: Failure,
    pub(super) again: Again,
}

/// Whether a request may be sent once more. It is boxed because it is large.
pub(super) enum Again {
    /// To the same target, over a new connection: the target had closed the one that was kept.
    Anew(Box<Request>),
    /// To another target: nothing of it was sent.
    Elsewhere(Box<Request>),
    /// To any target, after a wait: the rules say so, and it is let through.
    Later(Box<Request>),
    Never,
}

type Attempt = Result<Response, Box<Lost>>;

/// A request on its way over HTTP/1.1.
pub(super) struct Sent {
    connection: Connection,
    head: Head,
    /// Whether the connection has carried others before.
    kept: bool,
}

/// The head of an answer as the client may get it, and its body.
type Judged = (Lease, Parts, Incoming);

impl Shared {
    /// Sends a request to a target; `kept`: over a connection that was kept, if there is one.
    pub(super) async fn attempt(&self, mut lease: Lease, plan: &mut Plan, mut request: Request, kept: bool) -> Attempt {
        let version = self.version(&lease, plan);
        let connection = match version {
            _ if !kept => None,
            Version::Http1 => lease.pool.take().map(Opened::Http1),
            Version::Http2 => lease.session.current().map(Opened::Http2),
        };
        if let Some(connection) = connection {
            match self.over(lease, plan, connection, request, true).await.map_err(|lost| *lost) {
                // The target had closed the connection while it was idle.
                Err(Lost { lease: same, again: Again::Anew(again), .. }) => {
                    same.session.forget();
                    (lease, request) = (same, *again);
                }
                done => return done.map_err(Box::new),
            }
        }
        match self.open(&lease, version, plan.at_most(self.connect_timeout)).await {
            Ok(connection) => self.over(lease, plan, connection, request, false).await,
            Err(failure) => plan.lost(lease, failure, Again::Elsewhere(Box::new(request))),
        }
    }

    pub(super) fn version(&self, target: &Target, plan: &Plan) -> Version {
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
                self.over_http2(lease, plan, session, request, kept).await
            }
        }
    }

    async fn open(&self, target: &Target, version: Version, limit: Duration) -> Result<Opened, Failure> {
        match version {
            Version::Http1 => self.connect(target, version, limit).await,
            Version::Http2 => {
                let opened = target.session.open(limit, self.connect(target, version, limit)).await;
                let opened = opened.unwrap_or_else(|| Err(unreachable(target, std::io::ErrorKind::TimedOut.into())));
                if matches!(opened, Ok(Opened::Http1(_))) {
                    target.http1_only.store(true, Ordering::Relaxed);
                }
                opened
            }
        }
    }

    async fn connect(&self, target: &Target, version: Version, limit: Duration) -> Result<Opened, Failure> {
        let socket = self.guard.socket(|| self.balancer.close_idle());
        let opened = target.address.connect(version, &self.tls, limit).await;
        let (stream, version) = opened.map_err(|cause| unreachable(target, cause))?;
        match version {
            Version::Http1 => Connection::open(stream, socket).await.map(Opened::Http1),
            Version::Http2 => Session::open(stream).await.map(Opened::Http2),
        }
        .map_err(|error| unreachable(target, std::io::Error::other(error)))
    }

    /// Waits for the answer to a request that was sent over HTTP/1.1.
    pub(super) async fn receive(&self, lease: Lease, plan: &mut Plan, sent: Sent) -> Attempt {
        let Sent { mut connection, head, kept } = sent;
        let limit = plan.at_most(self.response_timeout);
        let answer = match connection.receive(head, limit, plan.upload.as_ref()).await {
            Some(Ok(answer)) => answer,
            Some(Err(mut error)) => {
                let is_answering = connection.is_answering();
                let unsent = error.take_message();
                let unsent = unsent.or_else(|| if kept && plan.repeat() { connection.unanswered() } else { None });
                return self.broken_off(lease, plan, error, unsent, kept, is_answering);
            }
            None => return self.too_slow(lease, plan, connection.is_answering()),
        };
        if answer.status() == StatusCode::SWITCHING_PROTOCOLS {
            let is_agreed = plan.wishes.upgrade.as_ref().is_some_and(|asked| tunnel::is_agreed(asked, &answer));
            let Some(switch) = plan.switch.take().filter(|_| is_agreed) else {
                let failure = broken(&lease, "it switched to a protocol that was not asked for");
                return plan.lost(lease, failure, Again::Never);
            };
            plan.tell(&lease, Some(Outcome::Answered(answer.status())));
            return Ok(switch.begin(connection, lease, answer));
        }
        match self.judged(lease, plan, answer) {
            Ok((lease, parts, incoming)) => {
                let upload = plan.upload.take().filter(|upload| !upload.is_over());
                let body = connection.body(incoming, lease, upload, self.response_timeout);
                Ok(Response::from_parts(parts, body))
            }
            Err(lost) => {
                if let Again::Later(_) = lost.again {
                    connection.give_up_answer(&lost.lease.pool);
                }
                Err(lost)
            }
        }
    }

    async fn over_http2(&self, lease: Lease, plan: &mut Plan, session: Session, request: Request, kept: bool) -> Attempt {
        let limit = plan.at_most(self.response_timeout);
        match within(limit, plan.upload.as_ref(), session.exchange(request)).await {
            Some(Ok(answer)) => {
                let (lease, parts, incoming) = self.judged(lease, plan, answer)?;
                Ok(Response::from_parts(parts, lease.until_end_of(incoming)))
            }
            Some(Err(mut error)) => {
                let unsent = error.take_message();
                self.broken_off(lease, plan, error, unsent, kept, false)
            }
            None => self.too_slow(lease, plan, false),
        }
    }

    /// What is left of a request whose connection broke. `unsent`: it may be sent over another one
    /// as if it never had been.
    fn broken_off(
        &self,
        lease: Lease,
        plan: &mut Plan,
        error: TrySendError<Request>,
        unsent: Option<Request>,
        kept: bool,
        is_answering: bool,
    ) -> Attempt {
        let error = error.into_error();
        let failure = if error.is_user() { Failure::Body(error) } else { broken(&lease, error) };
        match unsent.map(Box::new) {
            Some(request) if kept => Err(Box::new(Lost { lease, failure, again: Again::Anew(request) })),
            Some(request) => plan.lost(lease, failure, Again::Elsewhere(request)),
            None => self.lost_once(lease, plan, failure, (!is_answering).then_some(RetryFailure::Reset)),
        }
    }

    fn too_slow(&self, lease: Lease, plan: &mut Plan, is_answering: bool) -> Attempt {
        let failure = Failure::Slow { target: lease.to_string() };
        self.lost_once(lease, plan, failure, (!is_answering).then_some(RetryFailure::Timeout))
    }

    /// What is left of a request that was sent and failed in this way, if that way is one after which
    /// it might be sent once more.
    fn lost_once(&self, lease: Lease, plan: &mut Plan, failure: Failure, way: Option<RetryFailure>) -> Attempt {
        plan.tell(&lease, failure.outcome());
        let again = way.and_then(|way| self.later(plan, |rules| rules.has_failure(way)));
        Err(Box::new(Lost { lease, failure, again: again.unwrap_or(Again::Never) }))
    }

    /// The answer as the client may get it, unless the request is sent once more.
    fn judged(&self, lease: Lease, plan: &mut Plan, answer: http::Response<Incoming>) -> Result<Judged, Box<Lost>> {
        let (mut parts, incoming) = answer.into_parts();
        if let Err(cause) = clean_answer(parts.status, &mut parts.headers) {
            let failure = broken(&lease, cause);
            return plan.lost(lease, failure, Again::Never);
        }
        plan.tell(&lease, Some(Outcome::Answered(parts.status)));
        if let Some(again) = self.later(plan, |rules| rules.has_status(parts.status)) {
            let failure = Failure::Answered { target: lease.to_string(), status: parts.status };
            return Err(Box::new(Lost { lease, failure, again }));
        }
        parts.version = HttpVersion::HTTP_11;
        Ok((lease, parts, incoming))
    }

    /// The request to send once more, if `is_due` and all else say so.
    fn later(&self, plan: &mut Plan, is_due: impl FnOnce(&Retries) -> bool) -> Option<Again> {
        if !plan.has_spare() || !self.is_let_through_again(plan, is_due) {
            return None;
        }
        plan.spare().map(|request| Again::Later(Box::new(request)))
    }
}

impl Plan {
    /// Tells who let the request through what came of it.
    fn tell(&mut self, lease: &Lease, outcome: Option<Outcome>) {
        let Some(outcome) = outcome else { return };
        lease.report(outcome);
        if let Some(permit) = self.permit.take() {
            permit.tell(outcome);
        }
    }

    /// What is left of a request after a failure.
    fn lost<T>(&mut self, lease: Lease, failure: Failure, again: Again) -> Result<T, Box<Lost>> {
        self.tell(&lease, failure.outcome());
        Err(Box::new(Lost { lease, failure, again }))
    }
}

/// Sends a request over HTTP/1.1.
pub(super) fn send(target: &Target, plan: &Plan, mut connection: Connection, mut request: Request, kept: bool) -> Sent {
    plan.for_http1(&mut request, target);
    let head = connection.send(request);
    Sent { connection, head, kept }
}

fn unreachable(target: &Target, cause: std::io::Error) -> Failure {
    Failure::Unreachable { target: target.to_string(), cause }
}

fn broken(target: &Target, cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Failure {
    Failure::Broken { target: target.to_string(), cause: cause.into() }
}
