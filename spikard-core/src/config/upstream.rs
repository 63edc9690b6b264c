//! An upstream of the configuration: the servers that answer in our stead, and how they are reached.

mod balance;
mod circuit_breaker;
mod ejection;
mod health;
mod retries;
mod target;

use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use spikard_middleware::units;

pub(super) use self::balance::HASH_BY;
pub use self::balance::{AllDown, Balance, HashBy};
pub use self::circuit_breaker::CircuitBreakerConfig;
pub use self::ejection::EjectionConfig;
pub use self::health::HealthConfig;
pub use self::retries::{RetriesConfig, RetryFailure, RetryMethod};
pub use self::target::TargetConfig;

/// A group of servers that answer alike, which share the requests.
///
/// Connections are kept open and used again. A target that cannot be reached is passed over for
/// the next one, for as long as nothing of the request has been sent; one that fails again and again
/// gets no requests for a while.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(extend("required" = ["targets"]))]
pub struct UpstreamConfig {
    /// The servers, at least one, each by its URL or with a weight: `"http://10.0.0.1:9000"` or
    /// `{ url = "http://10.0.0.2:9000", weight = 3 }`.
    #[schemars(length(min = 1))]
    pub targets: Vec<TargetConfig>,
    /// Which target a request goes to.
    pub balance: Balance,
    /// What `balance = "hash"` goes by: `address` (of the client; IPv6 by its /64 network),
    /// `header:NAME` or `cookie:NAME`. Requests that have no such header or cookie take turns.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hash_by: Option<HashBy>,
    /// How long a target that is new or back gets less than its share: at first a tenth, then
    /// more and more. 0: it gets its share at once.
    #[serde(with = "units::duration")]
    #[schemars(with = "units::DurationText")]
    pub slow_start: Duration,
    /// How often the names of targets are resolved, each address being a target of its own from then
    /// on. 0: a name is one target, and resolved for each connection to it.
    #[serde(with = "units::duration")]
    #[schemars(with = "units::DurationText")]
    pub resolve_interval: Duration,
    /// What becomes of requests while no target takes part.
    pub all_down: AllDown,
    /// How long making a connection may take, name resolution and TLS included; then 502.
    #[serde(with = "units::duration")]
    #[schemars(with = "units::DurationText")]
    pub connect_timeout: Duration,
    /// How long the head of the answer may take once the request is sent, or while the upstream
    /// takes no more of its body; then 504. Shorter than the default of `request_timeout`, so that
    /// a slow upstream shows as one.
    #[serde(with = "units::duration")]
    #[schemars(with = "units::DurationText")]
    pub response_timeout: Duration,
    /// How long everything may take until the head of an answer comes: waiting until the upstream
    /// takes the request, connecting, and all the times that the request is sent; then 504.
    /// `connect_timeout` and `response_timeout` bound a single try. 0 is no limit.
    #[serde(with = "units::duration")]
    #[schemars(with = "units::DurationText")]
    pub total_timeout: Duration,
    /// How long a connection is kept open while it has nothing to do.
    #[serde(with = "units::duration")]
    #[schemars(with = "units::DurationText")]
    pub idle_timeout: Duration,
    /// How many connections without work are kept open for each target.
    pub idle_connections: usize,
    /// Active health checks: targets are asked how they are, and get no requests while they fail.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health: Option<HealthConfig>,
    /// Passive health checks: targets that fail requests get none for a while.
    pub ejection: EjectionConfig,
    /// How many requests the upstream works on at once; a WebSocket counts for as long as it lasts.
    /// Over HTTP/1.1 this is also how many connections are open, kept ones included; over HTTP/2,
    /// requests share one for each target. None: as many as come.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub max_connections: Option<usize>,
    /// How many more requests wait until one of `max_connections` is free, for `connect_timeout` at
    /// most; any further one is answered 503, and so is one that waited for nothing.
    pub max_pending: usize,
    /// When a request is sent once more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retries: Option<RetriesConfig>,
    /// When the upstream is left alone for a while because it fails.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub circuit_breaker: Option<CircuitBreakerConfig>,
    /// Leading segments of the path that the upstream does not get to see: with `/api`, a request
    /// for `/api/users` asks for `/users`. Other paths stay as they are. Not together with `rewrite`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strip_prefix: Option<String>,
    /// The path that the upstream is asked for; `{name}` stands for what a parameter of the
    /// route's path matched: `/v2/{rest}`. The query stays. Not together with `strip_prefix`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rewrite: Option<String>,
    /// Whether HTTP/2 is spoken: with `https` if the target agrees (ALPN), with `http` and `unix`
    /// in any case (prior knowledge). WebSockets and other upgrades always use HTTP/1.1.
    pub http2: bool,
    /// Whether the target sees the `Host` that the client asked for; otherwise it sees its own
    /// name. `X-Forwarded-Host` and `Forwarded` name the client's in both cases.
    pub preserve_host: bool,
    /// A PEM file with the authorities that `https` targets are checked against, in place of the
    /// ones that the system trusts.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = units::PATH_FORMAT))]
    pub ca: Option<PathBuf>,
    /// A PEM file with the certificate that `https` targets are shown when they ask who we are, and
    /// with those that vouch for it, each behind the one that it vouches for. Together with `client_key`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = units::PATH_FORMAT))]
    pub client_certificate: Option<PathBuf>,
    /// A PEM file with the private key of `client_certificate`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = units::PATH_FORMAT))]
    pub client_key: Option<PathBuf>,
    /// The name that `https` targets are asked for (SNI) and that their certificates must have, if
    /// it is not the host of the target: for targets that are addresses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_name: Option<String>,
    /// A file with the OpenAPI document of these servers (3.0 or 3.1, YAML or JSON), for routes that
    /// have no `openapi` of their own. Its paths are those that the servers are asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = units::PATH_FORMAT))]
    pub openapi: Option<PathBuf>,
}

impl Default for UpstreamConfig {
    fn default() -> Self {
        Self {
            targets: Vec::new(),
            balance: Balance::default(),
            hash_by: None,
            slow_start: Duration::ZERO,
            resolve_interval: Duration::ZERO,
            all_down: AllDown::default(),
            connect_timeout: Duration::from_secs(5),
            response_timeout: Duration::from_secs(25),
            total_timeout: Duration::ZERO,
            idle_timeout: Duration::from_mins(1),
            idle_connections: 256,
            health: None,
            ejection: EjectionConfig::default(),
            max_connections: None,
            max_pending: 128,
            retries: None,
            circuit_breaker: None,
            strip_prefix: None,
            rewrite: None,
            http2: false,
            preserve_host: true,
            ca: None,
            client_certificate: None,
            client_key: None,
            server_name: None,
            openapi: None,
        }
    }
}

impl UpstreamConfig {
    /// An upstream of one target.
    pub fn to(url: impl Into<String>) -> Self {
        Self { targets: vec![TargetConfig::new(url)], ..Self::default() }
    }
}
