//! `spikard_refusals_total`: answers that the server made in the place of a leaf, by who made them.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use spikard_middleware::Metrics;
use spikard_middleware::problem::Refused;

/// Counts refusals.
#[derive(Debug, Clone)]
pub(super) struct Refusals(Family<Labels, Counter>);

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    /// The layer of the table; else `routes` (nothing has the path or method), `leaf` or `server`.
    policy: &'static str,
    /// The slug of the problem.
    reason: &'static str,
}

impl Refusals {
    pub(super) fn of(metrics: &Metrics) -> Self {
        Self(metrics.metric(
            "refusals",
            "Requests that were refused, by the policy that refused and the kind of problem",
            Family::default,
        ))
    }

    /// Counts a refusal; `otherwise` is who refused if it was no policy.
    pub(super) fn count(&self, refused: Refused, otherwise: &'static str) {
        let policy = refused.policy.unwrap_or(otherwise);
        self.0.get_or_create(&Labels { policy, reason: refused.slug }).inc();
    }
}
