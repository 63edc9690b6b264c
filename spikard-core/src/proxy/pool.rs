//! The idle connections of one target. The one used last is used next; the others grow old.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use super::connection::Connection;

/// Connections that wait for a request.
pub(super) struct Pool {
    idle: Mutex<Idle>,
    capacity: usize,
    /// How often it is looked through, and how many times a connection stays in it.
    beat: Duration,
    beats: u64,
}

#[derive(Default)]
struct Idle {
    /// The oldest first, each with the beat at which it came.
    connections: Vec<(u64, Connection)>,
    beat: u64,
    swept: bool,
}

/// How often connections that the target has closed are dropped.
const SWEEP: Duration = Duration::from_secs(1);

impl Pool {
    /// A pool of at most `capacity` connections, each of them kept for `timeout`.
    pub(super) fn new(capacity: usize, timeout: Duration) -> Arc<Self> {
        let beat = timeout.min(SWEEP).max(Duration::from_millis(1));
        let beats = timeout.as_millis().div_ceil(beat.as_millis()).try_into().unwrap_or(u64::MAX);
        Arc::new(Self { idle: Mutex::default(), capacity, beat, beats })
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
        let since = idle.beat;
        idle.connections.push((since, connection));
        if !std::mem::replace(&mut idle.swept, true) {
            tokio::spawn(sweep(Arc::downgrade(self), self.beat));
        }
    }

    /// Closes the connection that has waited longest; whether there was one.
    pub(super) fn close_oldest(&self) -> bool {
        let mut idle = self.lock();
        !idle.connections.is_empty() && {
            idle.connections.remove(0);
            true
        }
    }

    /// Drops what is too old or closed; whether anything is left.
    fn sweep(&self) -> bool {
        let mut idle = self.lock();
        idle.beat += 1;
        let now = idle.beat;
        idle.connections.retain_mut(|(since, connection)| now - *since <= self.beats && connection.settle());
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
