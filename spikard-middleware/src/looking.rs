//! Polls that look and do not wait.
//!
//! Whoever polls a body with a waker that wakes nobody ([`std::task::Waker::noop`]) asks what is there now and
//! goes on to other work. The time until the next poll is then not time in which the client is
//! waited for, so what counts that time asks [`waits`].

use std::task::Context;

/// Whether who polls waits to be woken.
///
/// ```
/// use std::task::{Context, Waker};
///
/// assert!(!spikard_middleware::waits(&Context::from_waker(Waker::noop())));
/// ```
pub fn waits(cx: &Context<'_>) -> bool {
    // The standard library's waker without effect has no data; one that wakes something has.
    !cx.waker().data().is_null()
}
