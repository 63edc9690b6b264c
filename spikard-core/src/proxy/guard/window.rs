//! Counts of the last while.

use std::time::Duration;

/// How finely the past is remembered: what is older than the window is forgotten by tenths of it.
const SLOTS: usize = 10;

/// Counts of two things over the last while. Times are nanoseconds of a clock that never goes back.
pub(super) struct Window {
    slots: [Slot; SLOTS],
    /// The length of a slot.
    width: u64,
}

#[derive(Clone, Copy, Default)]
struct Slot {
    /// Which tenth of a window it is, counted from the beginning of the clock.
    number: u64,
    counts: [u64; 2],
}

impl Window {
    /// A window of this length, in which nothing was counted.
    pub(super) fn new(length: Duration) -> Self {
        let nanos = u64::try_from(length.as_nanos()).unwrap_or(u64::MAX);
        Self { slots: [Slot::default(); SLOTS], width: (nanos / SLOTS as u64).max(1) }
    }

    /// Adds to the counts.
    pub(super) fn add(&mut self, now: u64, more: [u64; 2]) {
        let number = now / self.width;
        // The remainder is below SLOTS.
        let slot = &mut self.slots[usize::try_from(number % SLOTS as u64).unwrap_or_default()];
        if slot.number != number {
            *slot = Slot { number, counts: [0; 2] };
        }
        slot.counts = [slot.counts[0] + more[0], slot.counts[1] + more[1]];
    }

    /// What was counted within the window that ends now.
    pub(super) fn counts(&self, now: u64) -> [u64; 2] {
        let number = now / self.width;
        let recent = self.slots.iter().filter(|slot| number - slot.number.min(number) < SLOTS as u64);
        recent.fold([0; 2], |sum, slot| [sum[0] + slot.counts[0], sum[1] + slot.counts[1]])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_older_than_the_window_is_forgotten_tenth_by_tenth() {
        let second = 1_000_000_000;
        let start = 86_400 * second;
        let mut window = Window::new(Duration::from_secs(10));
        window.add(start, [5, 1]);
        window.add(start + 4 * second, [2, 0]);
        for (later, counts) in [(4, [7, 1]), (9, [7, 1]), (10, [2, 0]), (13, [2, 0]), (14, [0, 0]), (1000, [0, 0])] {
            assert_eq!(window.counts(start + later * second), counts, "after {later} s");
        }
        window.add(start + 20 * second, [1, 1]);
        assert_eq!(window.counts(start + 20 * second), [1, 1], "the slot was used before");
    }
}
