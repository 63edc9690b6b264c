//! The end of a server in three steps: it leaves (it says so, and goes on), drains (no new work, finish
//! what is in flight), and ends.
//!
//! Connections are counted here, and so are tunnels: a WebSocket that was upgraded is no longer
//! hyper's, but it is still in flight.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The state of a server that may be ending. An extension of every request that asks for an
/// upgrade, and of gRPC calls; [`Server::drain`](super::Server::drain) hands it out too.
#[derive(Clone, Default)]
pub struct Drain(Arc<Inner>);

#[derive(Default)]
struct Inner {
    stage: AtomicU8,
    begun: CancellationToken,
    ended: CancellationToken,
    tasks: TaskTracker,
}

const LEAVING: u8 = 1;
const DRAINING: u8 = 2;
const ENDED: u8 = 3;

impl Drain {
    /// Runs a task that the server waits for when it drains, and that is dropped when it ends.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let ended = self.0.ended.clone();
        self.0.tasks.spawn(async move {
            ended.run_until_cancelled_owned(task).await;
        });
    }

    /// Waits until the server drains: the moment to say goodbye to a peer.
    pub async fn begun(&self) {
        self.0.begun.cancelled().await;
    }

    /// Whether the server was told to stop, and drains now or soon: no connection should stay longer
    /// than it has to.
    pub fn is_leaving(&self) -> bool {
        self.0.stage.load(Ordering::Relaxed) >= LEAVING
    }

    /// Whether the server drains.
    pub fn has_begun(&self) -> bool {
        // Not the token: asking that takes a lock, and this is asked once per request.
        self.0.stage.load(Ordering::Relaxed) >= DRAINING
    }

    /// Runs a connection. It ends by itself, soon after [`Drain::has_ended`].
    pub(super) fn spawn_connection(&self, connection: impl Future<Output = ()> + Send + 'static) {
        self.0.tasks.spawn(connection);
    }

    pub(super) fn has_ended(&self) -> bool {
        self.0.stage.load(Ordering::Relaxed) >= ENDED
    }

    pub(super) fn leave(&self) {
        self.0.stage.fetch_max(LEAVING, Ordering::Relaxed);
    }

    pub(crate) fn begin(&self) {
        self.0.stage.fetch_max(DRAINING, Ordering::Relaxed);
        self.0.begun.cancel();
        self.0.tasks.close();
    }

    pub(super) fn end(&self) {
        self.0.stage.fetch_max(ENDED, Ordering::Relaxed);
        self.0.begun.cancel();
        self.0.ended.cancel();
    }

    /// Waits until nothing is in flight, after [`Drain::begin`].
    pub(super) async fn finished(&self) {
        self.0.tasks.wait().await;
    }

    pub(super) fn in_flight(&self) -> usize {
        self.0.tasks.len()
    }
}
