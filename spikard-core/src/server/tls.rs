//! The handshake of TLS: from a connection of the network to the bytes of HTTP.

use std::io;
use std::sync::Arc;

use rustls::HandshakeKind;
use spikard_middleware::problem::BAD_REQUEST;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tokio_rustls::server::TlsStream;

use super::connection::{Protocol, Stream, serve_as, wait_for_bytes};
use super::http1;
use super::link::Link;
use super::metered::Metered;
use super::transport::Transport;
use super::watch::LINGER;
use crate::tls::Tls;

type Secured = TlsStream<Metered<TcpStream>>;

impl Stream for Secured {
    fn discard(&self) {
        self.get_ref().0.discard();
    }
}

/// Serves a connection that begins with a handshake, until it ends.
pub(super) async fn serve(stream: TcpStream, tls: &Tls, link: Arc<Link>) {
    let server = &link.server;
    let drained = async {
        server.drain.begun().await;
        sleep(LINGER).await;
    };
    let opened = tokio::select! {
        opened = timeout(server.times.handshake, open(stream, tls, &link)) => opened,
        // Who has not even begun to ask is not waited for.
        () = drained => return,
    };
    let handshakes = tls.handshakes();
    match opened {
        Ok(Ok(Opened::Secured(stream))) => {
            let is_resumed = stream.get_ref().1.handshake_kind() == Some(HandshakeKind::Resumed);
            if is_resumed {
                handshakes.resumed.inc()
            } else {
                handshakes.full.inc()
            };
            serve_secured(*stream, tls, link).await;
        }
        Ok(Ok(Opened::Plain(stream))) => {
            handshakes.plain.inc();
            refuse_plain(stream, link).await;
        }
        Ok(Err(error)) => {
            handshakes.failed.inc();
            tracing::debug!(peer = %link.peer, "handshake failed: {error}");
        }
        Err(_) => {
            handshakes.late.inc();
            tracing::debug!(peer = %link.peer, "handshake takes too long");
        }
    }
}

/// What a connection turned out to be.
enum Opened {
    Secured(Box<Secured>),
    /// The client speaks HTTP without TLS.
    Plain(TcpStream),
}

async fn open(stream: TcpStream, tls: &Tls, link: &Arc<Link>) -> io::Result<Opened> {
    let mut first = [0];
    // A handshake begins with 22; what begins with a capital letter is the method of a request.
    if stream.peek(&mut first).await? == 1 && first[0].is_ascii_uppercase() {
        return Ok(Opened::Plain(stream));
    }
    let secured = tls.acceptor().accept(Metered::new(stream, link)).await?;
    Ok(Opened::Secured(Box::new(secured)))
}

async fn serve_secured(stream: Secured, tls: &Tls, link: Arc<Link>) {
    let session = stream.get_ref().1;
    let protocol = if session.alpn_protocol() == Some(b"h2") { Protocol::Http2 } else { Protocol::Http1 };
    if let Some(certificate) = session.peer_certificates().and_then(|chain| chain.first()) {
        match tls.shown(certificate) {
            Ok(shown) => link.shows(shown),
            Err(error) => {
                tracing::warn!(peer = %link.peer, "connection closed: the client's certificate cannot be read: {error}");
                return;
            }
        }
    }
    let mut transport = Transport::new(stream, Arc::clone(&link));
    if wait_for_bytes(&mut transport, &link).await {
        serve_as(protocol, transport, link).await;
    } else {
        transport.close().await;
    }
}

/// Tells a client that this is the wrong port, in a way that people can read.
async fn refuse_plain(stream: TcpStream, link: Arc<Link>) {
    let mut transport = Transport::new(Metered::new(stream, &link), Arc::clone(&link));
    if wait_for_bytes(&mut transport, &link).await {
        http1::refuse(transport, &link, BAD_REQUEST, "this port takes HTTPS, the request came without TLS").await;
    }
}
