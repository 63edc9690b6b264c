//! One server of an upstream, with the connections to it.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::time::Duration;

use super::ejection::{Presence, Record};
use super::{Ejection, Outcome};
use crate::proxy::http2;
use crate::proxy::pool::Pool;
use crate::proxy::target::Address;

/// What the targets of one upstream have in common.
pub(in crate::proxy) struct Group {
    pub(in crate::proxy) ejection: Ejection,
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
    pub(super) in_flight: AtomicUsize,
    group: Arc<Group>,
    record: Record,
}

impl Target {
    pub(in crate::proxy) fn new(address: Address, group: &Arc<Group>) -> Arc<Self> {
        group.ejection.joined();
        Arc::new(Self {
            address,
            pool: Pool::new(group.idle_connections, group.idle_timeout),
            session: http2::Shared::new(group.idle_timeout),
            http1_only: AtomicBool::new(false),
            in_flight: AtomicUsize::new(0),
            group: Arc::clone(group),
            record: Record::default(),
        })
    }

    /// Whether it may get requests: it was not ejected, or it is time to see whether it is back.
    pub(super) fn takes_part(&self) -> bool {
        self.presence() != Presence::Out
    }

    pub(super) fn presence(&self) -> Presence {
        self.group.ejection.presence(&self.record)
    }

    /// Takes the right to find out whether a target that was ejected is back.
    pub(super) fn begin_trial(&self) -> bool {
        self.group.ejection.begin_trial(&self.record)
    }

    /// Learns from an outcome. `was_out`: of a request that came although the target is ejected.
    pub(super) fn learn(&self, outcome: Outcome, was_out: bool) {
        self.group.ejection.learn(self, &self.record, outcome, was_out);
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        self.group.ejection.left(&self.record);
    }
}

impl fmt::Display for Target {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.address.fmt(formatter)
    }
}
