//! The place where an answer made on Python's thread waits for the task of tokio that sends it.

use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use spikard_core::Response;

use crate::thread;

/// One answer, to be.
#[derive(Clone, Default)]
pub(crate) struct Slot(Arc<Mutex<State>>);

#[derive(Default)]
enum State {
    #[default]
    Empty,
    Awaited(Waker),
    Full(Box<Response>),
    /// The answer goes on to another place.
    Forwarded(Slot),
    /// The answer was taken, or nobody waits for it any more.
    Closed,
}

impl Slot {
    /// Puts the answer in. The first one stays.
    pub(crate) fn put(&self, response: Response) {
        let mut state = self.state();
        match &*state {
            State::Empty => *state = State::Full(Box::new(response)),
            State::Awaited(_) => {
                let before = std::mem::replace(&mut *state, State::Full(Box::new(response)));
                drop(state);
                if let State::Awaited(waker) = before {
                    thread::wake(waker);
                }
            }
            State::Forwarded(next) => {
                let next = next.clone();
                drop(state);
                next.put(response);
            }
            State::Full(_) | State::Closed => {}
        }
    }

    /// Sends the answer on to another place, now or when it comes.
    pub(crate) fn forward(&self, next: &Slot) {
        let mut state = self.state();
        match std::mem::replace(&mut *state, State::Forwarded(next.clone())) {
            State::Full(response) => {
                drop(state);
                next.put(*response);
            }
            State::Closed => *state = State::Closed,
            _ => {}
        }
    }

    /// Takes the answer, or waits for it.
    pub(crate) fn poll(&self, cx: &mut Context<'_>) -> Poll<Response> {
        let mut state = self.state();
        if let State::Full(response) = std::mem::replace(&mut *state, State::Closed) {
            return Poll::Ready(*response);
        }
        *state = State::Awaited(cx.waker().clone());
        Poll::Pending
    }

    /// Says that nobody waits any more. True if there was no answer yet.
    pub(crate) fn close(&self) -> bool {
        !matches!(std::mem::replace(&mut *self.state(), State::Closed), State::Full(_) | State::Closed)
    }

    /// Whether nobody waits any more.
    pub(crate) fn is_closed(&self) -> bool {
        match &*self.state() {
            State::Closed => true,
            State::Forwarded(next) => next.is_closed(),
            _ => false,
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
