//! One HTTP/1.1 connection to a target, driven by the request that uses it.
//!
//! hyper leaves it to its caller to poll a connection. The customary task per connection costs a
//! switch of tasks per message; here the request polls the connection itself, so that a request
//! that is dropped takes its connection along, and the upstream sees at once that nobody waits.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use hyper::client::conn::http1::{self, SendRequest};
use spikard_middleware::{Body, Request};
use tokio::sync::oneshot;
use tokio::task::AbortHandle;
use tokio::task::coop::unconstrained;
use tokio::time::Instant;

use super::alarm::Alarm;
use super::balance::Lease;
use super::failure::Chain;
use super::guard::Socket;
use super::pool::Pool;
use super::relay::Relay;
use super::target::Stream;
use super::upload::{Progress, within};
use super::wire::Unanswered;

/// What polls the socket.
type Driver = Pin<Box<dyn Future<Output = hyper::Result<()>> + Send>>;

/// A connection that serves one request after the other.
pub(super) struct Connection {
    sender: SendRequest<Body>,
    /// None once the connection is closed.
    driver: Option<Driver>,
    relay: Relay,
    alarm: Alarm,
    /// The limit that the alarm was last set for.
    limit: Duration,
    unanswered: Unanswered,
    /// Where connections are counted. The last to go.
    socket: Option<Socket>,
}

/// The head of an answer, or why there is none; the error holds the request if nothing of it was
/// sent.
pub(super) type Answered = Result<http::Response<Incoming>, TrySendError<Request>>;

/// The head of an answer that is waited for. Boxed, because it has room for a request, and each
/// future that it is handed to would move that.
pub(super) type Head = Pin<Box<dyn Future<Output = Answered> + Send>>;

impl Connection {
    /// Speaks HTTP/1.1 over a stream.
    ///
    /// # Errors
    /// When hyper does not want to.
    pub(super) async fn open(mut stream: Stream, socket: Option<Socket>) -> hyper::Result<Self> {
        let unanswered = stream.inner_mut().remember();
        let (sender, driver) = http1::handshake(stream).await?;
        let driver: Driver = Box::pin(driver.with_upgrades());
        Ok(Self {
            sender,
            driver: Some(driver),
            relay: Relay::new(),
            alarm: Alarm::default(),
            limit: Duration::ZERO,
            unanswered,
            socket,
        })
    }

    /// Sends a request as soon as its answer is waited for with `receive`.
    pub(super) fn send(&mut self, request: Request) -> Head {
        self.unanswered.begin();
        // The answer comes out of `drive` and nowhere else, so nothing has to wake us for it; and
        // since nothing would, tokio's budget must not hold it back.
        Box::pin(unconstrained(self.sender.try_send_request(request)))
    }

    /// Waits for the head of the answer to a request. None: the target has had its turn for longer
    /// than `limit`.
    pub(super) async fn receive(&mut self, mut head: Head, limit: Duration, upload: Option<&Progress>) -> Option<Answered> {
        // It goes off no earlier than it was set for.
        if limit < self.limit {
            self.alarm = Alarm::default();
        }
        self.limit = limit;
        let Self { driver, relay, alarm, .. } = self;
        let since = Instant::now();
        let mut answered = None;
        let mut step = |cx: &mut Context<'_>| {
            drive(driver, cx);
            if let Poll::Ready(head) = head.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                answered = Some(head);
                return Poll::Ready(());
            }
            alarm.poll(cx, || upload.map_or(since, Progress::since) + limit)
        };
        poll_fn(|cx| relay.poll(cx, &mut step)).await;
        answered
    }

    /// The request that was sent last, if nothing of an answer to it has come. Ends the connection.
    pub(super) fn unanswered(&mut self) -> Option<Request> {
        self.driver = None;
        self.unanswered.request()
    }

    /// Whether anything of an answer to the request that was sent last has come.
    pub(super) fn is_answering(&self) -> bool {
        self.unanswered.is_heard()
    }

    /// Gives up the answer to the last request, and keeps the connection if that was all there is.
    pub(super) fn give_up_answer(mut self, pool: &Arc<Pool>) {
        if self.settle() {
            pool.put(self);
        }
    }

    /// Ends what the last exchange left to do, and says whether the connection can take another.
    pub(super) fn settle(&mut self) -> bool {
        self.relay.run(&mut |cx: &mut Context<'_>| drive(&mut self.driver, cx));
        self.is_ready()
    }

    fn is_ready(&self) -> bool {
        self.driver.is_some() && self.sender.is_ready()
    }

    /// The body of an answer of this connection, which brings the connection back to the pool of its
    /// target once it is read. `upload`: the request's body, if it is still on its way; once the answer is
    /// out, the upstream has at most `limit` to take what there is of it.
    pub(super) fn body(self, incoming: Incoming, lease: Lease, upload: Option<Progress>, limit: Duration) -> Body {
        if self.is_ready() {
            // What there is of the body was read together with the head.
            lease.pool.put(self);
            return if incoming.is_end_stream() { Body::empty() } else { Body::new(incoming) };
        }
        let source = match upload {
            Some(upload) => self.spawn(lease, upload, limit),
            None => Source::Connection(self, lease),
        };
        Body::new(Download { incoming, source })
    }

    /// Drives the connection on its own: a client that does not read what we send it must not
    /// keep us from sending what it uploads, nor must the end of the answer.
    fn spawn(mut self, lease: Lease, upload: Progress, limit: Duration) -> Source {
        let (answered, is_answered) = oneshot::channel();
        let task = async move {
            {
                let mut driven = pin!(poll_fn(|cx| {
                    drive(&mut self.driver, cx);
                    if self.driver.is_none() || self.is_ready() { Poll::Ready(()) } else { Poll::Pending }
                }));
                tokio::select! {
                    () = &mut driven => {}
                    _ = is_answered => drop(within(limit, Some(&upload), driven).await),
                }
            }
            if self.is_ready() {
                lease.pool.put(self);
            }
        };
        Source::Task { task: tokio::spawn(task).abort_handle(), _answered: answered }
    }

    /// Waits for the switch of protocols that an answer has announced. The connection goes on, and
    /// counts for as long as what comes back is held.
    pub(super) async fn switched(self) -> Option<Socket> {
        if let Some(driver) = self.driver {
            // How it ended, the one who waits for the upgrade is told.
            let _ = driver.await;
        }
        self.socket
    }
}

/// Polls the connection; drops it when it ends, whereby whoever waits for it is told.
fn drive(driver: &mut Option<Driver>, cx: &mut Context<'_>) {
    if driver.as_mut().is_some_and(|driver| driver.as_mut().poll(cx).is_ready()) {
        *driver = None;
    }
}

/// The body of an answer while its connection is busy with it.
struct Download {
    incoming: Incoming,
    source: Source,
}

enum Source {
    Connection(Connection, Lease),
    /// Dropping the second tells the task that the answer is out.
    Task {
        task: AbortHandle,
        _answered: oneshot::Sender<()>,
    },
    Done,
}

impl Drop for Download {
    fn drop(&mut self) {
        // Nobody waits for the answer any more. Once it is out, the upload may still go on.
        if let Source::Task { task, .. } = &self.source
            && !self.incoming.is_end_stream()
        {
            task.abort();
        }
    }
}

impl Download {
    fn next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let Self { incoming, source } = self;
        let mut incoming = Pin::new(incoming);
        let Source::Connection(connection, _) = source else { return incoming.poll_frame(cx) };
        let Connection { driver, relay, .. } = connection;
        let mut noop = Context::from_waker(Waker::noop());
        if let Poll::Ready(frame) = incoming.as_mut().poll_frame(&mut noop) {
            return Poll::Ready(frame);
        }
        relay.poll(cx, |cx| {
            drive(driver, cx);
            incoming.as_mut().poll_frame(&mut noop)
        })
    }

    fn end(&mut self) {
        if let Source::Connection(mut connection, lease) = std::mem::replace(&mut self.source, Source::Done)
            && connection.settle()
        {
            lease.pool.put(connection);
        }
    }
}

impl HttpBody for Download {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let frame = self.next(cx);
        if let Poll::Ready(Some(Err(error))) = &frame {
            tracing::warn!("answer of an upstream broke off: {}", Chain(error));
        }
        // Nobody polls again after the last frame of a body of known length.
        if matches!(frame, Poll::Ready(None)) || (frame.is_ready() && self.incoming.is_end_stream()) {
            self.end();
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
