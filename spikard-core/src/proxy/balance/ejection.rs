//! Passive health checking: a target that fails several requests in a row gets none for a while.
//!
//! Once its time is over, one request at a time finds out whether it is back; each that fails
//! doubles the time. So a target that is gone costs a request now and then, and no client waits for
//! it on every turn.

use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use spikard_middleware::Clock;

use super::lease::Admission;
use super::{Outcome, Target};
use crate::config::EjectionConfig;

/// The rules of one upstream.
pub(in crate::proxy) struct Ejection {
    config: EjectionConfig,
    clock: Clock,
    /// How many targets there are, and how many of them are ejected.
    targets: AtomicUsize,
    ejected: AtomicUsize,
}

/// What is held against one target.
#[derive(Default)]
pub(super) struct Record {
    /// Failures in a row.
    failures: AtomicU32,
    /// Trials in a row that failed since it was ejected.
    trials: AtomicU32,
    /// Until when it is ejected, by the clock; 0 if it is not.
    until: AtomicU64,
}

/// Whether a target gets requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Presence {
    In,
    /// It was ejected, and its time is over.
    Due,
    Out,
}

impl Ejection {
    pub(in crate::proxy) fn new(config: &EjectionConfig, clock: &Clock) -> Self {
        Self { config: config.clone(), clock: clock.clone(), targets: AtomicUsize::new(0), ejected: AtomicUsize::new(0) }
    }

    /// There are so many targets now.
    pub(super) fn among(&self, targets: usize) {
        self.targets.store(targets, Ordering::Relaxed);
    }

    pub(super) fn presence(&self, record: &Record) -> Presence {
        match record.until.load(Ordering::Relaxed) {
            0 => Presence::In,
            until if until <= self.clock.monotonic() => Presence::Due,
            _ => Presence::Out,
        }
    }

    /// Whether the caller is the one to find out whether a target is back. No other is until the
    /// time is over once more.
    pub(super) fn begin_trial(&self, record: &Record) -> bool {
        let until = record.until.load(Ordering::Relaxed);
        let later = self.later(record);
        until != 0
            && until <= self.clock.monotonic()
            && record.until.compare_exchange(until, later, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    /// Lets a target take part again; whether it did not.
    pub(super) fn readmit(&self, record: &Record) -> bool {
        record.failures.store(0, Ordering::Relaxed);
        record.trials.store(0, Ordering::Relaxed);
        let was_out = record.until.swap(0, Ordering::Relaxed) != 0;
        if was_out {
            self.ejected.fetch_sub(1, Ordering::Relaxed);
        }
        was_out
    }

    /// Learns from what came of a request; whether the target takes part again.
    pub(super) fn learn(&self, target: &Target, record: &Record, outcome: Outcome, admission: Admission) -> bool {
        let failed = match outcome {
            Outcome::Answered(status) => self.config.statuses.contains(&status.as_u16()),
            Outcome::Unreachable | Outcome::Broken => true,
        };
        match (failed, admission) {
            (false, Admission::Regular) => {
                // Mostly there is nothing to write, and other requests read it.
                if record.failures.load(Ordering::Relaxed) != 0 {
                    record.failures.store(0, Ordering::Relaxed);
                }
            }
            (false, Admission::Trial | Admission::Regardless) => {
                let is_back = self.readmit(record);
                if is_back {
                    tracing::info!("upstream {target} answers again and takes part");
                }
                return is_back;
            }
            (true, Admission::Trial) => {
                record.trials.fetch_add(1, Ordering::Relaxed);
                let later = self.later(record);
                // Not if someone else has readmitted it in the meantime.
                let _ = record.until.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |until| (until != 0).then_some(later));
            }
            // While all are out, each request would put off the next trial.
            (true, Admission::Regardless) => {}
            (true, Admission::Regular) => {
                let failures = record.failures.fetch_add(1, Ordering::Relaxed) + 1;
                if failures >= self.config.failures && self.config.failures != 0 {
                    self.eject(target, record, failures, outcome);
                }
            }
        }
        false
    }

    fn eject(&self, target: &Target, record: &Record, failures: u32, outcome: Outcome) {
        if !self.count(outcome) {
            return;
        }
        let later = self.later(record);
        if record.until.compare_exchange(0, later, Ordering::Relaxed, Ordering::Relaxed).is_err() {
            // Another request was faster.
            self.ejected.fetch_sub(1, Ordering::Relaxed);
            return;
        }
        let time = humantime::format_duration(self.config.time);
        tracing::warn!("upstream {target} is ejected for {time}: {failures} failures in a row, the last: {outcome}");
    }

    /// Counts one more ejected target, if there may be one more. A target that cannot be reached
    /// takes no load off the others, so there may always be one more of those.
    fn count(&self, outcome: Outcome) -> bool {
        if outcome == Outcome::Unreachable {
            self.ejected.fetch_add(1, Ordering::Relaxed);
            return true;
        }
        let targets = self.targets.load(Ordering::Relaxed);
        let fits = |ejected: usize| (ejected + 1) * 100 <= targets * usize::from(self.config.max_percent);
        let count = |ejected| fits(ejected).then_some(ejected + 1);
        self.ejected.fetch_update(Ordering::Relaxed, Ordering::Relaxed, count).is_ok()
    }

    /// The end of an ejection that begins now.
    fn later(&self, record: &Record) -> u64 {
        let factor = 1_u32.checked_shl(record.trials.load(Ordering::Relaxed)).unwrap_or(u32::MAX);
        let time = self.config.time.saturating_mul(factor).min(self.config.max_time.max(self.config.time));
        self.clock.monotonic().saturating_add(nanos(time)).max(1)
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
