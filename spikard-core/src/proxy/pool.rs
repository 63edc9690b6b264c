//! The idle connections of one target. The one used last is used next; the others grow old.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::time::Instant;

use super::connection::Connection;

/// Connections that wait for a request.
pub(super) struct Pool {
    idle: Mutex<Idle>,
    capacity: usize,
    timeout: Duration,
}

#[derive(Default)]
struct Idle {
    /// The oldest first.
    connections: Vec<(Instant, Connection)>,
    swept: bool,
}

/// How often connections that the target has closed are dropped.
const SWEEP: Duration = Duration::from_secs(1);

impl Pool {
    /// A pool of at most `capacity` connections, each of them kept for `timeout`.
    pub(super) fn new(capacity: usize, timeout: Duration) -> Arc<Self> {
        Arc::new(Self { idle: Mutex::default(), capacity, timeout })
    }

    /// The connection that was used last. It may be closed by now: then it says so when used.
    pub(super) fn take(&self) -> Option<Connection> {
        self.lock().connections.pop().map(|(_, connection)| connection)
    }

    /// Keeps a connection for the next request, or closes it if there are enough.
    pub(super) fn put(self: &Arc<Self>, connection: Connection) {
        let mut idle = self.lock();
        if idle.connections.len() >= self.capacity {
            return;
        }
        idle.connections.push((Instant::now(), connection));
        if !std::mem::replace(&mut idle.swept, true) {
            tokio::spawn(sweep(Arc::downgrade(self), self.timeout.min(SWEEP)));
        }
    }

    /// Drops what is too old or closed; whether anything is left.
    fn sweep(&self) -> bool {
        let mut idle = self.lock();
        idle.connections.retain_mut(|(since, connection)| since.elapsed() < self.timeout && connection.settle());
        idle.swept = !idle.connections.is_empty();
        idle.swept
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn sweep(pool: Weak<Pool>, every: Duration) {
    loop {
        tokio::time::sleep(every).await;
        if !pool.upgrade().is_some_and(|pool| pool.sweep()) {
            return;
        }
    }
}
