//! The clock that stands: how long a handler has waited for the bytes of a request body.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use axum_core::body::Body;
use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::time::Instant;

use crate::looking::waits;

/// How long the handler has waited for bytes of the body. It may do so in a task of its own.
#[derive(Default)]
pub(super) struct Arrival(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    since: Option<Instant>,
    total: Duration,
    waker: Option<Waker>,
}

impl Arrival {
    /// The body, watched, and the time that is spent on it.
    pub(super) fn of(body: Body) -> (Body, Arc<Self>) {
        let arrival = Arc::<Self>::default();
        let wait = Wait { arrival: Arc::clone(&arrival), waiting: false };
        (Body::new(Arriving { body, wait }), arrival)
    }

    /// Pending while it waits; `cx` is woken when it no longer does.
    pub(super) fn poll_waited(&self, cx: &Context<'_>) -> Poll<Duration> {
        let mut waiting = self.lock();
        if waiting.since.is_none() {
            return Poll::Ready(waiting.total);
        }
        waiting.waker = Some(cx.waker().clone());
        Poll::Pending
    }

    fn begin(&self) {
        self.lock().since = Some(Instant::now());
    }

    fn end(&self) {
        let mut waiting = self.lock();
        let since = waiting.since.take();
        waiting.total += since.map_or(Duration::ZERO, |since| since.elapsed());
        let waker = waiting.waker.take();
        drop(waiting);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The body's side of [`Arrival`]. A body that is dropped is not waited for any more.
struct Wait {
    arrival: Arc<Arrival>,
    waiting: bool,
}

impl Wait {
    fn set(&mut self, waiting: bool) {
        if waiting != self.waiting {
            self.waiting = waiting;
            if waiting { self.arrival.begin() } else { self.arrival.end() }
        }
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        self.set(false);
    }
}

pin_project_lite::pin_project! {
    struct Arriving {
        #[pin]
        body: Body,
        wait: Wait,
    }
}

impl HttpBody for Arriving {
    type Data = Bytes;
    type Error = axum_core::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = self.project();
        let polled = this.body.poll_frame(cx);
        this.wait.set(polled.is_pending() && waits(cx));
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
