//! What a server serves at the moment, and the swap for something else while it runs.

use std::sync::Arc;

use arc_swap::ArcSwap;
use http::HeaderName;
use ipnet::IpNet;
use spikard_middleware::Service;

use super::strip::Strip;
use crate::config::ServerConfig;
use crate::gateway::Gateway;
use crate::tls::Tls;

/// A service, and what the server does to requests before it is asked. Both come from one
/// configuration, so they change together.
pub struct Served {
    pub(super) service: Arc<dyn Service>,
    pub(super) trusted_proxies: Vec<IpNet>,
    pub(super) strip: Arc<Strip>,
    pub(super) tls: Option<Arc<Tls>>,
}

impl Served {
    /// A service for clients that are no proxies, and may set every header but `Forwarded` and its like.
    pub fn new(service: Arc<dyn Service>) -> Self {
        Self { service, trusted_proxies: Vec::new(), strip: Arc::default(), tls: None }
    }

    /// A gateway as its configuration wants it served.
    pub fn of(config: &ServerConfig, gateway: Arc<Gateway>) -> Self {
        let (headers, tls) = (gateway.upstream_headers(), gateway.tls().cloned());
        let served = Self::new(gateway).trusted_proxies(config.trusted_proxies.clone()).upstream_headers(&headers);
        Self { tls, ..served }
    }

    /// The networks of proxies whose word on clients is believed.
    #[must_use]
    pub fn trusted_proxies(self, networks: Vec<IpNet>) -> Self {
        Self { trusted_proxies: networks, ..self }
    }

    /// Headers that policies set for upstreams: dropped from every request, in both spellings.
    #[must_use]
    pub fn upstream_headers(self, names: &[HeaderName]) -> Self {
        Self { strip: Arc::new(Strip::new(names)), ..self }
    }

    /// Puts something around the service.
    pub fn wrap(&mut self, around: impl FnOnce(Arc<dyn Service>) -> Arc<dyn Service>) {
        self.service = around(Arc::clone(&self.service));
    }
}

/// What is being served; it can be replaced while the server runs. Requests in flight, streams and
/// tunnels stay with what they began with.
#[derive(Clone)]
pub struct Live(Arc<ArcSwap<Served>>);

impl Live {
    /// Serves `service` until it is replaced, as [`Served::new`] says.
    pub fn new(service: Arc<dyn Service>) -> Self {
        Self::serving(Served::new(service))
    }

    /// Serves `served` until it is replaced.
    pub fn serving(served: Served) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(served)))
    }

    /// Serves `served` from the next request on. Belongs inside the runtime of the server.
    pub fn replace(&self, served: Served) {
        served.service.begin();
        self.0.store(Arc::new(served));
    }

    pub(super) fn current(&self) -> Arc<Served> {
        self.0.load_full()
    }
}
