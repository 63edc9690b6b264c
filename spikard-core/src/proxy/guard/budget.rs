//! How many requests may be sent again.
//!
//! A limit for each request is not enough: where every request fails, three tries for each are
//! three times the load on servers that could not bear it once. So what is sent again is a share of what
//! clients send.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use spikard_middleware::Clock;

use super::window::Window;
use crate::config::RetriesConfig;

/// How far back requests count.
const LENGTH: Duration = Duration::from_secs(10);

/// The requests of the last while, and how many of them were sent again.
pub(in crate::proxy) struct Budget {
    counted: Mutex<Window>,
    percent: u64,
    /// What is there even if there were no requests.
    least: u64,
    clock: Clock,
}

impl Budget {
    pub(in crate::proxy) fn new(config: &RetriesConfig, clock: Clock) -> Self {
        Self {
            counted: Mutex::new(Window::new(LENGTH)),
            percent: config.budget_percent.into(),
            least: u64::from(config.budget_per_second) * LENGTH.as_secs(),
            clock,
        }
    }

    /// Counts a request of a client.
    pub(in crate::proxy) fn count(&self) {
        let now = self.clock.monotonic();
        self.counted.lock().unwrap_or_else(PoisonError::into_inner).add(now, [1, 0]);
    }

    /// Whether one more request may be sent again; then it counts.
    pub(in crate::proxy) fn spend(&self) -> bool {
        let now = self.clock.monotonic();
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        let [requests, again] = counted.counts(now);
        let may = again < self.least + requests * self.percent / 100;
        if may {
            counted.add(now, [0, 1]);
        }
        may
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget(budget_percent: u32, budget_per_second: u32) -> (Budget, Clock) {
        let clock = Clock::manual(Duration::from_hours(1));
        let config = RetriesConfig { budget_percent, budget_per_second, ..RetriesConfig::default() };
        (Budget::new(&config, clock.clone()), clock)
    }

    /// How often `budget` lets a request be sent again.
    fn left(budget: &Budget) -> usize {
        std::iter::repeat_with(|| budget.spend()).take(1000).filter(|may| *may).count()
    }

    #[test]
    fn a_share_of_the_requests_of_the_last_ten_seconds_may_be_sent_again() {
        let (budget, clock) = budget(20, 0);
        assert_eq!(left(&budget), 0);
        (0..99).for_each(|_| budget.count());
        assert_eq!((left(&budget), left(&budget)), (19, 0));
        budget.count();
        assert_eq!(left(&budget), 1);
        clock.advance(LENGTH);
        assert_eq!(left(&budget), 0, "the requests are as old as what was sent again");
    }

    #[test]
    fn some_may_be_sent_again_however_few_requests_there_are() {
        let (budget, clock) = budget(50, 2);
        assert_eq!(left(&budget), 20);
        clock.advance(LENGTH);
        (0..4).for_each(|_| budget.count());
        assert_eq!(left(&budget), 22);
    }
}
