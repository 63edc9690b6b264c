//! The timer of a connection, which serves all its requests.
//!
//! To set up a timer and take it down again costs each time; nearly all answers come in time. So
//! the timer is left as it is when an answer has come, and moved only when it goes off too early.

use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::time::{Instant, Sleep, sleep_until};

/// A timer for one deadline after the other.
#[derive(Default)]
pub(super) struct Alarm {
    sleep: Option<Pin<Box<Sleep>>>,
    is_set: bool,
}

impl Alarm {
    /// Waits until the deadline has passed. It is asked for when the timer goes off, and may be
    /// later than it was the last time, never earlier. All calls must have the same waker.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, deadline: impl Fn() -> Instant) -> Poll<()> {
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep_until(deadline())));
        if self.is_set && !sleep.is_elapsed() {
            return Poll::Pending;
        }
        while sleep.as_mut().poll(cx).is_ready() {
            let deadline = deadline();
            if deadline <= Instant::now() {
                return Poll::Ready(());
            }
            sleep.as_mut().reset(deadline);
        }
        self.is_set = true;
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn one_timer_keeps_one_deadline_after_the_other_and_goes_off_before_none() {
        let mut alarm = Alarm::default();
        let start = Instant::now();
        for step in [1, 3, 4] {
            let deadline = start + Duration::from_millis(step * 10);
            poll_fn(|cx| alarm.poll(cx, || deadline)).await;
            assert!(Instant::now() >= deadline);
        }
    }
}
