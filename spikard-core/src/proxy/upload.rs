//! The body of a request on its way to an upstream, and the time that the upstream has to answer.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use spikard_middleware::Body;
use tokio::time::{Instant, sleep};

/// Who is to act next, and since when.
#[derive(Clone, Copy)]
enum Turn {
    /// The client is to send more.
    Client,
    /// The upstream is to take what there is.
    Upstream(Instant),
    /// The upstream has all of it and is to answer.
    Answer(Instant),
}

/// How far an upload has come.
#[derive(Clone)]
pub(super) struct Progress(Arc<Mutex<Turn>>);

impl Progress {
    /// Watches a body. None where there is no body.
    pub(super) fn of(body: Body) -> (Body, Option<Self>) {
        if body.is_end_stream() {
            return (body, None);
        }
        let progress = Self(Arc::new(Mutex::new(Turn::Client)));
        (Body::new(Upload { body, progress: progress.clone() }), Some(progress))
    }

    /// When the upstream's time is over, if it was given `limit`. While the client is to send,
    /// the upstream's time does not run; the server bounds how long a client may be silent.
    fn deadline(&self, limit: Duration) -> Instant {
        match *self.turn() {
            Turn::Client => Instant::now() + limit,
            Turn::Upstream(since) | Turn::Answer(since) => since + limit,
        }
    }

    /// Whether all of the body was handed over.
    pub(super) fn is_over(&self) -> bool {
        matches!(*self.turn(), Turn::Answer(_))
    }

    fn turn(&self) -> MutexGuard<'_, Turn> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What `answer` yields, unless the upstream has had its turn for longer than `limit`.
pub(super) async fn within<T>(limit: Duration, upload: Option<&Progress>, answer: impl Future<Output = T>) -> Option<T> {
    let mut answer = pin!(answer);
    let mut timer = pin!(sleep(limit));
    std::future::poll_fn(|cx| {
        if let Poll::Ready(answer) = answer.as_mut().poll(cx) {
            return Poll::Ready(Some(answer));
        }
        loop {
            ready!(timer.as_mut().poll(cx));
            match upload.map(|upload| upload.deadline(limit)) {
                Some(deadline) if deadline > Instant::now() => timer.as_mut().reset(deadline),
                _ => return Poll::Ready(None),
            }
        }
    })
    .await
}

struct Upload {
    body: Body,
    progress: Progress,
}

impl HttpBody for Upload {
    type Data = Bytes;
    type Error = <Body as HttpBody>::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(cx);
        *self.progress.turn() = match &frame {
            Poll::Pending => Turn::Client,
            Poll::Ready(Some(Ok(_))) if !self.body.is_end_stream() => Turn::Upstream(Instant::now()),
            Poll::Ready(_) => Turn::Answer(Instant::now()),
        };
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
