//! A handler as a service of the stack.

use http::request::Parts;
use http::{HeaderValue, Version, header};
use spikard_middleware::grpc::is_grpc;
use spikard_middleware::problem::{Subject, UNSUPPORTED_MEDIA_TYPE, UPGRADE_REQUIRED};
use spikard_middleware::{Answer, Request, Response, Service};
use tokio::time::{sleep_until, timeout_at};

use super::wire::{self, Ends};
use super::{Call, Handler, Metadata, deadline};
use crate::server::{Drain, Unhurried};

/// How calls are held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// The largest message that is taken, unpacked, in bytes; 0 is no limit.
    pub max_receive_size: usize,
    /// The largest message that is sent, in bytes; 0 is no limit.
    pub max_send_size: usize,
    /// Whether messages are packed for clients that take it. Packed ones are always taken.
    pub gzip: bool,
    /// Whether replies do not end by themselves: they are ended when the server drains.
    pub endless: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self { max_receive_size: 4 << 20, max_send_size: 0, gzip: false, endless: false }
    }
}

/// The leaf of a [`Handler`].
pub struct Leaf<H> {
    handler: H,
    settings: Settings,
}

impl<H: Handler> Leaf<H> {
    /// The leaf of a handler.
    pub fn new(handler: H, settings: Settings) -> Self {
        Self { handler, settings }
    }

    async fn answer(&self, request: Request) -> Response {
        let (head, body) = request.into_parts();
        if let Some(unhurried) = head.extensions.get::<Unhurried>() {
            unhurried.allow();
        }
        let (deadline, metadata) = match deadline::of(&head.headers).and_then(|at| Ok((at, Metadata::received(&head.headers)?))) {
            Ok(read) => read,
            Err(status) => return wire::status_alone(status),
        };
        let drain = head.extensions.get::<Drain>().filter(|_| self.settings.endless).cloned();
        let ends = Ends {
            deadline: deadline.map(|deadline| Box::pin(sleep_until(deadline))),
            drain: drain.map(|drain| Box::pin(async move { drain.begun().await }) as _),
        };
        // The head is the handler's; what the wire needs to know of it is taken before.
        let request = wire::request(&head.headers, body);
        let call = |messages| {
            let (service, method) = names(&head);
            let call = Call { service, method, metadata, head, messages };
            let answer = self.handler.call(call);
            let bounded = async move {
                match deadline {
                    Some(at) => timeout_at(at, answer).await.unwrap_or_else(|_| Err(deadline::exceeded())),
                    None => answer.await,
                }
            };
            Box::pin(bounded) as _
        };
        wire::answer(request, &self.settings, call, ends).await
    }
}

impl<H: Handler> Service for Leaf<H> {
    fn call(&self, request: Request) -> Answer<'_> {
        match refusal(&request) {
            Some(refusal) => Box::pin(std::future::ready(refusal)),
            None => Box::pin(self.answer(request)),
        }
    }
}

/// `/pkg.Service/Method`.
fn names(head: &Parts) -> (String, String) {
    let path = head.uri.path();
    let (service, method) = path.rsplit_once('/').unwrap_or_default();
    (service.trim_start_matches('/').to_owned(), method.to_owned())
}

/// What is no call: another media type, or a version of HTTP that has no place for the status.
fn refusal(request: &Request) -> Option<Response> {
    let subject = || Subject::of(request);
    if !is_grpc(request.headers()) {
        return Some(UNSUPPORTED_MEDIA_TYPE.response(&subject(), "Unsupported media type"));
    }
    if request.version() < Version::HTTP_2 {
        let mut response = UPGRADE_REQUIRED.response(&subject(), "gRPC needs HTTP/2");
        response.headers_mut().insert(header::UPGRADE, HeaderValue::from_static("HTTP/2.0"));
        return Some(response);
    }
    None
}
