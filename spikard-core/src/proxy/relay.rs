//! Wakes a task for a connection only while the task waits for it.
//!
//! A connection and the request that drives it live in one task, and talk through hyper's
//! channels, which wake "the other side" at every message. Passed on as it is, each such wake-up
//! would run the whole task once more, and on a runtime of many threads rouse another of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use futures_util::task::AtomicWaker;

/// The waker of one connection.
pub(super) struct Relay {
    state: Arc<State>,
    waker: Waker,
}

#[derive(Default)]
struct State {
    /// The task that waits.
    task: AtomicWaker,
    woken: AtomicBool,
}

impl Wake for State {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.woken.store(true, Ordering::Release);
        self.task.wake();
    }
}

impl Relay {
    pub(super) fn new() -> Self {
        let state = Arc::<State>::default();
        Self { waker: Arc::clone(&state).into(), state }
    }

    /// Polls with this waker. The task of `cx` is woken only by what happens after `step` was
    /// pending; what happens before makes `step` run once more.
    pub(super) fn poll<T>(&self, cx: &mut Context<'_>, mut step: impl FnMut(&mut Context<'_>) -> Poll<T>) -> Poll<T> {
        let polled = self.run(&mut step);
        if polled.is_ready() {
            // Or else it would be woken for a later request.
            self.state.task.take();
            return polled;
        }
        self.state.task.register(cx.waker());
        if !self.state.woken.load(Ordering::Acquire) {
            return Poll::Pending;
        }
        self.state.task.take();
        let polled = self.run(&mut step);
        if polled.is_pending() {
            self.state.task.register(cx.waker());
            if self.state.woken.load(Ordering::Acquire) {
                // It asks for another turn of the task, as tokio's budget does.
                cx.waker().wake_by_ref();
            }
        }
        polled
    }

    /// Polls once, and wakes nobody afterwards.
    pub(super) fn run<T>(&self, step: &mut impl FnMut(&mut Context<'_>) -> T) -> T {
        self.state.woken.store(false, Ordering::Relaxed);
        step(&mut Context::from_waker(&self.waker))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    #[derive(Default)]
    struct Task(AtomicUsize);

    impl Wake for Task {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn a_task_is_woken_only_while_it_waits() {
        let (relay, task) = (Relay::new(), Arc::<Task>::default());
        let waker: Waker = Arc::clone(&task).into();
        let mut cx = Context::from_waker(&waker);
        let count = || task.0.load(Ordering::Relaxed);

        let mut runs = 0;
        let pending = relay.poll(&mut cx, |inner| {
            runs += 1;
            if runs == 1 {
                inner.waker().wake_by_ref();
            }
            Poll::<()>::Pending
        });
        assert_eq!((pending, runs, count()), (Poll::Pending, 2, 0), "a wake-up inside costs one more step");

        relay.waker.wake_by_ref();
        relay.waker.wake_by_ref();
        assert_eq!(count(), 1);

        assert!(relay.poll(&mut cx, |_| Poll::Ready(())).is_ready());
        relay.waker.wake_by_ref();
        assert_eq!(count(), 1, "nobody waits any more");

        assert!(
            relay
                .poll(&mut cx, |inner| {
                    inner.waker().wake_by_ref();
                    Poll::<()>::Pending
                })
                .is_pending()
        );
        assert_eq!(count(), 2, "who always asks for another turn gets it");
    }
}
