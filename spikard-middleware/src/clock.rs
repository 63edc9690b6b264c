//! The time as policies read it: one clock per server, which a test can set.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::time::{ClockId, clock_gettime};

/// A clock. Clones read the same time.
#[derive(Clone, Default)]
pub struct Clock(Source);

#[derive(Clone, Default)]
enum Source {
    #[default]
    System,
    Manual(Arc<AtomicU64>),
}

impl Clock {
    /// The clock of the machine.
    pub fn system() -> Self {
        Self::default()
    }

    /// A clock that stands still until [`Clock::advance`] moves it; it starts at `since_epoch`.
    pub fn manual(since_epoch: Duration) -> Self {
        Self(Source::Manual(Arc::new(AtomicU64::new(nanos(since_epoch)))))
    }

    /// Moves a manual clock forward; the clock of the machine moves by itself.
    pub fn advance(&self, by: Duration) {
        if let Source::Manual(now) = &self.0 {
            now.fetch_add(nanos(by), Ordering::Relaxed);
        }
    }

    /// Time since 1970-01-01 UTC: what tokens and cookies are dated in.
    pub fn wall(&self) -> Duration {
        match &self.0 {
            Source::System => SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default(),
            Source::Manual(now) => Duration::from_nanos(now.load(Ordering::Relaxed)),
        }
    }

    /// Nanoseconds since a fixed moment before the first reading, which is the same for all
    /// processes of the machine. Never goes back.
    pub fn monotonic(&self) -> u64 {
        match &self.0 {
            Source::System => nanos(clock_gettime(ClockId::Monotonic).try_into().unwrap_or_default()),
            Source::Manual(now) => now.load(Ordering::Relaxed),
        }
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
