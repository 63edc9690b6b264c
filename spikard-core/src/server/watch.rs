//! The time limits of a connection as pure functions of what its counters say and of the time.

use std::time::{Duration, Instant};

use super::link::Reading;

/// How long the rest of a peer's bytes is read away after the last answer.
pub(super) const LINGER: Duration = Duration::from_secs(2);

/// The time limits that the driver of a connection holds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Times {
    pub(super) head: Duration,
    pub(super) idle: Duration,
    pub(super) write: Duration,
}

/// What the driver is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing.
    Wait,
    /// No request is there and nothing moves.
    Idle,
    /// The head of a request takes too long.
    SlowHead,
    /// The peer takes no bytes: close.
    Stalled,
}

/// Watches one connection. It is shown the counters now and then, and is as exact as that.
#[derive(Debug)]
pub(super) struct Watch {
    times: Times,
    seen: Reading,
    /// When something last moved.
    moved: Instant,
    /// When the peer last took bytes, or there were none to take.
    taken: Instant,
    /// When the head that is arriving was first seen.
    head: Option<Instant>,
}

impl Watch {
    pub(super) fn new(times: Times, seen: Reading, now: Instant) -> Self {
        Self { times, seen, moved: now, taken: now, head: None }
    }

    /// Looks at an HTTP/1.1 connection. Idle is what has not moved since the last look.
    pub(super) fn http1(&mut self, reading: Reading, now: Instant) -> Verdict {
        let moves = self.see(reading, now);
        if self.is_stalled(reading, now) {
            return Verdict::Stalled;
        }
        if !reading.is_in_head() {
            let is_idle = !reading.is_busy() && !reading.blocked && !reading.lingering && !moves;
            return if is_idle { Verdict::Idle } else { Verdict::Wait };
        }
        let since = *self.head.get_or_insert(now);
        if now - since >= self.times.head { Verdict::SlowHead } else { Verdict::Wait }
    }

    /// Looks at an HTTP/2 connection. Idle is what has had no stream for the idle time.
    pub(super) fn http2(&mut self, reading: Reading, now: Instant) -> Verdict {
        let since = self.moved;
        if reading.open > 0 || reading.calls != self.seen.calls {
            self.moved = now;
        }
        self.seen.calls = reading.calls;
        if self.is_stalled(reading, now) {
            Verdict::Stalled
        } else if reading.calls == 0 && now - since >= self.times.head {
            Verdict::SlowHead
        } else if reading.calls > 0 && reading.open == 0 && now - self.moved >= self.times.idle {
            Verdict::Idle
        } else {
            Verdict::Wait
        }
    }

    /// Takes note of the counters; whether any has moved.
    fn see(&mut self, reading: Reading, now: Instant) -> bool {
        let moves = reading != self.seen;
        if reading.calls != self.seen.calls || !reading.is_in_head() {
            self.head = None;
        }
        if moves {
            self.moved = now;
        }
        self.seen = Reading { written: self.seen.written, ..reading };
        moves
    }

    fn is_stalled(&mut self, reading: Reading, now: Instant) -> bool {
        if !reading.blocked || reading.written != self.seen.written {
            self.taken = now;
        }
        self.seen.written = reading.written;
        now - self.taken >= self.times.write || (reading.lingering && now - self.moved >= LINGER)
    }
}
