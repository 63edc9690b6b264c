//! Somebody who has API keys: until when they are good, for which routes, and how often.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use http::Method;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::client::MatchedRoute;
use crate::context::{BuildContext, BuildError};
use crate::moment::Moment;
use crate::rate_limit::consumers::{ConsumerLimit, ConsumerLimitConfig};
use crate::secret::Secret;
use crate::service::Request;

/// Somebody who has API keys, and what these are good for.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ConsumerConfig {
    /// The keys, each plain text or `sha256:` and the digest in hexadecimal: two of them, while one
    /// takes the place of the other.
    pub keys: Vec<Secret>,
    /// When the keys end: `"2027-01-31"`, or a time in UTC such as `"2027-01-31T12:00:00Z"`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires: Option<Moment>,
    /// The routes that the keys are good for, by their paths as the configuration has them:
    /// `"/orders/{id}"`, `"GET /orders"` for one method, `"/reports/*"` for all below. Empty: every
    /// route.
    pub routes: Vec<String>,
    /// How many requests the consumer may make, over all of its keys and all routes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate_limit: Option<ConsumerLimitConfig>,
}

/// Consumers by their names.
pub type Consumers = BTreeMap<String, ConsumerConfig>;

/// A consumer that is ready to be asked for.
pub(super) struct Consumer {
    pub(super) name: Arc<str>,
    expires: Option<Duration>,
    routes: Vec<Pattern>,
    pub(super) limit: Option<ConsumerLimit>,
}

impl Consumer {
    /// A consumer of whom nothing but a name is known.
    pub(super) fn named(name: &str) -> Self {
        Self { name: name.into(), expires: None, routes: Vec::new(), limit: None }
    }

    /// Reads the settings; `ctx` is at their place.
    pub(super) fn new(name: &str, config: &ConsumerConfig, ctx: &BuildContext) -> Result<Self, BuildError> {
        let routes = config.routes.iter().enumerate().map(|(index, text)| {
            let wrong = || {
                let expected = "expected the path of a route such as \"/orders/{id}\", \"GET /orders\" or \"/reports/*\"";
                ctx.invalid(&format!("routes.{index}"), format!("`{text}` is no route, {expected}"))
            };
            Pattern::parse(text).ok_or_else(wrong)
        });
        let limit = config.rate_limit.as_ref().map(|limit| ConsumerLimit::new(limit, &ctx.at(ctx.place().key("rate_limit"))));
        Ok(Self {
            name: name.into(),
            expires: config.expires.map(Moment::since_epoch),
            routes: routes.collect::<Result<_, _>>()?,
            limit: limit.transpose()?,
        })
    }

    /// Whether the keys have ended at the time `now` since 1970.
    pub(super) fn has_ended(&self, now: Duration) -> bool {
        self.expires.is_some_and(|end| end <= now)
    }

    /// Whether the keys are good for the route of a request.
    pub(super) fn may_ask(&self, request: &Request) -> bool {
        let route = request.extensions().get::<MatchedRoute>();
        self.routes.is_empty()
            || route.is_some_and(|route| self.routes.iter().any(|pattern| pattern.fits(request.method(), route)))
    }
}

/// Routes as a consumer's settings name them.
#[derive(Debug, PartialEq)]
struct Pattern {
    method: Option<Method>,
    path: String,
    /// Whether it means all routes below the path, too.
    and_below: bool,
}

impl Pattern {
    fn parse(text: &str) -> Option<Self> {
        let (method, path) = match text.split_once(' ') {
            Some((method, path)) => (Some(method), path),
            None => (None, text),
        };
        let is_name = |name: &&str| name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'-');
        let method = match method {
            Some(name) => Some(Some(name).filter(is_name)?.parse().ok()?),
            None => None,
        };
        let base = path.strip_suffix("/*");
        let is_path = path.starts_with('/') && !path.contains(char::is_whitespace);
        is_path.then(|| Self { method, path: base.unwrap_or(path).to_owned(), and_below: base.is_some() })
    }

    fn fits(&self, method: &Method, route: &MatchedRoute) -> bool {
        // Who may see what GET brings may see its head.
        let is_asked = |named: &Method| named == method || (*named == Method::GET && *method == Method::HEAD);
        let is_below = || route.as_str().strip_prefix(&self.path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        let is_there = if self.and_below { is_below() } else { route.as_str() == self.path };
        is_there && self.method.as_ref().is_none_or(is_asked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_means_a_route_or_all_below_a_path() {
        for (pattern, fitting, other) in [
            ("/orders", vec!["GET /orders", "PUT /orders"], vec!["GET /orders/{id}", "GET /orders2"]),
            ("GET /orders/{id}", vec!["GET /orders/{id}", "HEAD /orders/{id}"], vec!["PUT /orders/{id}", "GET /orders/{name}"]),
            ("/orders/*", vec!["GET /orders", "GET /orders/{id}", "PUT /orders/{id}/items"], vec!["GET /orders2", "GET /"]),
            ("PURGE /*", vec!["PURGE /", "PURGE /{*rest}"], vec!["GET /"]),
        ] {
            let parsed = Pattern::parse(pattern).unwrap();
            let fits = |route: &&str| {
                let (method, path) = route.split_once(' ').unwrap();
                parsed.fits(&method.parse().unwrap(), &MatchedRoute::new(path.into()))
            };
            assert!(fitting.iter().all(fits), "{pattern}");
            assert!(!other.iter().any(fits), "{pattern}");
        }
        for text in ["", "orders", "get /orders", "GET", "GET  /orders", "GET orders", "/a b"] {
            assert_eq!(Pattern::parse(text), None, "{text}");
        }
    }
}
