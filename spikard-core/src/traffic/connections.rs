//! Connections: how many are open, how many there have been, and what is refused before any route.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use spikard_middleware::Metrics;
use spikard_middleware::problem::{Refusal, Refused};

use super::refusals::Refusals;

/// Counts the connections of a server.
#[derive(Debug, Clone)]
pub struct Connections {
    open: Gauge,
    accepted: Counter,
    refusals: Refusals,
}

impl Connections {
    /// Counters in `metrics`.
    pub fn of(metrics: &Metrics) -> Self {
        Self {
            open: metrics.metric("open_connections", "Connections of clients that are open", Gauge::default),
            accepted: metrics.metric("connections", "Connections of clients that were accepted", Counter::default),
            refusals: Refusals::of(metrics),
        }
    }

    /// Counts a connection, for as long as what is returned lives.
    pub(crate) fn opened(&self) -> OpenConnection {
        self.accepted.inc();
        self.open.inc();
        OpenConnection(self.open.clone())
    }

    /// Counts a request that is refused before a route is looked for.
    pub(crate) fn refused(&self, refusal: Refusal) {
        self.refusals.count(Refused { slug: refusal.slug, policy: None }, "server");
    }
}

/// An open connection.
pub(crate) struct OpenConnection(Gauge);

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.0.dec();
    }
}
