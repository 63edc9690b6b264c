//! When an upstream that fails is left alone for a while.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use spikard_middleware::units;

/// Leaves an upstream alone for a while when too many requests to it fail: they are answered 503 at
/// once, in place of waiting for what does not come, and the upstream has time to recover.
///
/// A request fails if no connection can be made, if it gets no usable answer or none in time, and
/// if the answer has one of `statuses`. Each time that a request is sent again counts by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CircuitBreakerConfig {
    /// How many of the requests in `window` must fail, in percent.
    #[schemars(range(min = 1, max = 100))]
    pub failure_percent: u32,
    /// How many requests there must have been in `window`: of few, chance decides.
    #[schemars(range(min = 1))]
    pub min_requests: u32,
    /// How far back requests count.
    #[serde(with = "units::duration")]
    #[schemars(with = "units::DurationText")]
    pub window: Duration,
    /// How long requests are refused before some are let through to see how it is.
    #[serde(with = "units::duration")]
    #[schemars(with = "units::DurationText")]
    pub open_time: Duration,
    /// How many requests are let through then. If all succeed, all requests go to the upstream
    /// again; at the first failure, they are refused for another `open_time`.
    #[schemars(range(min = 1))]
    pub probes: u32,
    /// The statuses of answers that count as failures.
    #[schemars(inner(range(min = 400, max = 599)))]
    pub statuses: Vec<u16>,
}

impl Default for CircuitBreakerConfig {
    fn default() -> Self {
        Self {
            failure_percent: 50,
            min_requests: 20,
            window: Duration::from_secs(10),
            open_time: Duration::from_secs(5),
            probes: 3,
            statuses: vec![502, 503, 504],
        }
    }
}
