//! Request bodies, and what becomes of the part that nobody reads.
//!
//! On HTTP/1.1 an unread body stands in front of the next request. If little is left, it is read away
//! behind the answer and the connection goes on; if much is left, or nobody knows how much, the
//! answer says that the connection ends (RFC 9112 section 9.3), so that no client sends another
//! request into it.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::Version;
use http::header::EXPECT;
use http::request::Parts;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::runtime::Handle;

use super::link::Link;
use super::live::Served;
use super::pace::{Paced, Stall};

/// How many bytes are read away, at most, to keep a connection.
const READ_AWAY: u64 = 256 << 10;

/// The body of a request.
pub(super) struct RequestBody {
    /// There until it is dropped.
    body: Option<Paced<Incoming>>,
    /// Whether it delays the next request of its connection. On HTTP/2 it does not.
    is_in_the_way: bool,
    /// Whether the client sends the rest, come what may: it may also wait for leave to begin
    /// (RFC 9110 section 10.1.1).
    is_coming: bool,
}

impl RequestBody {
    pub(super) fn new(parts: &Parts, incoming: Incoming, link: &Arc<Link>, served: &Served, stall: &Arc<Stall>) -> Self {
        Self {
            body: Some(Paced::new(incoming, Arc::clone(link), Arc::clone(&served.strip), Arc::clone(stall))),
            is_in_the_way: parts.version < Version::HTTP_2,
            is_coming: !parts.headers.contains_key(EXPECT),
        }
    }

    fn is_worth_reading_away(&self, rest: &Paced<Incoming>) -> bool {
        let is_little = rest.size_hint().exact().is_some_and(|left| left <= READ_AWAY);
        let goes_on = !rest.is_complete() && !rest.link().server.drain.has_begun();
        self.is_in_the_way && self.is_coming && is_little && goes_on
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = <Paced<Incoming> as Body>::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        self.is_coming = true;
        self.body.as_mut().map_or(Poll::Ready(None), |body| Pin::new(body).poll_frame(cx))
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(SizeHint::default, Body::size_hint)
    }
}

impl Drop for RequestBody {
    fn drop(&mut self) {
        if let Some(rest) = self.body.take()
            && self.is_worth_reading_away(&rest)
            && let Ok(runtime) = Handle::try_current()
        {
            runtime.spawn(rest.read_away());
        }
    }
}
