//! Why a handler is dropped: its time is over, or nobody waits for the answer any more.
//!
//! A handler that goes on when its client has left still ends when its time is over. What it holds
//! is dropped in both cases, and can ask here which one it is.

use std::cell::Cell;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

thread_local! {
    static OVERDUE: Cell<bool> = const { Cell::new(false) };
}

/// Whether what is being dropped on this thread is dropped because the time of its request is over.
/// For implementations of [`Drop`]; anywhere else it is false.
pub fn is_overdue() -> bool {
    OVERDUE.get()
}

/// Drops a handler whose time is over.
pub(crate) fn drop_as_overdue<T>(handler: T) {
    /// Takes the mark back, also when a destructor panics.
    struct Mark(bool);
    impl Drop for Mark {
        fn drop(&mut self) {
            OVERDUE.set(self.0);
        }
    }
    let _mark = Mark(OVERDUE.replace(true));
    drop(handler);
}

/// Work in a task of its own, which tells what it holds why the task was ended.
pub(crate) struct Ending<F> {
    work: Option<Pin<Box<F>>>,
    overdue: Arc<AtomicBool>,
}

impl<F: Future> Ending<F> {
    /// The work of a task that is ended because of its time if `overdue` says so then.
    pub(crate) fn new(work: F, overdue: &Arc<AtomicBool>) -> Self {
        Self { work: Some(Box::pin(work)), overdue: Arc::clone(overdue) }
    }
}

impl<F: Future> Future for Ending<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let Some(work) = &mut self.work else { return Poll::Pending };
        work.as_mut().poll(cx)
    }
}

impl<F> Drop for Ending<F> {
    fn drop(&mut self) {
        if self.overdue.load(Ordering::Acquire) {
            drop_as_overdue(self.work.take());
        }
    }
}
