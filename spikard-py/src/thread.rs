//! The thread that tokio and asyncio share: what the two tell each other on it.
//!
//! Python runs there in two ways: inside a turn of tokio, when a request calls its handler, and
//! between two turns, when asyncio runs callbacks. Inside a turn, asyncio must be told of callbacks
//! that were added; between turns, tasks of tokio that have become ready are collected, since to
//! wake each of them from outside would cost a system call.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::task::Waker;

use pyo3::prelude::*;
use pyo3::types::PyList;

/// A task of tokio that has not begun.
pub(crate) type Made = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What is known on a thread that runs both.
#[derive(Default)]
struct Shared {
    /// Whether ready tasks are collected: by the thread of both between two turns, and by threads
    /// of the pool.
    collects: Cell<bool>,
    /// Whether tokio is running.
    in_turn: Cell<bool>,
    /// Wakes the future of the turn.
    turn: RefCell<Option<Waker>>,
    /// Tasks of tokio that became ready between two turns.
    ready: RefCell<Vec<Waker>>,
    /// Tasks of tokio that Python made between two turns.
    made: RefCell<Vec<Made>>,
    /// The callbacks and the timers of asyncio, and how many timers the turn began with.
    work: RefCell<Option<Work>>,
    /// What must leave the loop: `KeyboardInterrupt`, `SystemExit`.
    fatal: RefCell<Option<PyErr>>,
}

/// What asyncio has to do.
pub(crate) struct Work {
    pub(crate) callbacks: Py<PyAny>,
    pub(crate) timers: Py<PyList>,
    pub(crate) known_timers: usize,
}

impl Work {
    /// Whether the loop must look: there are callbacks, or timers that it has not seen.
    fn is_new(&self, py: Python<'_>) -> bool {
        self.callbacks.bind(py).len().is_ok_and(|callbacks| callbacks > 0) || self.timers.bind(py).len() != self.known_timers
    }
}

thread_local! {
    static SHARED: Shared = Shared::default();
}

/// Marks the thread for as long as a turn takes.
pub(crate) struct InTurn;

impl InTurn {
    pub(crate) fn begin(work: Work) -> Self {
        SHARED.with(|shared| {
            shared.collects.set(true);
            shared.in_turn.set(true);
            *shared.work.borrow_mut() = Some(work);
        });
        Self
    }
}

impl Drop for InTurn {
    fn drop(&mut self) {
        SHARED.with(|shared| {
            shared.in_turn.set(false);
            shared.turn.borrow_mut().take();
            shared.work.borrow_mut().take();
        });
    }
}

/// Whether a turn of tokio is running on this thread: a second one must not begin.
pub(crate) fn in_turn() -> bool {
    SHARED.with(|shared| shared.in_turn.get())
}

/// Notes how the future of the turn is woken.
pub(crate) fn remember_turn(waker: &Waker) {
    SHARED.with(|shared| {
        let mut known = shared.turn.borrow_mut();
        if !known.as_ref().is_some_and(|known| known.will_wake(waker)) {
            *known = Some(waker.clone());
        }
    });
}

/// Whether asyncio has work that it does not know of.
pub(crate) fn has_work(py: Python<'_>) -> bool {
    SHARED.with(|shared| shared.work.borrow().as_ref().is_some_and(|work| work.is_new(py)))
}

/// Ends the turn if the Python code that just ran made work for asyncio.
pub(crate) fn after_python(py: Python<'_>) {
    if has_work(py) {
        wake_turn();
    }
}

/// Makes the future of the turn look again.
pub(crate) fn wake_turn() {
    SHARED.with(|shared| {
        if let Some(turn) = &*shared.turn.borrow() {
            turn.wake_by_ref();
        }
    });
}

/// Wakes a task of tokio: at once, or with all that this thread collects.
pub(crate) fn wake(task: Waker) {
    SHARED.with(|shared| {
        if shared.collects.get() && !shared.in_turn.get() {
            shared.ready.borrow_mut().push(task);
        } else {
            task.wake();
        }
    });
}

/// Collects, from now on, the tasks of tokio that this thread makes ready.
pub(crate) fn collect() {
    SHARED.with(|shared| shared.collects.set(true));
}

/// The tasks that were collected.
pub(crate) fn collected() -> Vec<Waker> {
    SHARED.with(|shared| std::mem::take(&mut *shared.ready.borrow_mut()))
}

/// Makes a task of tokio when the next turn begins: to make it at once, from outside a turn, would
/// cost a system call.
pub(crate) fn spawn_next_turn(task: Made) {
    SHARED.with(|shared| shared.made.borrow_mut().push(task));
}

/// Begins the tasks that were made between two turns, and wakes those that became ready.
pub(crate) fn wake_collected() {
    SHARED.with(|shared| {
        for task in shared.made.borrow_mut().drain(..) {
            tokio::spawn(task);
        }
        let mut ready = shared.ready.borrow_mut();
        for task in ready.drain(..) {
            task.wake();
        }
    });
}

/// Hands an exception to the loop, which ends by it.
pub(crate) fn fail(error: PyErr) {
    SHARED.with(|shared| {
        shared.fatal.borrow_mut().get_or_insert(error);
    });
    wake_turn();
}

/// What the loop is to end by.
pub(crate) fn failure() -> Option<PyErr> {
    SHARED.with(|shared| shared.fatal.borrow_mut().take())
}
