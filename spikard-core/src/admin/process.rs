//! What the process says of itself: under the names that all programs use for it (`process_...`), and
//! the version.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;
use rustix::time::{ClockId, clock_gettime};

/// Looks at the process when it is asked.
pub(super) struct Process {
    begun: f64,
}

impl Process {
    pub(super) fn new() -> Self {
        Self { begun: SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64() }
    }

    /// Writes the metrics, and that these are the last ones.
    pub(super) fn write(&self, text: &mut String, is_ready: bool) -> fmt::Result {
        let mut registry = Registry::default();
        let spikard = registry.sub_registry_with_prefix("spikard");
        spikard.register("build", "The program", Info::new(vec![("version", env!("CARGO_PKG_VERSION"))]));
        let ready = ConstGauge::new(i64::from(is_ready));
        spikard.register("ready", "Whether the server takes requests: 0 once it drains", ready);
        let process = registry.sub_registry_with_prefix("process");
        process.register("start_time_seconds", "When the server began, in seconds since 1970", ConstGauge::new(self.begun));
        process.register("cpu_seconds", "Time that processors worked for the process", ConstCounter::new(cpu_seconds()));
        for (name, help, value) in [
            ("resident_memory_bytes", "Memory that the process holds", resident_memory()),
            ("open_fds", "File descriptors that are open", open_descriptors()),
        ] {
            // Known on Linux only.
            if let Some(value) = value {
                process.register(name, help, ConstGauge::new(value));
            }
        }
        encode(text, &registry)
    }
}

fn cpu_seconds() -> f64 {
    let time: std::time::Duration = clock_gettime(ClockId::ProcessCPUTime).try_into().unwrap_or_default();
    time.as_secs_f64()
}

/// From proc(5).
fn resident_memory() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u32 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(f64::from(kibibytes) * 1024.0)
}

fn open_descriptors() -> Option<f64> {
    let count = std::fs::read_dir("/proc/self/fd").ok()?.count();
    u32::try_from(count).ok().map(f64::from)
}
