//! A shared cache (RFC 9111): keeps answers to `GET`, and gives them to others who ask for the same.
//!
//! What the answer says decides: `Cache-Control` (or `CDN-Cache-Control`, RFC 9213), `Expires`, `Vary`. One that
//! says nothing is kept only with `default_ttl`; one that is for a single client (`private`, `Set-Cookie`,
//! credentials in the request) is not, unless it says that it is for all. A stored answer serves `GET`, `HEAD`,
//! ranges and preconditions. When its time is over, the leaf is asked whether it is still the same; meanwhile, or when
//! the leaf fails, it may be given a while longer (RFC 5861). Requests for what is being fetched wait for that one
//! answer, which goes on when the first client goes away. An unsafe request that succeeds invalidates
//! what is stored for its URL. Every answer says what was done, in `Cache-Status` (RFC 9211).
//!
//! Left to the leaf: requests with a body, an upgrade, `If-Match` or `If-Unmodified-Since`; what is not stored yet and
//! is asked for by `HEAD` or in part. Parts of answers are not stored, and not put together.
//!
//! ```
//! use spikard_middleware::{CacheConfig, PolicyConfig};
//! use std::time::Duration;
//!
//! let config = CacheConfig { stale_if_error: Duration::from_secs(3600), ..CacheConfig::default() };
//! let app: axum::Router = axum::Router::new().layer(config.layer()?);
//! # Ok::<_, spikard_middleware::BuildError>(())
//! ```

mod answer;
mod budget;
mod caches;
mod config;
mod directives;
mod fetch;
mod fill;
#[cfg(test)]
mod fill_tests;
mod flight;
mod judge;
mod key;
mod list;
mod lookup;
mod metrics;
mod status;
mod store;
mod stored;
mod terms;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use http::Method;
use http::header::{CONTENT_LOCATION, IF_MATCH, IF_UNMODIFIED_SINCE, LOCATION, UPGRADE};
use http_body::Body as _;

use crate::clock::Clock;
use crate::context::{BuildContext, BuildError};
use crate::description::{AnswerHeader, Description};
use crate::policy::PolicyConfig;
use crate::service::{Answer, Layer, Request, Response, Service, Wrapper};

use self::budget::Budget;
pub use self::caches::{Caches, Purge};
pub use self::config::CacheConfig;
use self::flight::Flights;
use self::key::{IgnoredQuery, same_origin};
use self::metrics::CacheMetrics;
use self::status::{Forwarded, Handling};
use self::store::{Stamp, Store};
use self::stored::{Stored, members};

impl PolicyConfig for CacheConfig {
    fn build(&self, ctx: &BuildContext) -> Result<Option<Layer>, BuildError> {
        self.check(ctx)?;
        let shared = Shared {
            ignored: IgnoredQuery::new(&self.ignored_query),
            store: Arc::new(Store::new(self.max_size.0)),
            flights: Arc::default(),
            // What is stored, and as much again that is arriving or still being sent.
            budget: Budget::new(self.max_size.0.saturating_mul(2)),
            caches: ctx.caches().clone(),
            clock: ctx.clock().clone(),
            metrics: CacheMetrics::new(ctx),
            config: self.clone(),
        };
        ctx.caches().add(&shared.store);
        Ok(Some(Layer::wrapping(Cache(Arc::new(shared)))))
    }

    fn description(&self) -> Description {
        let header = AnswerHeader::text("Cache-Status", "What the cache did for the request (RFC 9211).");
        let headers = if self.name.is_empty() { Vec::new() } else { vec![header] };
        Description { headers, ..Description::default() }
    }
}

/// What one cache has, whatever it stands around.
struct Shared {
    config: CacheConfig,
    ignored: IgnoredQuery,
    store: Arc<Store>,
    flights: Arc<Flights>,
    budget: Budget,
    /// All caches of the server: what changes is forgotten everywhere.
    caches: Caches,
    clock: Clock,
    metrics: CacheMetrics,
}

impl Shared {
    fn insert(&self, url: &Arc<str>, stamp: Stamp, stored: &Stored) {
        self.store.insert(url, stamp, stored);
        self.metrics.stored(self.store.size());
    }
}

struct Cache(Arc<Shared>);

impl Wrapper for Cache {
    fn around(&self, inner: Arc<dyn Service>) -> Arc<dyn Service> {
        Arc::new(Caching { shared: Arc::clone(&self.0), inner })
    }
}

/// A cache around one leaf.
#[derive(Clone)]
struct Caching {
    shared: Arc<Shared>,
    inner: Arc<dyn Service>,
}

impl Service for Caching {
    fn call(&self, request: Request) -> Answer<'_> {
        match *request.method() {
            Method::GET | Method::HEAD if !is_for_leaf(&request) => self.look(request),
            Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE | Method::CONNECT => {
                self.pass(request, Handling::forwarded(Forwarded::Bypass))
            }
            _ => self.change(request),
        }
    }
}

/// Whether a cache has no part in a request, whatever is stored.
fn is_for_leaf(request: &Request) -> bool {
    let headers = request.headers();
    [UPGRADE, IF_MATCH, IF_UNMODIFIED_SINCE].iter().any(|name| headers.contains_key(name)) || !request.body().is_end_stream()
}

impl Caching {
    /// Lets the leaf answer.
    fn pass(&self, request: Request, handling: Handling) -> Answer<'_> {
        self.shared.metrics.bypass.inc();
        let answer = self.inner.call(request);
        Box::pin(async move { self.said(answer.await, handling) })
    }

    /// Lets the leaf answer a request that may change what is stored (RFC 9111 section 4.4).
    fn change(&self, request: Request) -> Answer<'_> {
        let url = key::url(&request, &self.shared.ignored);
        let answer = self.pass(request, Handling::forwarded(Forwarded::Method));
        Box::pin(async move {
            let response = answer.await;
            if !response.status().is_client_error() && !response.status().is_server_error() {
                self.invalidate(&url, &response);
            }
            response
        })
    }

    fn invalidate(&self, url: &str, response: &Response) {
        let caches = &self.shared.caches;
        caches.invalidate(url);
        let references = [LOCATION, CONTENT_LOCATION].into_iter().filter_map(|name| response.headers().get(name));
        references.filter_map(|reference| same_origin(url, reference)).for_each(|url| caches.invalidate(&url));
        // RFC 9875 section 3.
        let origin = url.match_indices('/').nth(2).map_or(url, |(end, _)| &url[..end]);
        members(response.headers(), "cache-group-invalidation").for_each(|group| caches.invalidate_group(origin, &group));
    }

    fn said(&self, mut response: Response, handling: Handling) -> Response {
        handling.say(&self.shared.config.name, response.headers_mut());
        response
    }
}
