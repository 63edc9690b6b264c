//! Which targets requests go to, told by a clock that stands still.

mod ejection;
mod methods;

use std::collections::BTreeMap;
use std::time::Duration;

use http::StatusCode;
use spikard_middleware::{BuildContext, Clock};

use super::*;
use crate::config::{Balance, EjectionConfig, TargetConfig};
use crate::proxy::Upstream;

const BAD_GATEWAY: Outcome = Outcome::Answered(StatusCode::BAD_GATEWAY);
const OK: Outcome = Outcome::Answered(StatusCode::OK);

/// A balancer of the targets `a`, `b` and so on.
struct Fixture {
    upstream: Upstream,
    clock: Clock,
}

impl Fixture {
    fn new(config: UpstreamConfig) -> Self {
        let clock = Clock::manual(Duration::from_secs(1));
        let upstream = Upstream::build(&config, &BuildContext::new("", clock.clone()));
        Self { upstream: upstream.unwrap(), clock }
    }

    fn ejecting(targets: usize, ejection: EjectionConfig) -> Self {
        let targets = ('a'..).take(targets).map(|name| format!("http://{name}").into()).collect();
        Self::new(UpstreamConfig { targets, ejection, ..UpstreamConfig::default() })
    }

    fn choose(&self) -> Lease {
        self.upstream.0.balancer.choose(None, &[]).unwrap()
    }

    fn choose_for(&self, key: u64) -> Lease {
        self.upstream.0.balancer.choose(Some(key), &[]).unwrap()
    }

    /// How many of `requests` each target gets, one after the other.
    fn shares(&self, requests: usize) -> BTreeMap<String, usize> {
        let mut shares = BTreeMap::new();
        for _ in 0..requests {
            *shares.entry(name(&self.choose())).or_default() += 1;
        }
        shares
    }

    /// A lease of the target `name`, which takes part.
    fn lease_of(&self, name: &str) -> Lease {
        let found = (0..1000).map(|_| self.choose()).find(|lease| self::name(lease) == name);
        found.unwrap_or_else(|| panic!("{name} gets no requests"))
    }

    /// Reports `outcome` of `times` requests to the target `name`.
    fn report(&self, name: &str, outcome: Outcome, times: usize) {
        for _ in 0..times {
            self.lease_of(name).report(outcome);
        }
    }

    fn wait(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }
}

fn name(lease: &Lease) -> String {
    lease.to_string().trim_start_matches("http://").to_owned()
}

fn shares<const N: usize>(shares: [(&str, usize); N]) -> BTreeMap<String, usize> {
    shares.map(|(name, share)| (name.to_owned(), share)).into()
}
