//! How long to wait before a worker that has ended unasked is started again.

use std::time::Duration;

/// The pause after the second end in a row; each further one doubles it.
const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(10);
/// Who has worked for so long did not end at once.
const STEADY: Duration = Duration::from_secs(10);

/// The pauses between the starts of one worker.
#[derive(Debug, Default)]
pub(super) struct Pauses {
    ends: u32,
}

impl Pauses {
    /// The pause after an end, `worked` after the worker was ready.
    pub(super) fn after(&mut self, worked: Duration) -> Duration {
        if worked >= STEADY {
            self.ends = 0;
        }
        self.ends += 1;
        match self.ends {
            1 => Duration::ZERO,
            ends => FIRST.saturating_mul(1 << (ends - 2).min(16)).min(LONGEST),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_while_workers_end_at_once() {
        let mut pauses = Pauses::default();
        let millis = |pauses: &mut Pauses, worked| pauses.after(Duration::from_secs(worked)).as_millis();
        let growing: Vec<_> = (0..10).map(|_| millis(&mut pauses, 0)).collect();
        assert_eq!(growing, [0, 100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000]);
        assert_eq!(millis(&mut pauses, 10), 0);
        assert_eq!(millis(&mut pauses, 9), 100);
    }
}
