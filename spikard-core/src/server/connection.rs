//! A connection from its first byte: which protocol it speaks, then that protocol's driver.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::link::Link;
use super::metered::Metered;
use super::transport::Transport;
use super::{http1, http2, tls};

/// What a client that speaks HTTP/2 without negotiation sends first (RFC 9113 section 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// What both drivers ask of a byte stream.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin + 'static {
    /// Makes the coming close a reset, which throws away what the peer has not taken.
    fn discard(&self);
}

impl Stream for TcpStream {
    fn discard(&self) {
        // It fails where the connection is gone, and everything with it.
        let _ = self.set_zero_linger();
    }
}

/// Serves a connection of the network until it ends.
pub(super) async fn serve_tcp(stream: TcpStream, link: Arc<Link>) {
    match link.server.tls() {
        // In a box: it takes more room than a connection that waits for a request.
        Some(tls) => Box::pin(tls::serve(stream, &tls, link)).await,
        None => serve(stream, link).await,
    }
}

/// Serves a connection without TLS until it ends.
pub(super) async fn serve(stream: impl Stream, link: Arc<Link>) {
    let mut transport = Transport::new(Metered::new(stream, &link), Arc::clone(&link));
    if !wait_for_bytes(&mut transport, &link).await {
        return;
    }
    let protocol = poll_fn(|cx| protocol_of(&mut transport, cx));
    match timeout(link.server.times.head, protocol).await {
        Ok(Some(protocol)) => serve_as(protocol, transport, link).await,
        Ok(None) => {}
        Err(_) => http1::refuse_slow_head(transport, &link).await,
    }
}

/// Serves a connection whose protocol is known. Its first bytes lie ahead in the transport.
pub(super) async fn serve_as<S: Stream>(protocol: Protocol, transport: Transport<S>, link: Arc<Link>) {
    match protocol {
        Protocol::Http1 => http1::serve(transport, link).await,
        Protocol::Http2 => http2::serve(transport, link).await,
    }
}

/// Waits on a connection without a request: until bytes come (true), or it is to be closed. No
/// buffer is held meanwhile. When the server drains, a client that was heard of a moment ago may
/// have a request on its way: it is given another moment.
pub(super) async fn wait_for_bytes<S: Stream>(transport: &mut Transport<S>, link: &Link) -> bool {
    let server = &link.server;
    let moment = Instant::now() + server.beat;
    let drained = async {
        server.drain.begun().await;
        sleep_until(moment).await;
    };
    tokio::select! {
        // Bytes that are there already are a request that deserves its answer.
        biased;
        filled = poll_fn(|cx| transport.poll_fill(cx)) => filled.unwrap_or(false),
        () = drained => false,
        () = sleep(server.times.idle) => false,
    }
}

/// What is spoken on a connection.
pub(super) enum Protocol {
    Http1,
    Http2,
}

/// Reads until the protocol is clear. None at the end of the stream.
fn protocol_of<S: Stream>(transport: &mut Transport<S>, cx: &mut Context<'_>) -> Poll<Option<Protocol>> {
    loop {
        let seen = &transport.ahead()[..transport.ahead().len().min(PREFACE.len())];
        if !PREFACE.starts_with(seen) {
            return Poll::Ready(Some(Protocol::Http1));
        }
        if seen.len() == PREFACE.len() {
            return Poll::Ready(Some(Protocol::Http2));
        }
        if !ready!(transport.poll_fill(cx)).unwrap_or(false) {
            return Poll::Ready(None);
        }
    }
}
