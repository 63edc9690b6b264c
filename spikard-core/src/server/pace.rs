//! The pace that a request body must keep: a client that pauses too long or trickles is answered
//! 408 (RFC 9110 section 15.5.9).
//!
//! Only the time in which somebody waits for the client counts: a slow handler is not its fault.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use futures_util::task::AtomicWaker;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use spikard_middleware::waits;
use tokio::time::{Instant, Sleep};

use super::link::Link;
use super::strip::Strip;

/// How fast a body must arrive.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    /// The longest pause, and the time from which on the average counts.
    pub(super) pause: Duration,
    /// The average in bytes per second.
    pub(super) rate: u64,
}

impl Pace {
    /// How much longer a body may be waited for that has cost `waited` for `received` bytes.
    fn patience(self, waited: Duration, received: u64) -> Duration {
        if self.rate == 0 {
            return self.pause;
        }
        let paid = Duration::from_millis(received.saturating_mul(1000) / self.rate);
        self.pause.min(paid.max(self.pause).saturating_sub(waited))
    }
}

/// Tells the side that answers that the client was too slow.
#[derive(Default)]
pub(super) struct Stall {
    happened: AtomicBool,
    /// Whether it may take as long as it likes.
    allowed: AtomicBool,
    waker: AtomicWaker,
}

/// An extension of gRPC calls: lets their bodies pause. Whoever answers with a stream says so; for
/// all others a call is a body like any other.
#[derive(Clone)]
pub(crate) struct Unhurried(pub(super) Arc<Stall>);

impl Unhurried {
    /// From now on the client is waited for as long as it takes.
    pub(crate) fn allow(&self) {
        self.0.allowed.store(true, Ordering::Relaxed);
    }
}

impl Stall {
    pub(super) fn poll(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.waker.register(cx.waker());
        if self.has_happened() { Poll::Ready(()) } else { Poll::Pending }
    }

    pub(super) fn has_happened(&self) -> bool {
        self.happened.load(Ordering::Acquire)
    }

    fn tell(&self) {
        self.happened.store(true, Ordering::Release);
        self.waker.wake();
    }
}

/// A body that keeps a pace.
pub(super) struct Paced<B: Body> {
    body: B,
    link: Arc<Link>,
    /// For trailers.
    strip: Arc<Strip>,
    stall: Arc<Stall>,
    waited: Duration,
    received: u64,
    complete: bool,
    /// For a body that nobody wants: the number of its request on the connection. The next request
    /// begins as soon as the last byte is there, and the meter is then its own.
    unwanted: Option<u32>,
    /// Since when the client is waited for, and until when.
    waiting: Option<Instant>,
    timer: Option<Pin<Box<Sleep>>>,
}

impl<B: Body<Data = Bytes> + Unpin> Paced<B> {
    pub(super) fn new(body: B, link: Arc<Link>, strip: Arc<Strip>, stall: Arc<Stall>) -> Self {
        link.meter.body_is_open();
        Self {
            body,
            link,
            strip,
            stall,
            waited: Duration::ZERO,
            received: 0,
            complete: false,
            unwanted: None,
            waiting: None,
            timer: None,
        }
    }

    pub(super) fn link(&self) -> &Link {
        &self.link
    }

    pub(super) fn is_complete(&self) -> bool {
        self.complete
    }

    /// What was waited so far is counted; nobody waits from now on.
    fn end_wait(&mut self) {
        if let Some(since) = self.waiting.take() {
            self.waited += since.elapsed();
        }
    }

    /// Waits until the client has been too slow.
    fn poll_too_slow(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.stall.allowed.load(Ordering::Relaxed) {
            return Poll::Pending;
        }
        let pace = self.link.server.pace;
        if self.waiting.is_none() {
            let now = Instant::now();
            self.waiting = Some(now);
            let deadline = now + pace.patience(self.waited, self.received);
            match &mut self.timer {
                Some(timer) => timer.as_mut().reset(deadline),
                None => self.timer = Some(Box::pin(tokio::time::sleep_until(deadline))),
            }
        }
        self.timer.as_mut().map_or(Poll::Pending, |timer| timer.as_mut().poll(cx))
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for Paced<B>
where
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Data = Bytes;
    type Error = Box<dyn std::error::Error + Send + Sync>;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = &mut *self;
        let Poll::Ready(mut frame) = Pin::new(&mut this.body).poll_frame(cx) else {
            if !waits(cx) {
                this.end_wait();
                return Poll::Pending;
            }
            ready!(this.poll_too_slow(cx));
            this.stall.tell();
            return Poll::Ready(Some(Err(io::Error::from(io::ErrorKind::TimedOut).into())));
        };
        this.end_wait();
        if let Some(Ok(frame)) = &mut frame {
            if let Some(trailers) = frame.trailers_mut() {
                // A trailer is no way around what no client may say, and no proxy speaks in one.
                this.strip.apply(trailers, false);
            }
            this.received += frame.data_ref().map_or(0, |data| data.len() as u64);
        }
        if !this.complete && (frame.is_none() || this.body.is_end_stream()) {
            this.complete = true;
            this.is_over(true);
        }
        Poll::Ready(frame.map(|frame| frame.map_err(Into::into)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl<B: Body<Data = Bytes> + Unpin> Paced<B>
where
    Self: Body<Data = Bytes>,
{
    /// Reads the rest and forgets it.
    pub(super) async fn read_away(mut self) {
        self.unwanted = Some(self.link.meter.reading().calls);
        while let Some(Ok(_)) = self.frame().await {}
    }
}

impl<B: Body> Paced<B> {
    fn is_over(&self, complete: bool) {
        let meter = &self.link.meter;
        if self.unwanted.is_none_or(|call| call == meter.reading().calls) {
            meter.body_is_over(complete);
        }
    }
}

impl<B: Body> Drop for Paced<B> {
    fn drop(&mut self) {
        if !self.complete {
            self.is_over(self.body.is_end_stream());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_may_pause_for_the_pause_and_must_then_keep_the_rate() {
        let pace = Pace { pause: Duration::from_secs(30), rate: 256 };
        for (waited, received, patience) in
            [(0, 0, 30), (29, 1, 1), (30, 256 * 30, 0), (30, 256 * 40, 10), (30, 256 * 1000, 30), (60, 256 * 59, 0)]
        {
            let left = pace.patience(Duration::from_secs(waited), received);
            assert_eq!(left, Duration::from_secs(patience), "{received} bytes in {waited} s");
        }
    }
}
