//! What a cache counts.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;

use crate::context::BuildContext;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Request {
    cache: String,
    result: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Place {
    cache: String,
}

/// The metrics of one cache, which is named by its place in the configuration.
pub(super) struct CacheMetrics {
    /// Answered from what is fresh.
    pub(super) hit: Counter,
    /// Answered from what is stale.
    pub(super) stale: Counter,
    /// Answered from what the leaf has confirmed.
    pub(super) revalidated: Counter,
    /// Answered by the fetch of another request.
    pub(super) collapsed: Counter,
    /// Answered by the leaf.
    pub(super) miss: Counter,
    /// Nothing for a cache.
    pub(super) bypass: Counter,
    bytes: Gauge,
    urls: Gauge,
}

impl CacheMetrics {
    pub(super) fn new(ctx: &BuildContext) -> Self {
        let cache = ctx.place().to_string();
        let metrics = ctx.metrics();
        let requests =
            metrics.metric("cache_requests", "Requests by what a cache did for them", Family::<Request, Counter>::default);
        let result = |result| requests.get_or_create_owned(&Request { cache: cache.clone(), result });
        let bytes = metrics.metric("cache_size_bytes", "What a cache stores, in bytes", Family::<Place, Gauge>::default);
        let urls = metrics.metric("cache_urls", "How many URLs a cache stores answers for", Family::<Place, Gauge>::default);
        let place = Place { cache: cache.clone() };
        Self {
            hit: result("hit"),
            stale: result("stale"),
            revalidated: result("revalidated"),
            collapsed: result("collapsed"),
            miss: result("miss"),
            bypass: result("bypass"),
            bytes: bytes.get_or_create_owned(&place),
            urls: urls.get_or_create_owned(&place),
        }
    }

    /// Notes what is stored.
    pub(super) fn stored(&self, (bytes, urls): (u64, u64)) {
        self.bytes.set(i64::try_from(bytes).unwrap_or(i64::MAX));
        self.urls.set(i64::try_from(urls).unwrap_or(i64::MAX));
    }
}
