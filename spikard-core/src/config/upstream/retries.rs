//! When a request to an upstream is sent once more.

use std::time::Duration;

use http::Method;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use spikard_middleware::units;

/// When a request is sent once more: to another target where there is one, after a short wait.
///
/// Only requests without body are, by methods that ask for the same thing however often they are
/// sent; never one whose answer has begun, unless its status is one of `statuses`; and never more
/// of them than the budget has, so that an upstream that is overloaded is not sent even more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RetriesConfig {
    /// How many times a request is sent again at most. The client gets what came of the last time.
    #[schemars(range(min = 1, max = 10))]
    pub attempts: u32,
    /// The methods of requests that are sent again. `PUT` and `DELETE` are idempotent, not safe: a
    /// `DELETE` that is sent twice may be answered 404.
    #[schemars(length(min = 1))]
    pub methods: Vec<RetryMethod>,
    /// The statuses of answers that another try takes the place of.
    #[schemars(inner(range(min = 400, max = 599)))]
    pub statuses: Vec<u16>,
    /// The failures that another try follows: `connect`, no connection could be made; `reset`, the
    /// connection ended before an answer began; `timeout`, none began within `response_timeout`.
    pub failures: Vec<RetryFailure>,
    /// How many requests are sent again at most, in percent of the requests of the last 10 seconds.
    #[schemars(range(max = 100))]
    pub budget_percent: u32,
    /// How many requests a second are sent again beside `budget_percent`, for upstreams with few requests.
    pub budget_per_second: u32,
    /// The longest wait before the first time a request is sent again; it doubles each time. The wait
    /// is a random part of it, so that requests which failed together do not come back together.
    #[serde(with = "units::duration")]
    #[schemars(with = "units::DurationText")]
    pub backoff: Duration,
    /// What `backoff` does not grow beyond.
    #[serde(with = "units::duration")]
    #[schemars(with = "units::DurationText")]
    pub max_backoff: Duration,
}

impl Default for RetriesConfig {
    fn default() -> Self {
        Self {
            attempts: 2,
            methods: vec![RetryMethod::Get, RetryMethod::Head, RetryMethod::Options],
            statuses: vec![502, 503, 504],
            failures: vec![RetryFailure::Connect, RetryFailure::Reset, RetryFailure::Timeout],
            budget_percent: 20,
            budget_per_second: 10,
            backoff: Duration::from_millis(25),
            max_backoff: Duration::from_millis(250),
        }
    }
}

/// A method that is safe or idempotent (RFC 9110 section 9.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
#[schemars(inline)]
pub enum RetryMethod {
    /// Safe.
    Get,
    /// Safe.
    Head,
    /// Safe.
    Options,
    /// Idempotent.
    Put,
    /// Idempotent.
    Delete,
}

impl From<RetryMethod> for Method {
    fn from(method: RetryMethod) -> Self {
        match method {
            RetryMethod::Get => Self::GET,
            RetryMethod::Head => Self::HEAD,
            RetryMethod::Options => Self::OPTIONS,
            RetryMethod::Put => Self::PUT,
            RetryMethod::Delete => Self::DELETE,
        }
    }
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum RetryFailure {
    /// No connection could be made.
    Connect,
    /// The connection ended before an answer began.
    Reset,
    /// No answer began in time.
    Timeout,
}
