//! Slow start: a target that has just come (back) gets a growing share of its turns, so that caches
//! and compilers get time to warm up.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use spikard_middleware::Clock;

use super::hash::point_of;

/// The share of its turns that a target has at first.
const LEAST: f64 = 0.1;

/// Since when a target is there.
#[derive(Default)]
pub(super) struct Warmth {
    /// By the clock; 0 once that does not matter any more.
    since: AtomicU64,
}

impl Warmth {
    /// The target has come just now.
    pub(super) fn begin(&self, slow_start: Duration, clock: &Clock) {
        if !slow_start.is_zero() {
            self.since.store(clock.monotonic().max(1), Ordering::Relaxed);
        }
    }

    /// Whether the target takes a turn. `lot` is drawn for each turn, or stays with a key, which then
    /// comes to the target once and for all.
    pub(super) fn admits(&self, slow_start: Duration, clock: &Clock, lot: impl FnOnce() -> u64) -> bool {
        let since = self.since.load(Ordering::Relaxed);
        if since == 0 {
            return true;
        }
        let passed = Duration::from_nanos(clock.monotonic().saturating_sub(since));
        if passed >= slow_start {
            self.since.store(0, Ordering::Relaxed);
            return true;
        }
        point_of(lot()) < passed.div_duration_f64(slow_start).max(LEAST)
    }
}
