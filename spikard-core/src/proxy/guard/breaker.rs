//! Whether requests are sent at all to an upstream that fails.
//!
//! Closed: all are, and failures are counted. Open: none is. Half open, after some time: a few are,
//! and what comes of them decides.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use spikard_middleware::{BuildContext, BuildError, Clock};

use super::window::Window;
use crate::config::CircuitBreakerConfig;
use crate::proxy::balance::Outcome;

/// The circuit breaker of an upstream.
pub(in crate::proxy) struct Breaker {
    circuit: Mutex<Circuit>,
    config: CircuitBreakerConfig,
    clock: Clock,
    /// What is told of every change.
    observe: Box<dyn Fn(Change) + Send + Sync>,
}

/// What happened to the circuit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::proxy) enum Change {
    /// So many of so many requests failed.
    Opened {
        failed: u64,
        of: u64,
    },
    /// A request that was let through to see how it is failed.
    OpenedAgain,
    Closed,
}

struct Circuit {
    state: State,
    /// How many times the state has changed. What comes of requests from before says nothing now.
    changes: u64,
}

enum State {
    Closed(Box<Window>),
    /// Until when.
    Open(u64),
    /// How many more may be sent, and how many of those that were sent have succeeded.
    HalfOpen {
        left: u32,
        succeeded: u32,
    },
}

/// One request that may be sent. What comes of it is to be told; a request that is given up
/// without any outcome says nothing of the upstream.
#[must_use = "what comes of the request decides"]
pub(in crate::proxy) struct Permit {
    breaker: Arc<Breaker>,
    changes: u64,
    is_told: bool,
}

/// What is wrong with the settings.
pub(super) fn errors(config: &CircuitBreakerConfig, ctx: &BuildContext) -> Vec<BuildError> {
    let percent = config.failure_percent;
    let mut errors = super::errors_of_statuses(&config.statuses, ctx);
    if !(1..=100).contains(&percent) {
        errors.push(ctx.invalid("failure_percent", format!("failure_percent is {percent}, expected 1 to 100")));
    }
    for (field, is_zero) in [
        ("min_requests", config.min_requests == 0),
        ("window", config.window.is_zero()),
        ("open_time", config.open_time.is_zero()),
        ("probes", config.probes == 0),
    ] {
        if is_zero {
            errors.push(ctx.invalid(field, format!("{field} is 0, expected more")));
        }
    }
    errors
}

impl Breaker {
    pub(in crate::proxy) fn new(
        config: &CircuitBreakerConfig,
        clock: Clock,
        observe: impl Fn(Change) + Send + Sync + 'static,
    ) -> Arc<Self> {
        let circuit = Mutex::new(Circuit { state: State::Closed(Box::new(Window::new(config.window))), changes: 0 });
        Arc::new(Self { circuit, config: config.clone(), clock, observe: Box::new(observe) })
    }

    /// Lets one more request through.
    ///
    /// # Errors
    /// When it must not be sent: how long it is until the upstream is tried again.
    pub(in crate::proxy) fn admit(self: &Arc<Self>) -> Result<Permit, Duration> {
        let mut circuit = self.circuit();
        match &mut circuit.state {
            State::Closed(_) => {}
            State::Open(until) => match until.saturating_sub(self.clock.monotonic()) {
                0 => circuit.enter(State::HalfOpen { left: self.config.probes - 1, succeeded: 0 }),
                left => return Err(Duration::from_nanos(left)),
            },
            State::HalfOpen { left: 0, .. } => return Err(Duration::ZERO),
            State::HalfOpen { left, .. } => *left -= 1,
        }
        Ok(Permit { breaker: Arc::clone(self), changes: circuit.changes, is_told: false })
    }

    fn tell(&self, changes: u64, has_failed: bool) {
        let mut circuit = self.circuit();
        if circuit.changes != changes {
            return;
        }
        let now = self.clock.monotonic();
        let change = match &mut circuit.state {
            State::Closed(window) => {
                window.add(now, [1, has_failed.into()]);
                let [of, failed] = if has_failed { window.counts(now) } else { [0; 2] };
                let is_over = failed * 100 >= of * u64::from(self.config.failure_percent);
                (has_failed && of >= self.config.min_requests.into() && is_over).then_some(Change::Opened { failed, of })
            }
            State::HalfOpen { .. } if has_failed => Some(Change::OpenedAgain),
            State::HalfOpen { succeeded, .. } => {
                *succeeded += 1;
                (*succeeded == self.config.probes).then_some(Change::Closed)
            }
            // Nothing is sent then.
            State::Open(_) => None,
        };
        if let Some(change) = change {
            circuit.enter(match change {
                Change::Closed => State::Closed(Box::new(Window::new(self.config.window))),
                _ => State::Open(now.saturating_add(u64::try_from(self.config.open_time.as_nanos()).unwrap_or(u64::MAX))),
            });
            (self.observe)(change);
        }
    }

    fn circuit(&self) -> MutexGuard<'_, Circuit> {
        self.circuit.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Circuit {
    fn enter(&mut self, state: State) {
        self.state = state;
        self.changes += 1;
    }
}

impl Permit {
    /// Says what came of the request.
    pub(in crate::proxy) fn tell(mut self, outcome: Outcome) {
        let has_failed = match outcome {
            Outcome::Answered(status) => self.breaker.config.statuses.contains(&status.as_u16()),
            Outcome::Unreachable | Outcome::Broken => true,
        };
        self.is_told = true;
        self.breaker.tell(self.changes, has_failed);
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if self.is_told {
            return;
        }
        let mut circuit = self.breaker.circuit();
        if circuit.changes == self.changes
            && let State::HalfOpen { left, .. } = &mut circuit.state
        {
            *left += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::*;

    const OK: Outcome = Outcome::Answered(StatusCode::OK);

    /// The changes that a breaker has told.
    type Told = Arc<Mutex<Vec<Change>>>;

    /// A breaker that opens when half of at least 4 requests fail and is tried with 2, the seconds
    /// of its clock, and what it has told.
    fn breaker() -> (Arc<Breaker>, impl Fn(u64), Told) {
        let clock = Clock::manual(Duration::from_hours(1));
        let config = CircuitBreakerConfig { min_requests: 4, probes: 2, ..CircuitBreakerConfig::default() };
        let changes = Told::default();
        let told = Arc::clone(&changes);
        let breaker = Breaker::new(&config, clock.clone(), move |change| told.lock().unwrap().push(change));
        (breaker, move |seconds| clock.advance(Duration::from_secs(seconds)), changes)
    }

    /// Sends requests that are answered so, or not at all (0); whether all were let through.
    fn send(breaker: &Arc<Breaker>, statuses: &[u16]) -> bool {
        statuses.iter().all(|status| match (breaker.admit(), *status) {
            (Err(_), _) => false,
            (Ok(permit), status) => {
                permit.tell(StatusCode::from_u16(status).map_or(Outcome::Broken, Outcome::Answered));
                true
            }
        })
    }

    #[test]
    fn opens_when_enough_requests_fail_and_closes_when_those_that_are_let_through_do_not() {
        let (breaker, wait, changes) = breaker();
        assert!(send(&breaker, &[503, 0, 504, 404]), "404 is an answer, and the last one is no failure");
        assert!(send(&breaker, &[502]));
        assert_eq!(*changes.lock().unwrap(), [Change::Opened { failed: 4, of: 5 }]);
        assert_eq!(breaker.admit().err(), Some(Duration::from_secs(5)));
        wait(3);
        assert_eq!(breaker.admit().err(), Some(Duration::from_secs(2)));
        wait(2);
        assert!(send(&breaker, &[500, 200]));
        assert_eq!(changes.lock().unwrap()[1..], [Change::Closed]);
        assert!(send(&breaker, &[503, 503, 503, 200]), "what was before is forgotten");
        assert!(send(&breaker, &[503]) && !send(&breaker, &[200]));
    }

    #[test]
    fn few_requests_or_few_failures_or_old_ones_open_nothing() {
        for (statuses, later) in [(&[503, 503, 503][..], 0), (&[200, 200, 503, 200, 503], 0), (&[503, 503, 503], 10)] {
            let (breaker, wait, changes) = breaker();
            assert!(send(&breaker, statuses));
            wait(later);
            assert!(send(&breaker, if later > 0 { &[503] } else { &[] }));
            assert!(changes.lock().unwrap().is_empty(), "{statuses:?}");
        }
    }

    #[test]
    fn a_request_that_is_let_through_and_fails_opens_it_again() {
        let (breaker, wait, changes) = breaker();
        send(&breaker, &[0; 4]);
        wait(5);
        assert!(send(&breaker, &[200, 503]) && !send(&breaker, &[200]));
        assert_eq!(changes.lock().unwrap()[1..], [Change::OpenedAgain]);
        assert_eq!(breaker.admit().err(), Some(Duration::from_secs(5)));
    }

    #[test]
    fn only_some_are_let_through_at_once_and_one_that_is_given_up_makes_room() {
        let (breaker, wait, changes) = breaker();
        send(&breaker, &[0; 4]);
        wait(5);
        let (first, second) = (breaker.admit().ok().unwrap(), breaker.admit().ok().unwrap());
        assert_eq!(breaker.admit().err(), Some(Duration::ZERO));
        drop(first);
        let third = breaker.admit().ok().unwrap();
        second.tell(OK);
        assert_eq!(breaker.admit().err(), Some(Duration::ZERO));
        third.tell(OK);
        assert_eq!(changes.lock().unwrap()[1..], [Change::Closed]);
    }

    #[test]
    fn what_was_sent_before_a_change_says_nothing_after_it() {
        let (breaker, wait, changes) = breaker();
        let slow: Vec<Permit> = (0..3).map(|_| breaker.admit().ok().unwrap()).collect();
        send(&breaker, &[0; 4]);
        wait(5);
        let _probe = breaker.admit().ok().unwrap();
        for permit in slow {
            permit.tell(Outcome::Broken);
        }
        assert_eq!(changes.lock().unwrap().len(), 1);
        assert!(breaker.admit().is_ok(), "nor has it taken anything");
    }
}
