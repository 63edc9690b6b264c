//! The limits that consumers have of their own: counted by their names, wherever their keys are
//! presented, and beside all other limits.
//!
//! One table holds the counters of all consumers; what a counter admits comes with the request, so
//! that a limit may change while its count goes on.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::gcra::{Decision, Quota, gcra};
use super::headers::{self, Fields};
use super::shared::Home;
use super::table::Table;
use crate::clock::Clock;
use crate::context::{BuildContext, BuildError};
use crate::description::AnswerHeader;
use crate::problem::{Subject, TOO_MANY_REQUESTS};
use crate::service::Response;

/// How many consumers have counters at a time; one more takes the place of the one that was used
/// longest ago.
const MOST: usize = 1 << 16;

/// The headers of a refusal, for the description of an API.
pub(crate) const DESCRIBED: [AnswerHeader; 3] = headers::DESCRIBED;

/// The limit of one consumer, over all of its keys and all routes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConsumerLimitConfig {
    /// How many requests a second come back after a burst.
    #[schemars(extend("exclusiveMinimum" = 0, "maximum" = 1e9))]
    pub per_second: f64,
    /// How many requests pass at once.
    #[schemars(range(min = 1))]
    pub burst: u32,
}

/// A limit that is ready to count.
pub(crate) struct ConsumerLimit {
    quota: Quota,
    fields: Fields,
    detail: String,
}

impl ConsumerLimit {
    /// Reads the settings; `ctx` is at their place.
    pub(crate) fn new(config: &ConsumerLimitConfig, ctx: &BuildContext) -> Result<Self, BuildError> {
        let ConsumerLimitConfig { per_second, burst } = config;
        let quota = Quota::new(*per_second, *burst).ok_or_else(|| {
            let message =
                format!("{per_second} per second with a burst of {burst} is no limit, expected both above 0, and up to 1e9");
            ctx.invalid("", message)
        })?;
        let detail = format!("Over the limit of {per_second} requests per second, burst {burst}");
        Ok(Self { quota, fields: Fields::new("consumer", *burst, quota), detail })
    }

    /// The answer to a request that was not admitted.
    pub(crate) fn refusal(&self, subject: &Subject, decision: Decision) -> Response {
        let mut refusal = TOO_MANY_REQUESTS.by("authentication").response(subject, &self.detail);
        if let Decision::Refused { retry_after } = decision {
            headers::retry_after(&mut refusal, retry_after);
        }
        self.tell(&mut refusal, decision);
        refusal
    }

    /// Says in an answer what is left of the limit.
    pub(crate) fn tell(&self, response: &mut Response, decision: Decision) {
        headers::state(response, &[(&self.fields, decision)]);
    }
}

/// The counters of all consumers of a server.
pub(crate) struct ConsumerCounters {
    table: Table,
    clock: Clock,
}

impl ConsumerCounters {
    /// Those of a configuration, which all of its routes share.
    pub(crate) fn of(ctx: &BuildContext) -> Arc<Self> {
        let home = Home::of(ctx);
        ctx.shared("rate_limit consumers", || {
            let (table, alone) = home.table("consumers", MOST);
            if let Some(error) = alone {
                ctx.warn("", format!("each worker counts for itself, expected room in the memory that they share: {error}"));
            }
            Self { table, clock: ctx.clock().clone() }
        })
    }

    /// Counts a request of a consumer.
    pub(crate) fn count(&self, consumer: &str, limit: &ConsumerLimit) -> Decision {
        let now = self.clock.monotonic();
        self.table.update(consumer.as_bytes(), now, |tat| gcra(tat, now, limit.quota))
    }
}
