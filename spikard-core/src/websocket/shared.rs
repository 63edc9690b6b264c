//! What the task of a connection and its handler share: messages that have come, messages that are
//! to go, and the end.
//!
//! Neither direction is unbounded: the socket is read while less than [`AHEAD`] waits for the
//! handler, and the handler waits while the send queue is full.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::close::{Close, GOING_AWAY};
use super::message::Message;

/// How many bytes are received ahead of the handler.
const AHEAD: usize = 64 << 10;
/// What a message costs beside its bytes.
const OVERHEAD: usize = 64;
/// How many pings wait for their answers.
const PONGS: usize = 64;

/// The two directions of a connection, and its end.
#[derive(Debug)]
pub(super) struct Shared {
    state: Mutex<State>,
    queue: usize,
    /// There is something to receive, or nothing any more.
    arrived: Notify,
    /// There is room in the send queue, or no need for any.
    room: Notify,
    /// The handler took what was received.
    taken: Notify,
    /// There is something to send.
    pending: Notify,
}

#[derive(Debug, Default)]
struct State {
    received: VecDeque<Message>,
    received_size: usize,
    outgoing: Outgoing,
    /// What is on its way to the socket counts until it is there.
    queued: usize,
    /// Why nothing more is received or sent.
    end: Option<Close>,
    close_is_sent: bool,
}

/// What is to be sent: pongs go before messages, the close frame behind them.
#[derive(Debug, Default)]
pub(super) struct Outgoing {
    pub(super) ping: bool,
    /// The answers to pings. Where there are too many, the earliest need none (RFC 6455 section 5.5.3).
    pub(super) pongs: VecDeque<Vec<u8>>,
    pub(super) messages: VecDeque<Message>,
    pub(super) close: Option<Close>,
}

impl Outgoing {
    fn is_empty(&self) -> bool {
        !self.ping && self.pongs.is_empty() && self.messages.is_empty() && self.close.is_none()
    }
}

fn size(message: &Message) -> usize {
    message.bytes().len() + OVERHEAD
}

/// The handler's side.
impl Shared {
    pub(super) fn new(queue: usize) -> Self {
        Self {
            state: Mutex::default(),
            queue,
            arrived: Notify::new(),
            room: Notify::new(),
            taken: Notify::new(),
            pending: Notify::new(),
        }
    }

    /// The next message, if there is one.
    ///
    /// # Errors
    /// When there is none and will be none.
    pub(super) fn receive(&self) -> Result<Option<Message>, Close> {
        let mut state = self.state();
        let Some(message) = state.received.pop_front() else {
            return state.end.clone().map_or(Ok(None), Err);
        };
        let was_full = state.received_size >= AHEAD;
        state.received_size -= size(&message);
        if was_full && state.received_size < AHEAD {
            self.taken.notify_one();
        }
        Ok(Some(message))
    }

    /// Waits until [`Shared::receive`] says something.
    pub(super) async fn readable(&self) {
        wait(&self.arrived, || {
            let state = self.state();
            !state.received.is_empty() || state.end.is_some()
        })
        .await;
    }

    /// Puts a message in the send queue; gives it back if that is full.
    ///
    /// # Errors
    /// When the connection is closed.
    pub(super) fn send(&self, message: Message) -> Result<Option<Message>, Close> {
        let mut state = self.state();
        if let Some(end) = &state.end {
            return Err(end.clone());
        }
        if state.queued >= self.queue {
            return Ok(Some(message));
        }
        state.queued += size(&message);
        state.outgoing.messages.push_back(message);
        self.pending.notify_one();
        Ok(None)
    }

    /// Waits until there is room in the send queue, or the connection is closed.
    pub(super) async fn writable(&self) {
        wait(&self.room, || {
            let state = self.state();
            state.queued < self.queue || state.end.is_some()
        })
        .await;
    }

    /// Closes behind what is in the send queue. The first close counts.
    pub(super) fn close(&self, close: Close) {
        let mut state = self.state();
        if state.end.is_none() {
            state.outgoing.close = Some(close.clone());
            self.pending.notify_one();
            self.end_with(&mut state, close);
        }
    }

    /// Why it ended.
    pub(super) fn end(&self) -> Option<Close> {
        self.state().end.clone()
    }
}

/// The side of the connection's task.
impl Shared {
    /// Hands over a message that has come. None is wanted after the end.
    pub(super) fn deliver(&self, message: Message) {
        let mut state = self.state();
        if state.end.is_none() {
            state.received_size += size(&message);
            state.received.push_back(message);
            self.arrived.notify_waiters();
        }
    }

    /// Waits until the handler has taken so much that more can be read. Nobody takes anything after
    /// the end, and what is read then is thrown away.
    pub(super) async fn wanted(&self) {
        wait(&self.taken, || {
            let state = self.state();
            state.received_size < AHEAD || state.end.is_some()
        })
        .await;
    }

    /// Asks for a ping.
    pub(super) fn ping(&self) {
        self.state().outgoing.ping = true;
        self.pending.notify_one();
    }

    /// Answers a ping.
    pub(super) fn pong(&self, content: Vec<u8>) {
        let mut state = self.state();
        let pongs = &mut state.outgoing.pongs;
        if pongs.len() == PONGS {
            pongs.pop_front();
        }
        pongs.push_back(content);
        self.pending.notify_one();
    }

    /// The peer has closed: it gets its own code back (RFC 6455 section 5.5.1), unless our close frame
    /// crossed its.
    pub(super) fn closed_by_peer(&self, close: Close) {
        let mut state = self.state();
        if !state.close_is_sent && state.outgoing.close.is_none() {
            state.outgoing.messages.clear();
            state.outgoing.close = Some(Close::new(close.code, ""));
            self.pending.notify_one();
        }
        self.end_with(&mut state, close);
    }

    /// The peer broke the rules: it is told so at once.
    pub(super) fn fail(&self, close: Close) {
        let mut state = self.state();
        if !state.close_is_sent {
            state.outgoing.messages.clear();
            state.outgoing.close = Some(close.clone());
            self.pending.notify_one();
        }
        self.end_with(&mut state, close);
    }

    /// The server stops.
    pub(super) fn go_away(&self) {
        self.close(Close::new(GOING_AWAY, ""));
    }

    /// Nothing can be sent or received any more.
    pub(super) fn is_gone(&self, close: Close) {
        let mut state = self.state();
        state.outgoing = Outgoing::default();
        self.end_with(&mut state, close);
    }

    /// What is to be sent now, in this order: pongs, ping, messages, close. Waits for something.
    pub(super) async fn outgoing(&self) -> Outgoing {
        wait(&self.pending, || !self.state().outgoing.is_empty()).await;
        let mut state = self.state();
        state.close_is_sent |= state.outgoing.close.is_some();
        std::mem::take(&mut state.outgoing)
    }

    /// Notes that a message has left the queue for the socket.
    pub(super) fn sent(&self, sizes: usize) {
        let mut state = self.state();
        let was_full = state.queued >= self.queue;
        state.queued = state.queued.saturating_sub(sizes);
        if was_full && state.queued < self.queue {
            self.room.notify_waiters();
        }
    }

    fn end_with(&self, state: &mut State, close: Close) {
        state.end.get_or_insert(close);
        self.arrived.notify_waiters();
        self.room.notify_waiters();
        self.taken.notify_one();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a message takes of the send queue.
pub(super) fn cost(message: &Message) -> usize {
    size(message)
}

/// Waits until a condition holds whose changes are notified.
async fn wait(notify: &Notify, holds: impl Fn() -> bool) {
    while !holds() {
        let mut notified = std::pin::pin!(notify.notified());
        // What is notified from here on is not missed.
        notified.as_mut().enable();
        if holds() {
            return;
        }
        notified.await;
    }
}
