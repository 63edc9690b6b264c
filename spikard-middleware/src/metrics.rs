//! What a server counts and measures, in the form that Prometheus reads.
//!
//! One registry belongs to one server and outlives its configurations: what counted before a reload
//! goes on counting after it.

use std::any::Any;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::registry::{Metric, Registry};

/// The metrics of a server. Clones are the same.
#[derive(Clone, Default)]
pub struct Metrics(Arc<Inner>);

#[derive(Default)]
struct Inner {
    known: Mutex<Known>,
    wanted: AtomicBool,
}

struct Known {
    registry: Registry,
    by_name: BTreeMap<&'static str, Box<dyn Any + Send>>,
}

impl Default for Known {
    fn default() -> Self {
        Self { registry: Registry::with_prefix("spikard"), by_name: BTreeMap::new() }
    }
}

impl Metrics {
    /// The metric of that name: the first who asks makes it, all others get the same one.
    ///
    /// `name` goes without the prefix `spikard_` and without the suffix `_total`, which counters get; it
    /// ends with its unit, `_seconds` or `_bytes`. `help` is a sentence without its full stop.
    ///
    /// # Panics
    /// When the name is that of a metric of another type.
    pub fn metric<M: Metric + Clone>(&self, name: &'static str, help: &str, make: impl FnOnce() -> M) -> M {
        let mut known = self.0.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(metric) = known.by_name.get(name) {
            let metric = metric.downcast_ref::<M>().unwrap_or_else(|| panic!("the metric {name} has another type"));
            return metric.clone();
        }
        let metric = make();
        known.registry.register(name, help, metric.clone());
        known.by_name.insert(name, Box::new(metric.clone()));
        metric
    }

    /// Notes that somebody reads the metrics.
    pub fn want(&self) {
        self.0.wanted.store(true, Ordering::Relaxed);
    }

    /// Whether somebody reads the metrics. What costs requests time is built only then; it is known
    /// when a configuration is built.
    pub fn are_wanted(&self) -> bool {
        self.0.wanted.load(Ordering::Relaxed)
    }

    /// All metrics as text, in the format of `OpenMetrics` 1.0.
    ///
    /// # Errors
    /// When a metric cannot be written.
    pub fn text(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        self.write(&mut text)?;
        encode_eof(&mut text)?;
        Ok(text)
    }

    /// Writes all metrics without the mark of the end, so that others can follow.
    ///
    /// # Errors
    /// When a metric cannot be written.
    pub fn write(&self, text: &mut String) -> fmt::Result {
        encode_registry(text, &self.0.known.lock().unwrap_or_else(PoisonError::into_inner).registry)
    }
}

#[cfg(test)]
mod tests {
    use prometheus_client::metrics::counter::Counter;

    use super::*;

    #[test]
    fn who_asks_twice_counts_on() {
        let metrics = Metrics::default();
        metrics.metric("requests", "Requests", Counter::<u64>::default).inc();
        metrics.clone().metric("requests", "Requests", Counter::<u64>::default).inc();
        let text = metrics.text().unwrap();
        assert!(text.contains("# HELP spikard_requests Requests.\n") && text.contains("spikard_requests_total 2\n"), "{text}");
    }
}
