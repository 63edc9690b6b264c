//! Refuses requests over a rate with 429: a number a second, and a burst at once, for each client.
//!
//! Limits by address, header or over all requests count before authentication, so that guessing
//! credentials costs the guesser; limits by verified identity count after it, so that a forged
//! claim cannot exhaust a victim. Requests without a verified identity pass the latter uncounted:
//! authentication decides about them. A list of limits is asked in its order; the first that
//! refuses ends it.
//!
//! Passes and refusals carry `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers),
//! refusals `Retry-After` too (RFC 9110 section 10.2.3). Counters live in this process, or in memory that
//! all worker processes of a server share ([`SharedCounters`]).
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
mod memory;
mod shared;
mod table;

use std::borrow::Cow;
use std::net::IpAddr;

use serde_json::Value;

use self::config::{RateLimitConfig, RateLimitKey};
use self::gcra::{Decision, Quota, gcra};
use self::headers::Fields;
use self::shared::Home;
pub use self::shared::SharedCounters;
use self::table::Table;
use crate::client::Client;
use crate::clock::Clock;
use crate::context::{BuildContext, BuildError};
use crate::description::{Description, Requests};
use crate::identity::Identity;
use crate::one_or_many::OneOrMany;
use crate::policy::{PolicyConfig, Setting};
use crate::problem::{Subject, TOO_MANY_REQUESTS};
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
        let none = Description::default();
        if self.is_empty() { none } else { none.and(TOO_MANY_REQUESTS, Requests::All, &headers::DESCRIBED) }
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
        match Checked::new(config, &place) {
            Ok(checked) if here(&checked.key) => built.push(checked.limit(&place)),
            Ok(_) => {}
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

struct Limit {
    key: RateLimitKey,
    quota: Quota,
    table: Table,
    fields: Fields,
    /// What a refusal says.
    detail: String,
}

/// Settings that can be built.
struct Checked<'a> {
    config: &'a RateLimitConfig,
    key: RateLimitKey,
    quota: Quota,
    max_keys: usize,
}

impl<'a> Checked<'a> {
    fn new(config: &'a RateLimitConfig, ctx: &BuildContext) -> Result<Self, BuildError> {
        let (key, quota) = (config.checked_key(ctx)?, config.quota(ctx)?);
        Ok(Self { config, key, quota, max_keys: config.checked_max_keys(ctx)? })
    }

    fn limit(self, ctx: &BuildContext) -> Limit {
        let Self { config, key, quota, max_keys } = self;
        let max_keys = if key == RateLimitKey::Global { 1 } else { max_keys };
        let (table, alone) = Home::of(ctx).table(&format!("{} {key}", ctx.place()), max_keys);
        if let Some(error) = alone {
            ctx.warn("", format!("each worker counts for itself, expected room in the memory that they share: {error}"));
        }
        let detail = format!("Over the limit of {} requests per second, burst {}", config.per_second, config.burst);
        let fields = Fields::new(&key.to_string(), config.burst, quota);
        Limit { key, quota, table, fields, detail }
    }
}

impl Limit {
    /// Counts the request, if it has the key that this limit counts by.
    fn count(&self, request: &Request, now: u64) -> Option<Decision> {
        let count = |key: &[u8]| self.table.update(key, now, |tat| gcra(tat, now, self.quota));
        match &self.key {
            RateLimitKey::Global => Some(count(b"")),
            RateLimitKey::Address => match request.extensions().get::<Client>().map(|client| client.address.to_canonical()) {
                Some(IpAddr::V4(address)) => Some(count(&address.octets())),
                Some(IpAddr::V6(address)) => Some(count(&address.octets()[..8])),
                None => Some(count(b"")),
            },
            RateLimitKey::Header(name) => Some(count(request.headers().get(name).map_or(b"", |value| value.as_bytes()))),
            RateLimitKey::ApiKey => identity(request)?.consumer.as_deref().map(|name| count(name.as_bytes())),
            RateLimitKey::Jwt(claim) => {
                let claims = identity(request)?.claims.as_ref()?;
                // Nobody escapes by way of a token that does not have the claim.
                Some(count(claims.get(claim).map(text).unwrap_or_default().as_bytes()))
            }
        }
    }
}

fn identity(request: &Request) -> Option<&Identity> {
    request.extensions().get()
}

/// A claim as the key of a counter.
fn text(claim: &Value) -> Cow<'_, str> {
    match claim {
        Value::String(text) => text.into(),
        other => other.to_string().into(),
    }
}

impl Policy for RateLimit {
    fn call<'a>(&'a self, request: Request, next: &'a dyn Service) -> Answer<'a> {
        let now = self.clock.monotonic();
        let mut counted = Vec::new();
        for limit in &self.limits {
            match limit.count(&request, now) {
                None => {}
                Some(decision @ Decision::Refused { retry_after }) => {
                    counted.push((&limit.fields, decision));
                    let mut refusal = TOO_MANY_REQUESTS.by("rate_limit").response(&Subject::of(&request), &limit.detail);
                    headers::retry_after(&mut refusal, retry_after);
                    headers::state(&mut refusal, &counted);
                    return Box::pin(async move { refusal });
                }
                Some(decision) => counted.push((&limit.fields, decision)),
            }
        }
        if counted.is_empty() {
            return next.call(request);
        }
        Box::pin(async move {
            let mut response: Response = next.call(request).await;
            headers::state(&mut response, &counted);
            response
        })
    }
}

#[cfg(test)]
mod tests;
