//! The time limits of a connection as pure functions of what its counters say and of the time.

use std::time::{Duration, Instant};

use super::link::Reading;

/// How long the rest of a peer's bytes is read away after the last answer.
pub(super) const LINGER: Duration = Duration::from_secs(2);

/// The time limits that the driver of a connection holds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Times {
    pub(super) handshake: Duration,
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
    /// The peer takes no bytes.
    Stalled,
    /// All is said, and the peer had its time to end as well.
    Over,
}

/// Watches an HTTP/1.1 connection. It is shown the counters now and then, and is as exact as that.
#[derive(Debug)]
pub(super) struct Http1 {
    times: Times,
    writes: Writes,
    seen: Reading,
    /// When something last moved.
    moved: Instant,
    /// When the head that is arriving was first seen.
    head: Option<Instant>,
}

impl Http1 {
    pub(super) fn new(times: Times, seen: Reading, now: Instant) -> Self {
        Self { times, writes: Writes::new(times, seen, now), seen, moved: now, head: None }
    }

    /// Idle is what has not moved since the last look.
    pub(super) fn look(&mut self, reading: Reading, now: Instant) -> Verdict {
        let before = std::mem::replace(&mut self.seen, reading);
        if reading != before {
            self.moved = now;
        }
        if self.writes.are_stalled(reading, now) {
            return Verdict::Stalled;
        }
        if reading.lingering {
            return if now - self.moved >= LINGER { Verdict::Over } else { Verdict::Wait };
        }
        if reading.is_in_head() {
            let since = self.head.filter(|_| reading.calls == before.calls).unwrap_or(now);
            self.head = Some(since);
            return if now - since >= self.times.head { Verdict::SlowHead } else { Verdict::Wait };
        }
        self.head = None;
        let is_idle = reading == before && !reading.is_busy() && !reading.blocked;
        if is_idle { Verdict::Idle } else { Verdict::Wait }
    }
}

/// Watches an HTTP/2 connection.
#[derive(Debug)]
pub(super) struct Http2 {
    times: Times,
    writes: Writes,
    calls: u32,
    /// When there last was a stream; the start, if there was none.
    used: Instant,
}

impl Http2 {
    pub(super) fn new(times: Times, seen: Reading, now: Instant) -> Self {
        Self { times, writes: Writes::new(times, seen, now), calls: seen.calls, used: now }
    }

    /// Idle is what has had no stream for the idle time.
    pub(super) fn look(&mut self, reading: Reading, now: Instant) -> Verdict {
        if reading.open > 0 || reading.calls != self.calls {
            self.calls = reading.calls;
            self.used = now;
        }
        let unused = now - self.used;
        if self.writes.are_stalled(reading, now) {
            Verdict::Stalled
        } else if reading.calls == 0 && unused >= self.times.head {
            Verdict::SlowHead
        } else if reading.calls > 0 && unused >= self.times.idle {
            Verdict::Idle
        } else {
            Verdict::Wait
        }
    }
}

/// Whether the peer takes what is written.
#[derive(Debug)]
struct Writes {
    limit: Duration,
    written: u64,
    /// When it last took bytes, or there were none to take.
    taken: Instant,
}

impl Writes {
    fn new(times: Times, seen: Reading, now: Instant) -> Self {
        Self { limit: times.write, written: seen.written, taken: now }
    }

    fn are_stalled(&mut self, reading: Reading, now: Instant) -> bool {
        if !reading.blocked || reading.written != self.written {
            self.written = reading.written;
            self.taken = now;
        }
        now - self.taken >= self.limit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMES: Times = Times {
        handshake: Duration::from_secs(10),
        head: Duration::from_secs(10),
        idle: Duration::from_mins(1),
        write: Duration::from_secs(30),
    };
    const NONE: Reading = Reading::NONE;
    const HEAD: Reading = Reading { read: 5, ..NONE };
    const OPEN: Reading = Reading { read: 50, mark: 50, calls: 1, open: 1, ..NONE };
    const DONE: Reading = Reading { open: 0, written: 99, ..OPEN };
    const BLOCKED: Reading = Reading { blocked: true, ..OPEN };

    /// The last verdict on counters as they were seen at so many seconds.
    fn http1(looks: &[(u64, Reading)]) -> Verdict {
        let start = Instant::now();
        let mut watch = Http1::new(TIMES, NONE, start);
        let verdicts = looks.iter().map(|(at, reading)| watch.look(*reading, start + Duration::from_secs(*at)));
        verdicts.last().unwrap_or(Verdict::Wait)
    }

    fn http2(looks: &[(u64, Reading)]) -> Verdict {
        let start = Instant::now();
        let mut watch = Http2::new(TIMES, NONE, start);
        let verdicts = looks.iter().map(|(at, reading)| watch.look(*reading, start + Duration::from_secs(*at)));
        verdicts.last().unwrap_or(Verdict::Wait)
    }

    #[test]
    fn a_head_is_slow_at_its_limit_whatever_trickles() {
        assert_eq!(http1(&[(1, HEAD), (10, Reading { read: 9, ..HEAD })]), Verdict::Wait);
        assert_eq!(http1(&[(1, HEAD), (11, Reading { read: 9, ..HEAD })]), Verdict::SlowHead);
        assert_eq!(http1(&[(1, HEAD), (5, OPEN), (11, Reading { read: 55, ..DONE })]), Verdict::Wait, "another head");
        assert_eq!(http1(&[(1, HEAD), (11, Reading { calls: 1, ..HEAD })]), Verdict::Wait, "a request in between");
    }

    #[test]
    fn only_what_is_silent_between_two_looks_is_idle() {
        assert_eq!(http1(&[(1, DONE)]), Verdict::Wait);
        assert_eq!(http1(&[(1, DONE), (2, DONE)]), Verdict::Idle);
        assert_eq!(http1(&[(1, OPEN), (100, OPEN)]), Verdict::Wait);
        let reading_on = Reading { body_open: true, ..DONE };
        assert_eq!(http1(&[(1, reading_on), (100, reading_on)]), Verdict::Wait);
    }

    #[test]
    fn a_peer_that_takes_nothing_for_the_limit_is_stalled() {
        for look in [http1, http2] {
            assert_eq!(look(&[(1, OPEN), (2, BLOCKED), (30, BLOCKED)]), Verdict::Wait);
            assert_eq!(look(&[(1, OPEN), (2, BLOCKED), (31, BLOCKED)]), Verdict::Stalled);
            assert_eq!(look(&[(1, OPEN), (30, Reading { written: 1, ..BLOCKED }), (59, BLOCKED)]), Verdict::Wait);
        }
    }

    #[test]
    fn what_lingers_is_over_after_a_while() {
        let lingering = Reading { lingering: true, read: 99, ..DONE };
        assert_eq!(http1(&[(1, lingering), (2, lingering)]), Verdict::Wait);
        assert_eq!(http1(&[(1, lingering), (3, lingering)]), Verdict::Over);
    }

    #[test]
    fn an_http2_connection_needs_a_first_request_and_then_one_now_and_then() {
        assert_eq!(http2(&[(9, HEAD)]), Verdict::Wait);
        assert_eq!(http2(&[(9, HEAD), (10, HEAD)]), Verdict::SlowHead);
        assert_eq!(http2(&[(9, OPEN), (300, OPEN)]), Verdict::Wait);
        assert_eq!(http2(&[(9, OPEN), (10, DONE), (68, DONE)]), Verdict::Wait);
        assert_eq!(http2(&[(9, OPEN), (10, DONE), (69, DONE)]), Verdict::Idle);
    }
}
