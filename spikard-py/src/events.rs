//! What a stream of server-sent events has beside its events (WHATWG HTML section 9.2): comments
//! that keep it open while there are none, and an end when the server ends.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::watch;
use tokio::time::{Instant, Sleep, sleep_until};

/// A line that no client takes for an event.
const COMMENT: Bytes = Bytes::from_static(b": keep-alive\n\n");

/// Whether the server ends; streams of events are told, since their handlers would never do.
pub(crate) struct Closing(watch::Sender<bool>);

impl Closing {
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(false))
    }

    /// Asks all streams of events to end, and those that are still to come.
    pub(crate) fn begin(&self) {
        self.0.send_replace(true);
    }

    fn begun(&self) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let mut closing = self.0.subscribe();
        Box::pin(async move {
            // It fails when the server is gone: the end as well.
            let _ = closing.wait_for(|closing| *closing).await;
        })
    }
}

/// What a stream does while it waits for its handler.
pub(crate) struct Pulse {
    interval: Duration,
    /// Made when it is first waited for, inside of tokio.
    sleep: Option<Pin<Box<Sleep>>>,
    closing: Pin<Box<dyn Future<Output = ()> + Send>>,
    is_closing: bool,
}

/// What has become due.
pub(crate) enum Due {
    Comment(Bytes),
    Close,
}

impl Pulse {
    pub(crate) fn new(interval: Duration, closing: &Closing) -> Self {
        Self { interval, sleep: None, closing: closing.begun(), is_closing: false }
    }

    /// Notes that something was sent.
    pub(crate) fn sent(&mut self) {
        let next = self.next();
        if let Some(sleep) = &mut self.sleep {
            sleep.as_mut().reset(next);
        }
    }

    /// What is due while the handler has nothing to send. The end comes once.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Due> {
        if self.is_closing {
            return Poll::Pending;
        }
        if self.closing.as_mut().poll(cx).is_ready() {
            self.is_closing = true;
            return Poll::Ready(Due::Close);
        }
        let next = self.next();
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep_until(next)));
        std::task::ready!(sleep.as_mut().poll(cx));
        sleep.as_mut().reset(next);
        Poll::Ready(Due::Comment(COMMENT))
    }

    fn next(&self) -> Instant {
        Instant::now() + self.interval
    }
}
