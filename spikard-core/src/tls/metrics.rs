//! What is counted and measured of TLS: what became of handshakes, and when certificates expire.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use spikard_middleware::Metrics;

/// `spikard_tls_handshakes_total`, by what became of them.
#[derive(Debug)]
pub(crate) struct Handshakes {
    /// Keys and certificates were exchanged.
    pub(crate) full: Counter,
    /// A session goes on.
    pub(crate) resumed: Counter,
    /// The two did not come to an agreement, or the client went away.
    pub(crate) failed: Counter,
    /// The client took longer than the limit.
    pub(crate) late: Counter,
    /// The client spoke HTTP without TLS.
    pub(crate) plain: Counter,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    outcome: &'static str,
}

impl Handshakes {
    pub(super) fn of(metrics: &Metrics) -> Self {
        let help = "Handshakes by what became of them";
        let handshakes = metrics.metric("tls_handshakes", help, Family::<Outcome, Counter>::default);
        let outcome = |outcome| handshakes.get_or_create_owned(&Outcome { outcome });
        Self {
            full: outcome("full"),
            resumed: outcome("resumed"),
            failed: outcome("failed"),
            late: outcome("late"),
            plain: outcome("plain"),
        }
    }
}

/// `spikard_tls_certificate_expiry_timestamp_seconds`, by the file. What was shown is taken back with
/// this: another configuration may have other certificates.
#[derive(Debug)]
pub(super) struct Expiry {
    family: Family<File, Gauge>,
    shown: Vec<File>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct File {
    certificate: String,
}

impl Expiry {
    pub(super) fn of(metrics: &Metrics) -> Self {
        let help = "When a certificate expires, in seconds since 1970";
        let family = metrics.metric("tls_certificate_expiry_timestamp_seconds", help, Family::default);
        Self { family, shown: Vec::new() }
    }

    /// Shows certificates by their files, and the times at which they expire.
    pub(super) fn show(&mut self, certificates: &[(String, i64)]) {
        for (certificate, expires) in certificates {
            let file = File { certificate: certificate.clone() };
            self.family.get_or_create_owned(&file).set(*expires);
            if !self.shown.contains(&file) {
                self.shown.push(file);
            }
        }
    }
}

impl Drop for Expiry {
    fn drop(&mut self) {
        for file in &self.shown {
            self.family.remove(file);
        }
    }
}
