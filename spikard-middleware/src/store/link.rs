//! What is known of a store at the moment, between those who ask it and the one who keeps the
//! connection (see [`super::keeper`]).

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use redis::RedisError;
use tokio::sync::{Notify, watch};

use super::connection::Connection;

/// What is known of a store.
pub(super) struct Link {
    state: watch::Sender<State>,
    /// The last failure that the keeper does not know of yet, and the number of its connection.
    failure: Mutex<Option<(u64, Failure)>>,
    /// There is a failure, or an answer has not come in time.
    doubt: Notify,
    /// Whether it does its work: an open connection alone does not say so.
    serves: AtomicBool,
    /// Where it is, for the log.
    pub(super) shown: String,
}

enum State {
    /// Nobody has tried yet, or the first try is not over.
    Unknown {
        begun: bool,
    },
    Up {
        connection: Connection,
        number: u64,
    },
    Away,
}

/// Why a connection is of no use any more.
pub(super) struct Failure {
    /// For the log.
    pub(super) reason: String,
    /// Whether the store has answered, and does not do what it is asked to.
    pub(super) is_refusal: bool,
}

impl Failure {
    /// A connection that broke, or could not be made.
    pub(super) fn broken(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), is_refusal: false }
    }
}

impl Link {
    pub(super) fn new(shown: String) -> Self {
        Self {
            state: watch::Sender::new(State::Unknown { begun: false }),
            failure: Mutex::default(),
            doubt: Notify::new(),
            serves: AtomicBool::new(true),
            shown,
        }
    }

    /// Whether somebody has begun to keep the connection.
    pub(super) fn has_begun(&self) -> bool {
        !matches!(*self.state.borrow(), State::Unknown { begun: false })
    }

    /// The connection and its number; none if the store is away. Waits for the first try only.
    pub(super) async fn connection(&self) -> Option<(Connection, u64)> {
        if matches!(*self.state.borrow(), State::Unknown { .. }) {
            let mut changes = self.state.subscribe();
            changes.wait_for(|state| !matches!(state, State::Unknown { .. })).await.ok()?;
        }
        match &*self.state.borrow() {
            State::Up { connection, number } => Some((connection.clone(), *number)),
            State::Unknown { .. } | State::Away => None,
        }
    }

    /// The keeper begins.
    pub(super) fn begin(&self) {
        self.state.send_replace(State::Unknown { begun: true });
    }

    /// There is a connection.
    pub(super) fn up(&self, connection: Connection, number: u64) {
        self.state.send_replace(State::Up { connection, number });
    }

    /// There is none. The first of several failures is told.
    pub(super) fn away(&self, failure: &Failure) {
        self.state.send_replace(State::Away);
        if self.serves.swap(false, Ordering::Relaxed) {
            tracing::warn!(store = self.shown, "the store is away, `on_error` decides: {}", failure.reason);
        }
    }

    /// The store does its work. After a failure this is told.
    pub(super) fn answered(&self) {
        // Reading alone does not take the cache line from other threads.
        if !self.serves.load(Ordering::Relaxed) && !self.serves.swap(true, Ordering::Relaxed) {
            tracing::info!(store = self.shown, "the store is there again");
        }
    }

    /// Whether the store has done its work since it was last away.
    pub(super) fn serves(&self) -> bool {
        self.serves.load(Ordering::Relaxed)
    }

    /// An answer did not come in time.
    pub(super) fn late(&self) {
        self.doubt.notify_one();
    }

    /// Something asked over a connection has failed. From then on nobody tries it again, unless
    /// there are several nodes behind it.
    pub(super) fn failed(&self, number: u64, connection: &Connection, error: &RedisError) {
        if let Connection::Node(_) = connection {
            self.state.send_if_modified(|state| {
                let is_this = matches!(state, State::Up { number: current, .. } if *current == number);
                if is_this {
                    *state = State::Away;
                }
                is_this
            });
        }
        let failure = Failure { reason: error.to_string(), is_refusal: error.code().is_some() };
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some((number, failure));
        self.doubt.notify_one();
    }

    /// Waits until there is a reason to look at the connection of this number, and gives what is
    /// known of it.
    pub(super) async fn doubted(&self, number: u64) -> Option<Failure> {
        self.doubt.notified().await;
        let told = self.failure.lock().unwrap_or_else(PoisonError::into_inner).take();
        told.filter(|(of, _)| *of == number).map(|(_, failure)| failure)
    }
}
