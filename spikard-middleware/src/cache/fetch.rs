//! Asks the leaf, and stores what may be stored while it goes to the client.

use std::sync::{Arc, Weak};

use axum_core::body::Body;
use http::header::{CONTENT_LENGTH, ETAG, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, LAST_MODIFIED, RANGE};
use http::{HeaderMap, Method, StatusCode};
use http_body::Body as _;

use super::Caching;
use super::fill::Fill;
use super::flight::{Flight, Herald, Verdict};
use super::store::Stamp;
use super::stored::{Arrival, Content, Head, Stored};
use super::terms::{Asker, Unstored};
use crate::service::{Request, Response};

/// What the leaf is asked for.
pub(super) struct Errand {
    pub(super) url: Arc<str>,
    /// What was so when it was decided to ask.
    pub(super) stamp: Stamp,
    pub(super) asker: Asker,
    /// What the leaf may confirm.
    pub(super) stored: Option<Stored>,
    /// Kept until the body has come, so that others can join until then.
    pub(super) flight: Option<Weak<Flight>>,
}

/// What the leaf answered.
pub(super) enum Landed {
    /// Something for others, too. The body is one for the request that it was fetched for.
    Stored { stored: Stored, status: StatusCode, body: Option<Body> },
    /// Something that is not stored, and why.
    Own(Response, &'static str),
    /// An error, where there is something stored.
    Failed(Response),
}

impl Landed {
    fn verdict(&self) -> Verdict {
        match self {
            Self::Stored { stored, .. } => Verdict::Shared(stored.clone()),
            Self::Own(..) => Verdict::Alone,
            Self::Failed(response) => Verdict::Failed(response.status()),
        }
    }
}

impl Caching {
    /// Asks the leaf, and tells those who wait.
    pub(super) async fn lead(self, errand: Errand, request: Request, herald: Herald) -> Landed {
        let landed = self.fetch(&errand, request).await;
        // Nobody may be waiting any more.
        let _ = herald.send(Some(landed.verdict()));
        landed
    }

    /// Asks the leaf for the whole answer.
    pub(super) async fn fetch(&self, errand: &Errand, mut request: Request) -> Landed {
        for name in [IF_NONE_MATCH, IF_MODIFIED_SINCE, RANGE, IF_RANGE] {
            request.headers_mut().remove(name);
        }
        *request.method_mut() = Method::GET;
        let Some(stored) = &errand.stored else { return self.ask(errand, request).await };
        let whole = copy(&request);
        // RFC 9111 section 4.3.1.
        for (name, validator) in [(IF_NONE_MATCH, ETAG), (IF_MODIFIED_SINCE, LAST_MODIFIED)] {
            if let Some(validator) = stored.head.headers.get(validator) {
                request.headers_mut().insert(name, validator.clone());
            }
        }
        let arrival = self.now();
        let response = self.inner.call(request).await;
        match response.status().as_u16() {
            304 => match self.confirmed(errand, stored, whole.headers(), &response, arrival.answered) {
                Some(landed) => landed,
                // It confirmed what nobody had asked about.
                None => self.ask(errand, whole).await,
            },
            // RFC 5861 section 4.
            500 | 502 | 503 | 504 => Landed::Failed(response),
            _ => self.landed(errand, whole.headers(), response, arrival.answered),
        }
    }

    async fn ask(&self, errand: &Errand, request: Request) -> Landed {
        let headers = request.headers().clone();
        let asked = self.now().answered;
        let response = self.inner.call(request).await;
        self.landed(errand, &headers, response, asked)
    }

    /// What was stored, renewed by a 304.
    fn confirmed(&self, errand: &Errand, stored: &Stored, request: &HeaderMap, answer: &Response, asked: u64) -> Option<Landed> {
        let arrival = Arrival { asked, ..self.now() };
        let config = &self.shared.config;
        let renewed = stored.head.renewed(config, &errand.asker, request, answer.headers(), arrival)?;
        let status = answer.status();
        Some(match renewed {
            Ok(head) => {
                let stored = Stored { head: Arc::new(head), content: stored.content.clone() };
                self.insert(errand, &stored);
                Landed::Stored { stored, status, body: None }
            }
            // It may be given once more, to who asked.
            Err(Unstored { why, lasting }) => {
                if lasting {
                    self.shared.store.set_unstorable(&errand.url, errand.stamp, request);
                }
                let mut response = Response::default();
                *response.status_mut() = stored.head.status;
                response.headers_mut().clone_from(&stored.head.headers);
                for name in answer.headers().keys() {
                    response.headers_mut().remove(name);
                }
                response.headers_mut().extend(answer.headers().clone());
                if let Content::Whole(bytes) = &stored.content {
                    *response.body_mut() = Body::from(bytes.clone());
                }
                Landed::Own(response, why)
            }
        })
    }

    /// Stores an answer, if that may be.
    fn landed(&self, errand: &Errand, request: &HeaderMap, response: Response, asked: u64) -> Landed {
        let arrival = Arrival { asked, ..self.now() };
        let (parts, body) = response.into_parts();
        let config = &self.shared.config;
        let limit = config.max_entry_size.0;
        let declared = parts.headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
        let length = body.size_hint().exact().or(declared);
        let head = if length.is_some_and(|length| length > limit) {
            Err(Unstored { why: "too-large", lasting: true })
        } else {
            Head::of(config, &errand.asker, request, parts.status, parts.headers.clone(), arrival)
        };
        let head = match head {
            Ok(head) => Arc::new(head),
            Err(Unstored { why, lasting }) => {
                // What fails now may be stored when it works again.
                if lasting && !parts.status.is_server_error() {
                    self.shared.store.set_unstorable(&errand.url, errand.stamp, request);
                }
                return Landed::Own(Response::from_parts(parts, body), why);
            }
        };
        let status = parts.status;
        let fill = Fill::new(length, usize::try_from(limit).unwrap_or(usize::MAX), &self.shared.budget);
        let rest = fill.gather(body);
        let whole = if rest.is_none() && !fill.has_trailers() { fill.whole() } else { None };
        if let Some(bytes) = whole {
            let stored = Stored { head, content: Content::Whole(bytes) };
            self.insert(errand, &stored);
            return Landed::Stored { stored, status, body: None };
        }
        let stored = Stored { head: Arc::clone(&head), content: Content::Arriving(Arc::clone(&fill)) };
        let body = fill.reader();
        self.read_on(errand, head, fill, rest);
        Landed::Stored { stored, status, body }
    }

    /// Reads the rest of a body beside its readers, and stores it.
    fn read_on(&self, errand: &Errand, head: Arc<Head>, fill: Arc<Fill>, rest: Option<Body>) {
        let flight = errand.flight.as_ref().and_then(Weak::upgrade);
        let (url, stamp, shared) = (Arc::clone(&errand.url), errand.stamp, Arc::clone(&self.shared));
        tokio::spawn(async move {
            if let Some(rest) = rest {
                fill.run(rest).await;
            }
            if let Some(bytes) = fill.whole() {
                shared.insert(&url, stamp, &Stored { head, content: Content::Whole(bytes) });
            }
            // Who comes from now on finds it in the store.
            drop(flight);
        });
    }

    fn insert(&self, errand: &Errand, stored: &Stored) {
        self.shared.insert(&errand.url, errand.stamp, stored);
    }

    fn now(&self) -> Arrival {
        let clock = &self.shared.clock;
        let now = clock.monotonic();
        Arrival { asked: now, answered: now, wall: clock.wall() }
    }
}

/// The same request without its body: only requests that have none get here.
pub(super) fn copy(request: &Request) -> Request {
    let mut copy = Request::default();
    *copy.method_mut() = request.method().clone();
    *copy.uri_mut() = request.uri().clone();
    *copy.version_mut() = request.version();
    copy.headers_mut().clone_from(request.headers());
    *copy.extensions_mut() = request.extensions().clone();
    copy
}
