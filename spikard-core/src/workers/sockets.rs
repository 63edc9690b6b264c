//! The listening sockets of all workers, and their end: no connection is made that nobody takes.

use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::server::{BindError, has_waiting, listen_for_each, refuse_new};

/// How long handshakes under way may take to be finished.
const HANDSHAKES: Duration = Duration::from_millis(250);
/// How long workers may take to accept what waits.
const LONGEST: Duration = Duration::from_secs(1);
const STEP: Duration = Duration::from_millis(10);

/// For each worker, its sockets on all addresses, those of the port that is redirected behind the
/// others.
pub(super) struct Sockets {
    of_each: Vec<Vec<TcpListener>>,
    addresses: Vec<SocketAddr>,
}

impl Sockets {
    /// Listens on every address of `host`.
    pub(super) async fn listen(host: &str, port: u16, redirect: Option<u16>, workers: usize) -> Result<Self, BindError> {
        let mut of_addresses = listen_for_each(host, port, workers).await?;
        let addresses = of_addresses.iter().filter_map(|sockets| sockets.first()?.local_addr().ok()).collect();
        if let Some(redirect) = redirect {
            of_addresses.extend(listen_for_each(host, redirect, workers).await?);
        }
        let mut of_each: Vec<Vec<TcpListener>> = (0..workers).map(|_| Vec::new()).collect();
        for of_address in of_addresses {
            for (sockets, socket) in of_each.iter_mut().zip(of_address) {
                sockets.push(socket);
            }
        }
        Ok(Self { of_each, addresses })
    }

    pub(super) fn of_each(&self) -> &[Vec<TcpListener>] {
        &self.of_each
    }

    /// The addresses of the server, without those that are redirected.
    pub(super) fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Takes no new connections, and waits until the workers have accepted those that were made.
    pub(super) async fn close(&self) {
        let end = Instant::now() + LONGEST;
        let settled = Instant::now() + HANDSHAKES;
        for listener in self.of_each.iter().flatten() {
            refuse_new(listener);
        }
        while Instant::now() < end && (Instant::now() < settled || self.of_each.iter().flatten().any(has_waiting)) {
            sleep(STEP).await;
        }
    }
}
