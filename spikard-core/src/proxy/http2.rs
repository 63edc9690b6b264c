//! The one HTTP/2 connection to a target, which all requests share.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use spikard_middleware::{Body, Request};
use tokio::time::{Instant, sleep_until, timeout};

use super::connection::Connection;
use super::target::Stream;

/// How often a connection with requests in flight is asked whether it still lives.
const PING: Duration = Duration::from_secs(20);

/// Where the connection is kept once there is one.
pub(super) struct Shared {
    kept: Mutex<Option<Kept>>,
    /// Held by the one who connects.
    opening: tokio::sync::Mutex<()>,
    timeout: Duration,
}

struct Kept {
    session: Session,
    used: Instant,
}

/// A new connection, of the version that the target agreed to.
pub(super) enum Opened {
    Http1(Connection),
    Http2(Session),
}

/// A handle of the connection.
#[derive(Clone)]
pub(super) struct Session(SendRequest<Body>);

impl Session {
    /// Speaks HTTP/2 over a stream. A task drives the connection for as long as handles exist.
    ///
    /// # Errors
    /// When the other side does not speak HTTP/2.
    pub(super) async fn open(stream: Stream) -> hyper::Result<Self> {
        let mut builder = Builder::new(TokioExecutor::new());
        builder.timer(TokioTimer::new()).keep_alive_interval(PING).adaptive_window(true);
        let (sender, driver) = builder.handshake(stream).await?;
        // How it ended, the requests in flight are told.
        tokio::spawn(async move { drop(driver.await) });
        Ok(Self(sender))
    }

    /// Sends a request and waits for the head of the answer.
    ///
    /// # Errors
    /// When the connection breaks; the error holds the request if nothing of it was sent.
    pub(super) async fn exchange(mut self, request: Request) -> Result<http::Response<Incoming>, TrySendError<Request>> {
        self.0.try_send_request(request).await
    }
}

impl Shared {
    /// A place for a connection that is given up when no request has used it for `timeout`.
    pub(super) fn new(timeout: Duration) -> Arc<Self> {
        Arc::new(Self { kept: Mutex::default(), opening: tokio::sync::Mutex::default(), timeout })
    }

    /// The connection, if it is open.
    pub(super) fn current(&self) -> Option<Session> {
        let mut kept = self.kept();
        let kept = kept.as_mut().filter(|kept| !kept.session.0.is_closed())?;
        kept.used = Instant::now();
        Some(kept.session.clone())
    }

    /// Makes the next request open a connection. What is in flight on this one goes on.
    pub(super) fn forget(&self) {
        *self.kept() = None;
    }

    /// The open connection, or the one that `connect` makes; it is made once, however many ask.
    /// Where `connect` finds that the target speaks HTTP/1.1 only, that is what comes back. None: it
    /// took longer than `limit`, whoever connected.
    pub(super) async fn open<E>(
        self: &Arc<Self>,
        limit: Duration,
        connect: impl Future<Output = Result<Opened, E>>,
    ) -> Option<Result<Opened, E>> {
        let opening = async {
            let _turn = self.opening.lock().await;
            if let Some(session) = self.current() {
                return Ok(Opened::Http2(session));
            }
            let opened = connect.await?;
            if let Opened::Http2(session) = &opened {
                *self.kept() = Some(Kept { session: session.clone(), used: Instant::now() });
                tokio::spawn(grow_old(Arc::downgrade(self), self.timeout));
            }
            Ok(opened)
        };
        timeout(limit, opening).await.ok()
    }

    fn kept(&self) -> MutexGuard<'_, Option<Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Forgets the connection when it was not used for `timeout`.
async fn grow_old(shared: Weak<Shared>, timeout: Duration) {
    let mut deadline = Instant::now() + timeout;
    loop {
        sleep_until(deadline).await;
        let Some(shared) = shared.upgrade() else { return };
        let mut kept = shared.kept();
        match kept.as_ref().map(|kept| kept.used + timeout) {
            Some(later) if later > deadline => deadline = later,
            _ => {
                *kept = None;
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_waits_for_anothers_connection_waits_no_longer_than_for_its_own() {
        let limit = Duration::from_secs(5);
        let shared = Shared::new(limit);
        let start = Instant::now();
        let opened = futures_util::future::join_all((0..9).map(|_| shared.open(limit, pending::<Result<Opened, ()>>())));
        assert!(opened.await.iter().all(Option::is_none));
        assert!(start.elapsed() < 2 * limit);
    }
}
