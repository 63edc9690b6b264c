//! Active health checking: what the checks of a target have found.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use crate::config::HealthConfig;

/// What is known of one target. Written by its checks only, which follow one another.
#[derive(Default)]
pub(super) struct Health {
    is_checked: AtomicBool,
    is_down: AtomicBool,
    /// Checks in a row that said the opposite.
    against: AtomicU32,
}

/// What a check has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    Up,
    Down,
}

impl Health {
    /// Whether the target gets no requests.
    pub(super) fn is_down(&self) -> bool {
        self.is_down.load(Ordering::Relaxed)
    }

    /// Learns from a check.
    pub(super) fn learn(&self, passed: bool, config: &HealthConfig) -> Option<Change> {
        let is_first = !self.is_checked.swap(true, Ordering::Relaxed);
        if passed != self.is_down() {
            self.against.store(0, Ordering::Relaxed);
            return None;
        }
        let against = self.against.fetch_add(1, Ordering::Relaxed) + 1;
        let threshold = if passed { config.healthy_threshold } else { config.unhealthy_threshold };
        if against < threshold && !is_first {
            return None;
        }
        self.against.store(0, Ordering::Relaxed);
        self.is_down.store(!passed, Ordering::Relaxed);
        Some(if passed { Change::Up } else { Change::Down })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The state after each check: `+` passed, `-` failed.
    fn states(checks: &str) -> String {
        let (health, config) = (Health::default(), HealthConfig::default());
        let check = |check| {
            health.learn(check == '+', &config);
            if health.is_down() { 'd' } else { 'u' }
        };
        checks.chars().map(check).collect()
    }

    #[test]
    fn the_first_check_decides_alone_and_later_ones_in_a_row() {
        for (checks, expected) in
            [("+--+---", "uuuuuud"), ("-+-+-++", "ddddddu"), ("-++--+-", "dduuuuu"), ("+---++---", "uuuddu" /* two in a row */)]
        {
            assert!(states(checks).starts_with(expected), "{checks}: {}", states(checks));
        }
    }
}
