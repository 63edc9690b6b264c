//! When a target of an upstream gets no requests for a while.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use spikard_middleware::units;

/// Ejects a target that fails several requests in a row (passive health checks).
///
/// Failures are connections that cannot be made or break, answers that do not come in time or are no
/// HTTP, and answers with one of `statuses`. Once the time is over, one request at a time finds out
/// whether the target is back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct EjectionConfig {
    /// After how many failures in a row a target is ejected; 0: never.
    pub failures: u32,
    /// How long it gets no requests the first time. Each attempt that finds it failing still doubles
    /// the time.
    #[serde(with = "units::duration")]
    #[schemars(with = "units::DurationText")]
    pub time: Duration,
    /// How long it gets no requests at most.
    #[serde(with = "units::duration")]
    #[schemars(with = "units::DurationText")]
    pub max_time: Duration,
    /// How many of a hundred targets may be out at the same time for what they answered, so that
    /// the others can bear the load. Targets that cannot be reached are ejected in any case.
    #[schemars(range(max = 100))]
    pub max_percent: u8,
    /// Statuses that count as failures.
    #[schemars(inner(range(min = 100, max = 599)))]
    pub statuses: Vec<u16>,
}

impl Default for EjectionConfig {
    fn default() -> Self {
        Self {
            failures: 3,
            time: Duration::from_secs(10),
            max_time: Duration::from_mins(5),
            max_percent: 50,
            statuses: vec![502, 503, 504],
        }
    }
}
