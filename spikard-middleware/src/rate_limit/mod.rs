//! Refuses requests over a rate with 429: a number a second, and a burst at once, for each client.
//!
//! Limits by address, header or over all requests count before authentication, so that guessing
//! credentials costs the guesser; limits by verified identity count after it, so that a forged
//! claim cannot exhaust a victim. Requests without a verified identity pass the latter uncounted:
//! authentication decides about them. A list of limits is asked in its order; the first that
//! refuses ends it.
//!
//! Passes and refusals carry `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers),
//! refusals `Retry-After` too (RFC 9110 section 10.2.3). Counters live in this process, in memory that
//! all worker processes of a server share ([`SharedCounters`]), or in a store that several servers share.
//!
//! ```
//! use spikard_middleware::{PolicyConfig, RateLimitConfig, RateLimits};
//! let limits = RateLimits::from(RateLimitConfig::new(10.0, 20));
//! let app: axum::Router = axum::Router::new().layer(limits.layer()?);
//! # Ok::<_, spikard_middleware::BuildError>(())
//! ```

pub mod config;
pub mod consumers;
pub mod gcra;
mod headers;
mod limit;
mod memory;
mod remote;
mod shared;
mod table;

use self::config::{OnError, RateLimitConfig, RateLimitKey};
use self::gcra::Decision;
use self::headers::Fields;
use self::limit::{Checked, Limit, Outcome};
pub use self::shared::SharedCounters;
use crate::clock::Clock;
use crate::context::{BuildContext, BuildError};
use crate::description::{Description, Requests};
use crate::one_or_many::OneOrMany;
use crate::policy::{PolicyConfig, Setting};
use crate::problem::{SERVICE_UNAVAILABLE, Subject, TOO_MANY_REQUESTS};
use crate::service::{Answer, Layer, Policy, Request, Response, Service};

/// One limit or a list of them.
pub type RateLimits = OneOrMany<RateLimitConfig>;

impl PolicyConfig for RateLimits {
    /// The limits that count before authentication.
    fn build(&self, ctx: &BuildContext) -> Result<Option<Layer>, BuildError> {
        let keys: Vec<_> = self.iter().filter_map(|config| config.checked_key(ctx).ok()).collect();
        if keys.iter().any(RateLimitKey::is_identity) && !keys.contains(&RateLimitKey::Address) {
            ctx.warn("", "limits by identity alone, expected a limit by `address` beside it: guessing credentials is free");
        }
        build(self, ctx, |key| !key.is_identity())
    }

    fn description(&self) -> Description {
        let mut description = Description::default();
        if !self.is_empty() {
            description = description.and(TOO_MANY_REQUESTS, Requests::All, &headers::DESCRIBED);
        }
        if self.iter().any(|limit| limit.store.is_some() && limit.on_error == OnError::Closed) {
            description = description.and(SERVICE_UNAVAILABLE, Requests::All, &headers::DESCRIBED[..1]);
        }
        description
    }

    /// All limits in one layer, which belongs behind the authentication if one counts by identity.
    fn layer(&self) -> Result<Layer, BuildError> {
        let layer = build(self, &BuildContext::default(), |_| true)?;
        Ok(layer.unwrap_or_else(|| Layer::new(RateLimit { limits: Vec::new(), clock: Clock::system() })))
    }
}

/// The limits that count by verified identity.
pub(crate) fn by_identity(setting: Setting<'_, RateLimits>) -> Result<Option<Layer>, BuildError> {
    setting.config.map_or(Ok(None), |limits| build(limits, setting.ctx, RateLimitKey::is_identity))
}

fn build(limits: &RateLimits, ctx: &BuildContext, here: impl Fn(&RateLimitKey) -> bool) -> Result<Option<Layer>, BuildError> {
    let mut built = Vec::new();
    let mut errors = Vec::new();
    for (index, config) in limits.iter().enumerate() {
        let place = if limits.len() == 1 { ctx.clone() } else { ctx.at(ctx.place().index(index)) };
        let limit =
            Checked::new(config, &place).and_then(|checked| here(&checked.key).then(|| checked.limit(&place)).transpose());
        match limit {
            Ok(limit) => built.extend(limit),
            Err(error) => errors.push(error),
        }
    }
    BuildError::all(errors)?;
    let policy = RateLimit { limits: built, clock: ctx.clock().clone() };
    Ok((!policy.limits.is_empty()).then(|| Layer::new(policy)))
}

struct RateLimit {
    limits: Vec<Limit>,
    clock: Clock,
}

/// What the refusals are counted under, whichever side of authentication they come from.
const POLICY: &str = "rate_limit";

/// What the limits have said of a request so far.
#[derive(Default)]
struct Tally<'a>(Vec<(&'a Fields, Decision)>);

impl<'a> Tally<'a> {
    /// Adds what a limit says. Gives the answer if that is no.
    #[must_use]
    fn add(&mut self, limit: &'a Limit, outcome: Outcome, request: &Request) -> Option<Response> {
        let (mut refusal, wait) = match outcome {
            Outcome::Uncounted => return None,
            Outcome::Counted(decision) => {
                self.0.push((&limit.fields, decision));
                let Decision::Refused { retry_after } = decision else { return None };
                (TOO_MANY_REQUESTS.by(POLICY).response(&Subject::of(request), &limit.detail), retry_after)
            }
            Outcome::Unknown => {
                (SERVICE_UNAVAILABLE.by(POLICY).response(&Subject::of(request), "Requests cannot be counted at the moment"), 0)
            }
        };
        headers::retry_after(&mut refusal, wait);
        headers::state(&mut refusal, &self.0);
        Some(refusal)
    }

    async fn answer(self, request: Request, next: &dyn Service) -> Response {
        let mut response = next.call(request).await;
        headers::state(&mut response, &self.0);
        response
    }
}

impl RateLimit {
    /// The same, where one of the limits has a store.
    async fn over_the_network(&self, request: Request, next: &dyn Service) -> Response {
        let mut tally = Tally::default();
        for limit in &self.limits {
            let Some(key) = limit.with_key(&request, <[u8]>::to_vec) else { continue };
            let outcome = limit.ask(&key, &self.clock).await;
            if let Some(refusal) = tally.add(limit, outcome, &request) {
                return refusal;
            }
        }
        tally.answer(request, next).await
    }
}

impl Policy for RateLimit {
    fn call<'a>(&'a self, request: Request, next: &'a dyn Service) -> Answer<'a> {
        if self.limits.iter().any(Limit::is_remote) {
            return Box::pin(self.over_the_network(request, next));
        }
        let now = self.clock.monotonic();
        let mut tally = Tally::default();
        for limit in &self.limits {
            let counted = limit.with_key(&request, |key| Outcome::Counted(limit.count(key, now)));
            if let Some(refusal) = tally.add(limit, counted.unwrap_or(Outcome::Uncounted), &request) {
                return Box::pin(async move { refusal });
            }
        }
        if tally.0.is_empty() { next.call(request) } else { Box::pin(tally.answer(request, next)) }
    }
}

#[cfg(test)]
mod tests;
