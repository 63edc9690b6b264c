//! Runs the streams of HTTP/2 connections, and resets one whose client takes no bytes.
//!
//! On HTTP/2 the client opens a window per stream, so a stalled response shows nowhere on the
//! socket: it shows in that hyper asks a body for no more although the last piece was there.

use std::cell::Cell;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::rt::Executor;
use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep};

/// Spawns the streams of a connection.
#[derive(Debug, Clone, Copy)]
pub(super) struct Streams {
    /// How long a client may take nothing.
    pub(super) write: Duration,
}

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for Streams {
    fn execute(&self, stream: F) {
        tokio::spawn(Watched { stream, write: self.write, state: Offer::Nothing, timer: None });
    }
}

/// What a response body last did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Offer {
    Nothing,
    /// It gave a piece that hyper is to send.
    Piece,
    /// It has nothing to give yet.
    Wait,
}

thread_local! {
    /// What the body of the stream that is being polled did in this poll.
    static OFFER: Cell<Offer> = const { Cell::new(Offer::Nothing) };
}

/// Notes what a response body answered when it was asked.
pub(super) fn note<T>(asked: &Poll<Option<T>>) {
    OFFER.set(if matches!(asked, Poll::Ready(Some(_))) { Offer::Piece } else { Offer::Wait });
}

pin_project! {
    struct Watched<F> {
        #[pin]
        stream: F,
        write: Duration,
        state: Offer,
        timer: Option<Pin<Box<Sleep>>>,
    }
}

impl<F: Future<Output = ()>> Future for Watched<F> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        OFFER.set(Offer::Nothing);
        if this.stream.poll(cx).is_ready() {
            return Poll::Ready(());
        }
        let offered = OFFER.get();
        if offered != Offer::Nothing {
            *this.state = offered;
        }
        if *this.state != Offer::Piece {
            return Poll::Pending;
        }
        let timer = this.timer.get_or_insert_with(|| Box::pin(sleep(*this.write)));
        if offered == Offer::Piece {
            timer.as_mut().reset(Instant::now() + *this.write);
        }
        // Dropping the stream resets it.
        timer.as_mut().poll(cx)
    }
}
