//! Active health checks of the targets of an upstream.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use spikard_middleware::units;

/// Asks each target now and then how it is (active health checks). A target that fails its checks
/// gets no requests.
///
/// Until its first check a target counts as healthy, and that check decides alone; after it the
/// thresholds do. Every check makes a connection of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(extend("required" = ["path"]))]
pub struct HealthConfig {
    /// The path that is asked for with GET, with a query if there is one.
    pub path: String,
    /// How long after one check the next one follows, give or take a tenth.
    #[serde(with = "units::duration")]
    #[schemars(with = "units::DurationText")]
    pub interval: Duration,
    /// How long a check may take, connection included.
    #[serde(with = "units::duration")]
    #[schemars(with = "units::DurationText")]
    pub timeout: Duration,
    /// After how many checks in a row that passed an unhealthy target is healthy.
    #[schemars(range(min = 1))]
    pub healthy_threshold: u32,
    /// After how many checks in a row that failed a healthy target is unhealthy.
    #[schemars(range(min = 1))]
    pub unhealthy_threshold: u32,
    /// The statuses of an answer that passes. None: all from 200 to 399.
    #[schemars(inner(range(min = 100, max = 599)))]
    pub statuses: Vec<u16>,
    /// The `Host` that is asked for, in place of the target's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
}

impl Default for HealthConfig {
    fn default() -> Self {
        Self {
            path: String::new(),
            interval: Duration::from_secs(10),
            timeout: Duration::from_secs(3),
            healthy_threshold: 2,
            unhealthy_threshold: 3,
            statuses: Vec::new(),
            host: None,
        }
    }
}

impl HealthConfig {
    /// Checks that ask for `path`.
    pub fn of(path: impl Into<String>) -> Self {
        Self { path: path.into(), ..Self::default() }
    }
}
