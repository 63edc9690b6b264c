//! Why a handler is dropped: its time is over, or nobody waits for the answer any more.
//!
//! A handler that goes on when its client has left still ends when its time is over. What it holds
//! is dropped in both cases, and can ask here which one it is.

use std::cell::Cell;

thread_local! {
    static OVERDUE: Cell<bool> = const { Cell::new(false) };
}

/// Whether what is being dropped on this thread is dropped because the time of its request is over.
/// For implementations of [`Drop`]; anywhere else it is false.
pub fn is_overdue() -> bool {
    OVERDUE.get()
}

/// Drops a handler whose time is over.
pub(super) fn drop_as_overdue<T>(handler: T) {
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
