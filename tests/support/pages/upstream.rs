//! The example `upstream` of spikard-core, started inside the test.

#[path = "../../../spikard-core/examples/upstream.rs"]
#[expect(dead_code, reason = "its `main` listens on a port of its own choice")]
mod example;

use spikard_core::server::Settings;

use crate::running::Running;

/// Starts it on a free port.
pub(super) async fn start() -> Result<Running, String> {
    let config = example::config(0);
    let settings = Settings { trusted_proxies: config.trusted_proxies.clone(), ..Settings::default() };
    let gateway = example::upstream(config).gateway().map_err(|error| error.to_string())?;
    Ok(Running::start(settings, gateway).await)
}
