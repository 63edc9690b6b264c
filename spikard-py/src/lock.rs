//! The lock of the interpreter while tokio waits: released before, taken again after.
//!
//! pyo3 holds it for the whole of a turn; between `release` and `retake` tokio only waits for the
//! system, and no Python object is touched or dropped.

#![allow(unsafe_code)]

use std::cell::Cell;
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd, RawFd};
use std::ptr::null_mut;

use pyo3::ffi;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::thread;

thread_local! {
    static STATE: Cell<*mut ffi::PyThreadState> = const { Cell::new(null_mut()) };
}

/// Releases the lock, if this thread holds it. tokio calls it before it waits.
pub(crate) fn release() {
    if thread::in_turn() {
        // SAFETY: a turn runs with the thread attached, and nothing uses Python until `retake`.
        STATE.set(unsafe { ffi::PyEval_SaveThread() });
    }
}

/// Takes the lock again. tokio calls it when it has waited.
pub(crate) fn retake() {
    let state = STATE.replace(null_mut());
    if !state.is_null() {
        // SAFETY: the state is this thread's, saved by `release`.
        unsafe { ffi::PyEval_RestoreThread(state) };
        thread::wake_turn();
    }
}

/// Whether a descriptor is readable now.
pub(crate) fn is_readable(descriptor: RawFd) -> bool {
    let mut poll = libc::pollfd { fd: descriptor, events: libc::POLLIN, revents: 0 };
    // SAFETY: one valid entry, and no waiting.
    unsafe { libc::poll(&raw mut poll, 1, 0) > 0 }
}

/// Watches what `descriptor` stands for, through a descriptor of our own.
pub(crate) fn watch(descriptor: RawFd) -> io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: the caller's selector is open for the time of this call.
    let own = unsafe { BorrowedFd::borrow_raw(descriptor) }.try_clone_to_owned()?;
    // SAFETY: an `OwnedFd` is always the same open descriptor.
    unsafe { AsyncFd::register_with_interest(own, Interest::READABLE) }.map_err(io::Error::from)
}
