//! From a stored answer to the answer of one request: what the client has already, the part that it asks
//! for, or the whole.

use std::time::Duration;

use axum_core::body::Body;
use bytes::Bytes;
use http::header::{
    AGE, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, IF_MODIFIED_SINCE, IF_NONE_MATCH, RANGE,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};

use super::stored::{Content, Head, Stored};
use crate::conditions::{Validators, Verdict};
use crate::problem::{RANGE_NOT_SATISFIABLE, SERVICE_UNAVAILABLE, Subject};
use crate::range::{Wanted, wanted};
use crate::service::{Request, Response};

/// What of a request the answer depends on, beside the URL.
pub(super) struct Wish {
    is_get: bool,
    headers: HeaderMap,
    subject: Subject,
}

/// When an answer is given.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    /// On the clock that never goes back, in nanoseconds.
    pub(super) now: u64,
    /// The time since 1970.
    pub(super) wall: Duration,
}

/// What a 304 need not say: the client has it (RFC 9110 section 15.4.5).
const KNOWN: [HeaderName; 4] = [CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_LENGTH, CONTENT_TYPE];

/// Takes what it needs of a request that is answered here.
impl From<Request> for Wish {
    fn from(request: Request) -> Self {
        let subject = Subject::of(&request);
        let is_get = request.method() == Method::GET;
        Self { is_get, headers: request.into_parts().0.headers, subject }
    }
}

impl Wish {
    pub(super) fn of(request: &Request) -> Self {
        let is_get = request.method() == Method::GET;
        Self { is_get, headers: request.headers().clone(), subject: Subject::of(request) }
    }

    pub(super) fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The answer where there is none any more: what is stored is complete, and who fetches has a reader, so
    /// only a server that is going down gets here.
    pub(super) fn broke_off(&self) -> Response {
        SERVICE_UNAVAILABLE.by("cache").response(&self.subject, "the answer broke off")
    }

    /// The answer to this request, from what was stored before.
    pub(super) fn stored(&self, stored: &Stored, moment: Moment) -> Option<Response> {
        let mut response = self.answer(stored, moment, None)?;
        response.headers_mut().insert(AGE, stored.head.age(moment.now).as_secs().into());
        Some(response)
    }

    /// The answer to this request, from what was fetched for it; `body` is the one that was kept for it, if
    /// one was. None where the body is under way, and too far for one more to join.
    pub(super) fn fetched(&self, stored: &Stored, moment: Moment, body: Option<Body>) -> Option<Response> {
        let mut response = self.answer(stored, moment, body)?;
        response.headers_mut().extend(stored.head.once.clone());
        Some(response)
    }

    fn answer(&self, stored: &Stored, moment: Moment, body: Option<Body>) -> Option<Response> {
        let Stored { head, content } = stored;
        let mut response = Response::default();
        *response.status_mut() = head.status;
        response.headers_mut().clone_from(&head.headers);
        if self.has(&response) {
            return Some(not_modified(response));
        }
        let body = match content {
            Content::Whole(bytes) => match self.part(head, bytes, moment) {
                Wanted::Whole => Body::from(bytes.clone()),
                Wanted::Part(range) => part(&mut response, bytes, &range),
                Wanted::Nothing => return Some(self.not_satisfiable(bytes.len())),
            },
            Content::Arriving(fill) => body.or_else(|| fill.reader())?,
        };
        Some(response.map(|_| body))
    }

    /// The answer of the leaf, which was asked for the whole whatever the client has.
    pub(super) fn unstored(&self, response: Response) -> Response {
        if self.has(&response) { not_modified(response) } else { response }
    }

    /// Whether the client has this answer already.
    fn has(&self, response: &Response) -> bool {
        // Most requests have no conditions, which are about what would be a success otherwise (RFC 9110
        // section 13.2.1).
        is_conditional(&self.headers)
            && response.status().is_success()
            && Validators::of(response.headers()).check(&self.headers) == Verdict::NotModified
    }

    fn part(&self, head: &Head, bytes: &Bytes, moment: Moment) -> Wanted {
        match self.headers.get(RANGE).and_then(|field| field.to_str().ok()) {
            Some(field)
                if self.is_get && head.status == StatusCode::OK && head.validators().allow_range(&self.headers, moment.wall) =>
            {
                wanted(field, bytes.len() as u64)
            }
            _ => Wanted::Whole,
        }
    }

    fn not_satisfiable(&self, size: usize) -> Response {
        let mut response = RANGE_NOT_SATISFIABLE.by("cache").response(&self.subject, &format!("the answer has {size} bytes"));
        set(response.headers_mut(), CONTENT_RANGE, format!("bytes */{size}"));
        response
    }
}

/// Whether a client says what it has.
pub(super) fn is_conditional(headers: &HeaderMap) -> bool {
    headers.contains_key(IF_NONE_MATCH) || headers.contains_key(IF_MODIFIED_SINCE)
}

fn not_modified(mut response: Response) -> Response {
    *response.status_mut() = StatusCode::NOT_MODIFIED;
    for name in &KNOWN {
        response.headers_mut().remove(name);
    }
    response.map(|_| Body::empty())
}

fn part(response: &mut Response, bytes: &Bytes, range: &std::ops::Range<u64>) -> Body {
    *response.status_mut() = StatusCode::PARTIAL_CONTENT;
    set(response.headers_mut(), CONTENT_RANGE, format!("bytes {}-{}/{}", range.start, range.end - 1, bytes.len()));
    response.headers_mut().insert(CONTENT_LENGTH, (range.end - range.start).into());
    // A range is taken within the length, which is a usize.
    let place = |offset: u64| usize::try_from(offset).unwrap_or(bytes.len());
    Body::from(bytes.slice(place(range.start)..place(range.end)))
}

fn set(headers: &mut HeaderMap, name: HeaderName, text: String) {
    headers.extend(HeaderValue::try_from(text).ok().map(|value| (name, value)));
}
