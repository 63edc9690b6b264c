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

/// For each worker, its sockets on all addresses.
pub(super) struct Sockets(Vec<Vec<TcpListener>>);

impl Sockets {
    /// Listens on every address of `host`.
    pub(super) async fn listen(host: &str, port: u16, workers: usize) -> Result<Self, BindError> {
        let mut of_each: Vec<Vec<TcpListener>> = (0..workers).map(|_| Vec::new()).collect();
        for of_address in listen_for_each(host, port, workers).await? {
            for (sockets, socket) in of_each.iter_mut().zip(of_address) {
                sockets.push(socket);
            }
        }
        Ok(Self(of_each))
    }

    pub(super) fn of_each(&self) -> &[Vec<TcpListener>] {
        &self.0
    }

    pub(super) fn addresses(&self) -> Vec<SocketAddr> {
        self.0.first().into_iter().flatten().filter_map(|listener| listener.local_addr().ok()).collect()
    }

    /// Takes no new connections, and waits until the workers have accepted those that were made.
    pub(super) async fn close(&self) {
        let end = Instant::now() + LONGEST;
        let settled = Instant::now() + HANDSHAKES;
        for listener in self.0.iter().flatten() {
            refuse_new(listener);
        }
        while Instant::now() < end && (Instant::now() < settled || self.0.iter().flatten().any(has_waiting)) {
            sleep(STEP).await;
        }
    }
}
