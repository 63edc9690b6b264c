//! How many connections to an upstream are open, kept ones included.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The connections of an upstream.
pub(in crate::proxy) struct Sockets {
    open: AtomicUsize,
    most: usize,
}

/// A connection, which counts as open until this is dropped.
pub(in crate::proxy) struct Socket(Arc<Sockets>);

impl Sockets {
    pub(in crate::proxy) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { open: AtomicUsize::new(0), most })
    }

    /// Counts one more, and first has some closed if there are as many as there may be: `close_idle`
    /// closes one that has nothing to do, if there is any.
    pub(in crate::proxy) fn open(self: &Arc<Self>, close_idle: impl Fn() -> bool) -> Socket {
        let fits = |open| (open < self.most).then_some(open + 1);
        while self.open.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits).is_err() {
            // Who connects has a place, and there are no more places than connections: so one of
            // them has nothing to do, or is just about to end.
            if !close_idle() {
                self.open.fetch_add(1, Ordering::Relaxed);
                break;
            }
        }
        Socket(Arc::clone(self))
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    #[test]
    fn as_many_are_closed_as_there_are_too_many() {
        let sockets = Sockets::new(2);
        let idle = RefCell::new(vec![sockets.open(|| false), sockets.open(|| false)]);
        let close = || idle.borrow_mut().pop().is_some();
        let busy = [sockets.open(close), sockets.open(close)];
        assert!(idle.borrow().is_empty());
        drop(busy);
        assert_eq!(sockets.open.load(Ordering::Relaxed), 0);
    }
}
