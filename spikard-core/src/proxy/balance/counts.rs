//! What targets answer and how they are, for those who read the metrics. Without `admin` nothing of it
//! is built.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::time::Instant;

use prometheus_client::encoding::{EncodeLabelSet, EncodeMetric, MetricEncoder};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::histogram::Histogram;
use spikard_middleware::{BuildContext, ConfigPath, Step};

use super::{Outcome, Target};
use crate::traffic::seconds;

/// The metrics of one upstream.
pub(in crate::proxy) struct Counts {
    upstream: String,
    ended: Family<Ended, Counter>,
    durations: Family<Labels, Histogram, fn() -> Histogram>,
    healthy: Reading,
    in_flight: Reading,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, EncodeLabelSet)]
struct Labels {
    upstream: String,
    target: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Ended {
    upstream: String,
    target: String,
    outcome: &'static str,
}

impl Counts {
    /// Those of the upstream at the place of `ctx`, if anybody reads them.
    pub(in crate::proxy) fn of(ctx: &BuildContext) -> Option<Self> {
        let metrics = ctx.metrics();
        let requests = "Tries to have a request answered, by what came of them";
        let duration = "Time from the choice of a target to the head of its answer";
        let healthy = "Whether the target gets requests: 0 when it was ejected or fails its checks";
        let in_flight = "Requests whose answer has not ended";
        metrics.are_wanted().then(|| Self {
            upstream: name(ctx.place()),
            ended: metrics.metric("upstream_requests", requests, Family::default),
            durations: metrics
                .metric("upstream_duration_seconds", duration, || Family::new_with_constructor(seconds as fn() -> _)),
            healthy: metrics.metric("upstream_healthy", healthy, || Reading::new(|target| target.takes_part().into(), i64::max)),
            in_flight: metrics.metric("upstream_in_flight", in_flight, || {
                Reading::new(
                    |target| target.in_flight.load(Ordering::Relaxed).try_into().unwrap_or(i64::MAX),
                    i64::saturating_add,
                )
            }),
        })
    }

    /// The counters of a target.
    pub(super) fn tally(&self, target: &str) -> Tally {
        let labels = Labels { upstream: self.upstream.clone(), target: target.to_owned() };
        let duration = self.durations.get_or_create_owned(&labels);
        Tally { labels, ended: self.ended.clone(), counters: Default::default(), duration }
    }

    /// Shows these targets, all of one group, in place of those that the group had, for as long as they
    /// are there.
    pub(super) fn show(&self, targets: &[Arc<Target>]) {
        for reading in [&self.healthy, &self.in_flight] {
            reading.show(&self.upstream, targets);
        }
    }
}

/// The name of the upstream whose settings stand at a place.
fn name(place: &ConfigPath) -> String {
    match place.steps().last() {
        Some(Step::Key(name)) => name.clone(),
        _ => String::new(),
    }
}

/// The counters of one target.
pub(super) struct Tally {
    labels: Labels,
    ended: Family<Ended, Counter>,
    counters: [OnceLock<Counter>; OUTCOMES.len()],
    duration: Histogram,
}

/// What may come of a try. `error` is an answer with a status from 500 on.
const OUTCOMES: [&str; 4] = ["ok", "error", "unreachable", "broken"];

impl Tally {
    /// Counts a try that began at a time.
    pub(super) fn count(&self, outcome: Outcome, begun: Instant) {
        let number = match outcome {
            Outcome::Answered(status) if !status.is_server_error() => 0,
            Outcome::Answered(_) => 1,
            Outcome::Unreachable => 2,
            Outcome::Broken => 3,
        };
        let counter = self.counters[number].get_or_init(|| {
            let Labels { upstream, target } = self.labels.clone();
            self.ended.get_or_create_owned(&Ended { upstream, target, outcome: OUTCOMES[number] })
        });
        counter.inc();
        if let Outcome::Answered(_) = outcome {
            self.duration.observe(begun.elapsed().as_secs_f64());
        }
    }
}

/// A gauge that is read from targets when it is asked for, so that requests need not write it.
#[derive(Clone)]
struct Reading {
    targets: Arc<Mutex<Shown>>,
    read: fn(&Target) -> i64,
    /// What to make of two targets with the same labels: a reload has the old and the new one.
    join: fn(i64, i64) -> i64,
}

type Shown = Vec<(Labels, Weak<Target>)>;

impl Reading {
    fn new(read: fn(&Target) -> i64, join: fn(i64, i64) -> i64) -> Self {
        Self { targets: Arc::default(), read, join }
    }

    fn show(&self, upstream: &str, targets: &[Arc<Target>]) {
        let is_of_them = |shown: &Arc<Target>| targets.iter().any(|target| Arc::ptr_eq(&target.group, &shown.group));
        let mut shown = self.targets.lock().unwrap_or_else(PoisonError::into_inner);
        shown.retain(|(_, target)| target.upgrade().is_some_and(|target| !is_of_them(&target)));
        let labels = |target: &Arc<Target>| Labels { upstream: upstream.to_owned(), target: target.to_string() };
        shown.extend(targets.iter().map(|target| (labels(target), Arc::downgrade(target))));
    }

    fn values(&self) -> BTreeMap<Labels, i64> {
        let targets = self.targets.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut values = BTreeMap::new();
        for (labels, target) in targets {
            if let Some(value) = target.upgrade().map(|target| (self.read)(&target)) {
                values.entry(labels).and_modify(|known| *known = (self.join)(*known, value)).or_insert(value);
            }
        }
        values
    }
}

impl fmt::Debug for Reading {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Reading")
    }
}

impl EncodeMetric for Reading {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        for (labels, value) in self.values() {
            ConstGauge::new(value).encode(encoder.encode_family(&labels)?)?;
        }
        Ok(())
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Gauge
    }
}
