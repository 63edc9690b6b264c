//! The one HTTP/2 connection to a target, which all requests share.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use spikard_middleware::{Body, Request};

use super::connection::Connection;
use super::target::Stream;

/// How often a connection with requests in flight is asked whether it still lives.
const PING: Duration = Duration::from_secs(20);

/// Where the connection is kept once there is one.
#[derive(Default)]
pub(super) struct Shared {
    session: Mutex<Option<Session>>,
    /// Held by the one who connects.
    opening: tokio::sync::Mutex<()>,
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
    /// The connection, if it is open.
    pub(super) fn current(&self) -> Option<Session> {
        self.session().as_ref().filter(|session| !session.0.is_closed()).cloned()
    }

    /// Makes the next request open a connection.
    pub(super) fn forget(&self) {
        *self.session() = None;
    }

    /// The open connection, or the one that `connect` makes; it is made once, however many ask.
    /// Where `connect` finds that the target speaks HTTP/1.1 only, that is what comes back.
    pub(super) async fn open<E>(&self, connect: impl Future<Output = Result<Opened, E>>) -> Result<Opened, E> {
        let _turn = self.opening.lock().await;
        if let Some(session) = self.current() {
            return Ok(Opened::Http2(session));
        }
        let opened = connect.await?;
        if let Opened::Http2(session) = &opened {
            *self.session() = Some(session.clone());
        }
        Ok(opened)
    }

    fn session(&self) -> MutexGuard<'_, Option<Session>> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
