//! The example `upstream` of spikard-core, started inside the test.

#[path = "../../../spikard-core/examples/upstream.rs"]
#[expect(dead_code, reason = "its `main` listens on a port of its own choice")]
mod example;

use std::sync::Arc;

use spikard_core::server::{Served, Settings};

use crate::running::Running;

/// Starts it on a free port.
pub(super) async fn start() -> Result<Running, String> {
    let config = example::config(0);
    let proxies = config.trusted_proxies.clone();
    let gateway = example::upstream(config).gateway().map_err(|error| error.to_string())?;
    let served = Served::new(Arc::new(gateway)).trusted_proxies(proxies);
    Ok(Running::serving(Settings::default(), served).await)
}
