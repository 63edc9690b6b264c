//! A server without sockets of its own: connections are handed to it, and served as any other.
//!
//! For clients in the same process, which thereby meet everything that a client meets.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use http::uri::Scheme;
use tokio::net::UnixStream;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::connection::{self, Stream};
use super::drain::Drain;
use super::link::Link;
use super::{Live, Settings, Shared};

/// Serves connections that it is handed.
pub struct Local {
    shared: Arc<Shared>,
    seats: Arc<Semaphore>,
    grace: Duration,
}

impl Stream for UnixStream {
    fn discard(&self) {
        // What the peer has not taken is gone with the pair.
    }
}

impl Local {
    /// A server of `live`.
    pub fn new(live: Live, settings: Settings) -> Self {
        let grace = settings.shutdown_timeout;
        let shared = Arc::new(Shared::new(settings, live, Drain::default()));
        let seats = Arc::new(Semaphore::new(shared.connections));
        Self { shared, seats, grace }
    }

    /// Serves one end of a pair; the client, at the other end, counts as one of this machine. False if
    /// there are too many connections. Belongs inside a runtime.
    pub fn serve(&self, stream: UnixStream) -> bool {
        self.serve_as(stream, IpAddr::V4(Ipv4Addr::LOCALHOST), Scheme::HTTP)
    }

    /// The same with a client that counts as one at the address `peer`, which speaks `scheme`.
    pub fn serve_as(&self, stream: UnixStream, peer: IpAddr, scheme: Scheme) -> bool {
        let Ok(seat) = Arc::clone(&self.seats).try_acquire_owned() else { return false };
        self.shared.live.current().service.begin();
        let link = Arc::new(Link::new(Arc::clone(&self.shared), peer, scheme, seat));
        self.shared.drain.spawn_connection(connection::serve(stream, link));
        true
    }

    /// Finishes what is in flight, in the time that the settings give.
    pub async fn end(&self) {
        let drain = &self.shared.drain;
        drain.begin();
        let _ = timeout(self.grace, drain.finished()).await;
        drain.end();
    }
}
