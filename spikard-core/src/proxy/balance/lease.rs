//! A request's use of a target, from the choice to the last byte of the answer.

use std::fmt;
use std::ops::Deref;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};
use std::time::Instant;

use bytes::Bytes;
use http::StatusCode;
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::body::Incoming;
use spikard_middleware::Body;

use super::Target;
use super::ejection::Presence;
use crate::proxy::guard::Place;

/// A target that was chosen for a request, which counts as in flight there until this is dropped.
///
/// Who holds it says once what came of the request, if anything is to be learned from it: a client
/// that goes away says nothing about a target.
pub(in crate::proxy) struct Lease {
    target: Arc<Target>,
    admission: Admission,
    /// Since when, if that is measured.
    begun: Option<Instant>,
    /// The request's place among those that the upstream works on. The last to go.
    place: Option<Place>,
}

/// Why a request came to a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Admission {
    /// The target takes part.
    Regular,
    /// It is the one that finds out whether a target that was ejected is back.
    Trial,
    /// The target is ejected, and there is no better one.
    Regardless,
}

/// What came of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::proxy) enum Outcome {
    /// The head of an answer came.
    Answered(StatusCode),
    /// There was no connection.
    Unreachable,
    /// There was a connection and no answer in time, or none that is HTTP.
    Broken,
}

impl fmt::Display for Outcome {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answered(status) => write!(formatter, "it answered {status}"),
            Self::Unreachable => formatter.write_str("cannot connect"),
            Self::Broken => formatter.write_str("no usable answer in time"),
        }
    }
}

impl Lease {
    /// A lease of a target that takes part. None: it is out, and another request finds out just now
    /// whether it is back.
    pub(super) fn take(target: &Arc<Target>) -> Option<Self> {
        match target.presence() {
            Presence::In => Some(Self::new(target, Admission::Regular)),
            Presence::Due if target.begin_trial() => Some(Self::new(target, Admission::Trial)),
            Presence::Due | Presence::Out => None,
        }
    }

    /// A lease of a target that may be out, for want of a better one.
    pub(super) fn regardless(target: &Arc<Target>) -> Self {
        let is_in = target.presence() == Presence::In;
        Self::new(target, if is_in { Admission::Regular } else { Admission::Regardless })
    }

    fn new(target: &Arc<Target>, admission: Admission) -> Self {
        target.in_flight.fetch_add(1, Ordering::Relaxed);
        let begun = target.tally.as_ref().map(|_| Instant::now());
        Self { target: Arc::clone(target), admission, begun, place: None }
    }

    /// Says what came of the request.
    pub(in crate::proxy) fn report(&self, outcome: Outcome) {
        if let (Some(tally), Some(begun)) = (&self.target.tally, self.begun) {
            tally.count(outcome, begun);
        }
        self.target.learn(outcome, self.admission);
    }

    /// The target, for the list of those that were tried.
    pub(in crate::proxy) fn target(&self) -> Arc<Target> {
        Arc::clone(&self.target)
    }

    /// Keeps the place of the request for as long as it counts as in flight.
    pub(in crate::proxy) fn hold(&mut self, place: Option<Place>) {
        self.place = place;
    }

    /// Gives the target up, but not the place of the request, for another target.
    pub(in crate::proxy) fn leave(mut self) -> Option<Place> {
        self.place.take()
    }

    /// The body of an answer, to the end of which the request counts.
    pub(in crate::proxy) fn until_end_of(self, incoming: Incoming) -> Body {
        if incoming.is_end_stream() { Body::empty() } else { Body::new(Leased { incoming, lease: Some(self) }) }
    }
}

impl Deref for Lease {
    type Target = Target;

    fn deref(&self) -> &Target {
        &self.target
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.target.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

struct Leased {
    incoming: Incoming,
    lease: Option<Lease>,
}

impl HttpBody for Leased {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let frame = Pin::new(&mut self.incoming).poll_frame(cx);
        // Nobody polls again after the last frame of a body of known length.
        if matches!(frame, Poll::Ready(None | Some(Err(_)))) || (frame.is_ready() && self.incoming.is_end_stream()) {
            self.lease = None;
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}
