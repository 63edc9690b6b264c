//! From hyper's request to the stack's and back.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONNECTION, HOST};
use http::request::Parts;
use http::{HeaderValue, StatusCode, Uri, Version};
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use spikard_middleware::grpc::is_grpc;
use spikard_middleware::problem::{REQUEST_TIMEOUT, Subject, URI_TOO_LONG};
use spikard_middleware::{Body, Client, Host, Request, Response};
use tokio::time::timeout;

use super::hygiene::{self, Fault};
use super::link::{Flight, Link};
use super::live::Served;
use super::pace::{Stall, Unhurried};
use super::request_body::RequestBody;
use super::streams;

/// Answers one request of a connection.
pub(super) fn call(
    link: &Arc<Link>,
    request: http::Request<Incoming>,
) -> impl Future<Output = Result<http::Response<ResponseBody>, Infallible>> + Send + use<> {
    let flight = Flight::begin(link);
    let version = request.version();
    let served = link.server.live.current();
    // Prepared before the future is made: a request is large, and every future that holds it
    // would move it once more.
    let prepared = prepare(flight.link(), &served, request);
    async move {
        let link = flight.link();
        let Answered { mut response, closes } = match prepared {
            Prepared::Refused(answered) => answered,
            Prepared::Whole(request) => Answered { response: served.service.call(request).await, closes: false },
            Prepared::Arriving(request, stall) => answer_while_arriving(link, &served, request, &stall).await,
        };
        let ends = closes || link.meter.has_left_body() || link.server.drain.is_leaving();
        if ends && version < Version::HTTP_2 && response.status() != StatusCode::SWITCHING_PROTOCOLS {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            link.meter.becomes_tunnel();
        }
        Ok(response.map(|body| ResponseBody::new(body, version, flight)))
    }
}

/// How long a handler may go on that has been told of a body that broke off.
const LAST_WORDS: Duration = Duration::from_secs(1);

struct Answered {
    response: Response,
    /// Whether nothing more can be understood on the connection.
    closes: bool,
}

/// A request that was looked at.
enum Prepared {
    /// It is not taken.
    Refused(Answered),
    /// It has no body.
    Whole(Request),
    /// Its body is still to come.
    Arriving(Request, Arc<Stall>),
}

fn prepare(link: &Arc<Link>, served: &Served, request: http::Request<Incoming>) -> Prepared {
    let (mut parts, incoming) = request.into_parts();
    let ends = incoming.is_end_stream();
    let admitted = match link.meter.ambiguity() {
        Some(ambiguity) => Err(hygiene::doubtful(ambiguity.detail())),
        None => hygiene::admit(&mut parts, link.server.heads),
    };
    let arriving = (!ends).then(|| {
        let stall = Arc::new(Stall::default());
        (Body::new(RequestBody::new(&parts, incoming, link, served, &stall)), stall)
    });
    if let Err(fault) = admitted {
        link.has_refused(fault.refusal);
        return Prepared::Refused(refuse(parts, &fault));
    }
    describe(link, served, &mut parts);
    let Some((body, stall)) = arriving else { return Prepared::Whole(Request::from_parts(parts, Body::empty())) };
    if parts.version == Version::HTTP_2 && is_grpc(&parts.headers) {
        parts.extensions.insert(Unhurried(Arc::clone(&stall)));
        parts.extensions.insert(link.server.drain.clone());
    }
    Prepared::Arriving(Request::from_parts(parts, body), stall)
}

async fn answer_while_arriving(link: &Link, served: &Served, request: Request, stall: &Stall) -> Answered {
    let subject = Subject::of(&request);
    let mut answer = served.service.call(request);
    let response = poll_fn(|cx| match answer.as_mut().poll(cx) {
        Poll::Ready(response) => Poll::Ready(Some(response)),
        Poll::Pending => stall.poll(cx).map(|()| None),
    });
    match response.await {
        Some(response) if !stall.has_happened() => return Answered { response, closes: false },
        // Whatever was made of a body that broke off: the reason was the client's pace.
        Some(_) => {}
        // Who reads the body has been told, and may want to put something in order.
        None => drop(timeout(LAST_WORDS, answer).await),
    }
    link.has_refused(REQUEST_TIMEOUT);
    Answered { response: REQUEST_TIMEOUT.response(&subject, "request body arrives too slowly"), closes: true }
}

fn refuse(mut parts: Parts, fault: &Fault) -> Answered {
    if fault.refusal == URI_TOO_LONG {
        // No need to send it back.
        parts.uri = Uri::default();
    }
    let subject = Subject::of(&Request::from_parts(parts, Body::empty()));
    Answered { response: fault.refusal.response(&subject, fault.detail), closes: fault.closes }
}

/// Puts on a request what the server knows, and drops what the client must not say.
fn describe(link: &Link, served: &Served, parts: &mut Parts) {
    let host = parts.headers.get(HOST).map_or_else(|| Host::from(""), Host::from);
    let client = Client::of(link.peer, link.scheme.clone(), host, &parts.headers, &served.trusted_proxies);
    served.strip.apply(&mut parts.headers, client.by_proxy);
    parts.extensions.insert(client);
    if let Some(shown) = link.shown() {
        parts.extensions.insert(Arc::clone(&shown.certificate));
        parts.extensions.insert(shown.clone());
    }
    if parts.extensions.get::<OnUpgrade>().is_some() {
        parts.extensions.insert(link.server.drain.clone());
    }
}

/// The body of a response. The request is in flight until it is gone.
pub(super) struct ResponseBody {
    body: Body,
    /// On HTTP/2, what of a piece is still to be given.
    rest: Option<Bytes>,
    _flight: Flight,
}

/// The largest piece that hyper is given on HTTP/2. It takes a piece when the client takes its
/// first byte, and keeps the rest: a client that takes no more would hold it for good.
const PIECE: usize = 64 << 10;

impl ResponseBody {
    fn new(body: Body, version: Version, flight: Flight) -> Self {
        Self { body, rest: (version == Version::HTTP_2).then(Bytes::new), _flight: flight }
    }
}

impl HttpBody for ResponseBody {
    type Data = Bytes;
    type Error = <Body as HttpBody>::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let Some(rest) = &self.rest else { return Pin::new(&mut self.body).poll_frame(cx) };
        let mut frame = if rest.is_empty() {
            Pin::new(&mut self.body).poll_frame(cx)
        } else {
            Poll::Ready(Some(Ok(Frame::data(rest.clone()))))
        };
        if let Poll::Ready(Some(Ok(piece))) = &mut frame
            && let Some(data) = piece.data_mut()
        {
            self.rest = Some(data.split_off(data.len().min(PIECE)));
        }
        streams::note(&frame);
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.rest.as_ref().is_none_or(Bytes::is_empty) && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        // It is asked before the body is.
        self.body.size_hint()
    }
}
