//! The body of a request on its way to an upstream, and the time that the upstream has to answer.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use http_body::{Body as HttpBody, Frame, SizeHint};
use spikard_middleware::{Body, Request};
use tokio::time::{Instant, Sleep, sleep};

/// Who is to act next, and since when.
#[derive(Clone, Copy)]
enum Turn {
    /// The upstream is to say whether it wants the body at all.
    Consent,
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

/// How long the upstream has to say that it wants a body. Many servers never do.
const CONSENT: Duration = Duration::from_secs(1);

impl Progress {
    /// Watches a body. None where there is no body.
    pub(super) fn of(body: &mut Body) -> Option<Self> {
        if body.is_end_stream() {
            return None;
        }
        let progress = Self(Arc::new(Mutex::new(Turn::Client)));
        let upload = Upload { body: std::mem::take(body), progress: progress.clone(), patience: None };
        *body = Body::new(upload);
        Some(progress)
    }

    /// Keeps the body back until the upstream wants it or has been waited for (RFC 9110 section
    /// 10.1.1). As long as nobody reads it, the server does not tell the client to go on either.
    pub(super) fn hold(&self, request: &mut Request) {
        *self.turn() = Turn::Consent;
        let progress = self.clone();
        hyper::ext::on_informational(request, move |answer| {
            if answer.status() == StatusCode::CONTINUE {
                progress.release();
            }
        });
    }

    fn release(&self) {
        let mut turn = self.turn();
        if matches!(*turn, Turn::Consent) {
            *turn = Turn::Client;
        }
    }

    /// Since when the upstream's time runs. While the client is to send it does not run; the
    /// server bounds how long a client may be silent.
    pub(super) fn since(&self) -> Instant {
        match *self.turn() {
            Turn::Consent | Turn::Client => Instant::now(),
            Turn::Upstream(since) | Turn::Answer(since) => since,
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
            match upload.map(|upload| upload.since() + limit) {
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
    /// How much longer the upstream's consent is waited for.
    patience: Option<Pin<Box<Sleep>>>,
}

impl Upload {
    /// Waits until the body may be sent. What the upstream says arrives while its connection is
    /// polled, right before this is.
    fn poll_consent(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if !matches!(*self.progress.turn(), Turn::Consent) {
            return Poll::Ready(());
        }
        ready!(self.patience.get_or_insert_with(|| Box::pin(sleep(CONSENT))).as_mut().poll(cx));
        self.progress.release();
        Poll::Ready(())
    }
}

impl HttpBody for Upload {
    type Data = Bytes;
    type Error = <Body as HttpBody>::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        ready!(self.poll_consent(cx));
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
