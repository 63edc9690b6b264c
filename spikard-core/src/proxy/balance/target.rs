//! One server of an upstream, with the connections to it.

use std::fmt;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use spikard_middleware::{Clock, Task};

use super::counts::{Counts, Tally};
use super::ejection::{Presence, Record};
use super::hash::hash;
use super::health::{Change, Health};
use super::lease::Admission;
use super::warmth::Warmth;
use super::{Ejection, Outcome};
use crate::config::HealthConfig;
use crate::proxy::http2;
use crate::proxy::pool::Pool;
use crate::proxy::target::Address;

/// What the targets of one upstream have in common.
pub(in crate::proxy) struct Group {
    pub(in crate::proxy) counts: Option<Counts>,
    pub(in crate::proxy) ejection: Ejection,
    pub(in crate::proxy) clock: Clock,
    pub(in crate::proxy) slow_start: Duration,
    pub(in crate::proxy) health: Option<HealthConfig>,
    pub(in crate::proxy) idle_connections: usize,
    pub(in crate::proxy) idle_timeout: Duration,
}

/// A server of an upstream.
pub(in crate::proxy) struct Target {
    pub(in crate::proxy) address: Address,
    pub(in crate::proxy) pool: Arc<Pool>,
    pub(in crate::proxy) session: Arc<http2::Shared>,
    /// Whether TLS found out that the target does not speak HTTP/2.
    pub(in crate::proxy) http1_only: AtomicBool,
    pub(super) weight: u32,
    /// Where it stands among the hashes of requests.
    pub(super) point: u64,
    pub(super) in_flight: AtomicUsize,
    pub(super) group: Arc<Group>,
    record: Record,
    health: Health,
    warmth: Warmth,
    /// What checks it, if anything does.
    watch: OnceLock<Task>,
    /// None if nobody reads it.
    pub(super) tally: Option<Tally>,
}

impl Target {
    pub(in crate::proxy) fn new(address: Address, weight: u32, group: &Arc<Group>) -> Arc<Self> {
        Arc::new(Self {
            tally: group.counts.as_ref().map(|counts| counts.tally(&address.to_string())),
            weight,
            point: hash(address.to_string().as_bytes()),
            address,
            pool: Pool::new(group.idle_connections, group.idle_timeout),
            session: http2::Shared::new(group.idle_timeout),
            http1_only: AtomicBool::new(false),
            in_flight: AtomicUsize::new(0),
            group: Arc::clone(group),
            record: Record::default(),
            health: Health::default(),
            warmth: Warmth::default(),
            watch: OnceLock::new(),
        })
    }

    /// The same target at one of the addresses that its name resolves to.
    pub(in crate::proxy) fn at(&self, address: SocketAddr) -> Option<Arc<Self>> {
        Some(Self::new(self.address.at(address)?, self.weight, &self.group))
    }

    /// Keeps what checks it for as long as it lives.
    pub(in crate::proxy) fn keep(&self, watch: Task) {
        let _ = self.watch.set(watch);
    }

    /// Ends its ejection, if it is ejected.
    pub(in crate::proxy) fn readmit(&self) {
        self.group.ejection.readmit(&self.record);
    }

    /// Begins with less than its share.
    pub(in crate::proxy) fn begin_slowly(&self) {
        self.warmth.begin(self.group.slow_start, &self.group.clock);
    }

    /// Learns from a health check, or why it failed.
    pub(in crate::proxy) fn checked(&self, found: Result<(), String>) {
        let Some(config) = &self.group.health else { return };
        match (self.health.learn(found.is_ok(), config), found) {
            (Some(Change::Up), _) => {
                tracing::info!("upstream {self} passes its health checks again and takes part");
                self.readmit();
                self.begin_slowly();
            }
            (Some(Change::Down), Err(reason)) => tracing::warn!("upstream {self} fails its health checks: {reason}"),
            _ => {}
        }
    }

    /// Whether it may get requests: its checks pass, and it was not ejected, or it is time to see
    /// whether it is back.
    pub(super) fn takes_part(&self) -> bool {
        !self.health.is_down() && self.presence() != Presence::Out
    }

    /// Whether it takes a turn for which `lot` was drawn, as long as it is new.
    pub(super) fn admits(&self, lot: impl FnOnce() -> u64) -> bool {
        self.warmth.admits(self.group.slow_start, &self.group.clock, lot)
    }

    /// Whether it has fewer requests in flight for its weight than another.
    pub(super) fn is_lighter(&self, other: &Self) -> bool {
        let in_flight = |target: &Self| target.in_flight.load(Ordering::Relaxed);
        in_flight(self) * (other.weight as usize) < in_flight(other) * (self.weight as usize)
    }

    pub(super) fn presence(&self) -> Presence {
        self.group.ejection.presence(&self.record)
    }

    /// Takes the right to find out whether a target that was ejected is back.
    pub(super) fn begin_trial(&self) -> bool {
        self.group.ejection.begin_trial(&self.record)
    }

    /// Learns from an outcome.
    pub(super) fn learn(&self, outcome: Outcome, admission: Admission) {
        if self.group.ejection.learn(self, &self.record, outcome, admission) {
            self.begin_slowly();
        }
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        self.readmit();
    }
}

impl fmt::Display for Target {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.address.fmt(formatter)
    }
}
